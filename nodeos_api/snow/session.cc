// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/session.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "nodeos_api/credential.h"
#include "nodeos_api/snow/calls.h"

namespace weft::snow {

namespace {

constexpr int kCallsPerTurn = 16;       // then others get their turn
constexpr uint32_t kLeastPackets = 16;  // each way

template <typename T>
std::span<const uint8_t> bytes_of(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

}  // namespace

Session::Session(OwnedFd socket, GeniNode& node, an_Domain parent, const SessionLimits& limits, an_Cred cred)
    : socket_(std::move(socket)),
      node_(node),
      parent_(parent),
      limits_(limits),
      cred_(cred),
      peer_(peer_of(fd())),
      handles_(limits.objects),
      share_(node.pool()),
      in_(kMaxMessage) {
  node_.add(*this);
}

ucred Session::peer_of(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) peer.uid = uid_t(-1);
  return peer;
}

Session::~Session() {
  node_.remove(*this);
  asked_ = true;
  if (top_ != nullptr) an_domainDestroy(top_);
  handles_.for_each<CredKind>([](an_Cred c) { an_credDestroy(c); });
  if (charged_ != nullptr) charged_->release_slots(limits_.packets_made + limits_.packets_received);
}

// Its channels are closed.  Nothing of the EE is pulled any more; it hears that the node is gone.
void Session::hear_of_top(an_Domain, an_TermReason, void* arg) {
  auto* const session = static_cast<Session*>(arg);
  session->border_->stop();
  session->top_ = nullptr;
  ::shutdown(session->fd(), SHUT_RDWR);
}

bool Session::over(std::string why) {
  complaint_ = std::move(why);
  return false;
}

// --- the socket ----------------------------------------------------------------

// What it has sent is answered before more of it is read, so that it cannot make the node
// keep replies that it does not take.
bool Session::serve() {
  for (int calls = 0; calls < kCallsPerTurn; ++calls) {
    if (!flush()) return over("it is gone");
    if (has_backlog()) return true;
    bool none = false;
    if (!receive(&none)) return false;
    if (none) return true;
  }
  return flush() || over("it is gone");
}

bool Session::receive(bool* none) {
  iovec part{in_.data(), in_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t n = ::recvmsg(fd(), &message, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    *none = true;
    return true;
  }
  if (n <= 0) return over("it is gone");
  if (message.msg_flags & MSG_TRUNC) return over("a message is longer than any may be");
  return answer({in_.data(), size_t(n)});
}

bool Session::answer(std::span<const uint8_t> message) {
  Header header;
  if (message.size() < sizeof header) return over("a message is shorter than its header");
  std::memcpy(&header, message.data(), sizeof header);
  const auto body = message.subspan(sizeof header);
  const Service* service = find_service(header.call);
  if (header.size != message.size() || header.kind != Kind::kRequest) return over("a message is no request");
  if (service == nullptr) return over("call " + std::to_string(header.call) + " is not known here");
  if (body.size() < service->least) return over("call " + std::to_string(header.call) + " is too short");
  if ((header.call == uint16_t(Call::kHello)) == border_.has_value()) {
    return over("a greeting comes first, and once");
  }
  if (top_ != nullptr) border_->take_all();
  std::vector<uint8_t> reply;
  asked_ = true;
  const uint64_t removed = weft::handles().removed();
  const int status = service->serve(*this, body, &reply);
  if (weft::handles().removed() != removed) handles_.some_ended();
  asked_ = false;
  if (status != AN_OK) {
    const std::string_view text = an_errtext();
    reply.assign(text.begin(), text.end());
  }
  send({0, header.call, Kind::kReply, header.sequence, status}, reply);
  return true;
}

void Session::send(const Header& header, std::span<const uint8_t> body) {
  Message& message = out_.emplace_back();
  Header full = header;
  full.size = uint32_t(sizeof full + body.size());
  const auto head = bytes_of(full);
  message.bytes.assign(head.begin(), head.end());
  message.bytes.insert(message.bytes.end(), body.begin(), body.end());
  std::swap(message.descriptors, for_welcome_);
}

// False when the EE is gone.
bool Session::flush() {
  for (; !out_.empty(); out_.pop_front()) {
    Message& next = out_.front();
    iovec part{next.bytes.data(), next.bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    if (next.descriptors[0]) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(2 * sizeof(int));
      const int descriptors[] = {next.descriptors[0].get(), next.descriptors[1].get()};
      std::memcpy(CMSG_DATA(rights), descriptors, sizeof descriptors);
    }
    if (::sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) continue;
    return errno == EAGAIN || errno == EINTR;
  }
  return true;
}

// --- for the calls ---------------------------------------------------------------

Result<Principals::Known*> Session::principal() const {
  if (cred_ != nullptr && find<Credential>(cred_)->of() != nullptr) return find<Credential>(cred_)->of();
  if (peer_.uid != uid_t(-1) && peer_.pid != ::getpid()) return node_.principals().of_user(peer_.uid);
  return Error{Code::kPermission,
               "the node does not know which user is at the other end of a socket that it made itself"};
}

Result<Nonce> Session::make_nonce() {
  auto nonce = fresh_nonce();
  if (nonce) nonce_ = *nonce;
  return nonce;
}

// The packets of the EE's own memory are its principal's; half of what that may still have is
// left for its channels' queues.
int Session::reserve_memory(Quota& quota) {
  const uint64_t most = quota.slots_left() / 4;
  if (most < kLeastPackets) {
    return fail(AN_EADMIT, "principal '" + quota.name() + "' has no memory left for another process");
  }
  limits_.packets_made = uint32_t(std::min<uint64_t>(limits_.packets_made, most));
  limits_.packets_received = uint32_t(std::min<uint64_t>(limits_.packets_received, most));
  quota.reserve_slots(limits_.packets_made + limits_.packets_received);
  charged_ = &quota;
  return AN_OK;
}

// Who is a principal is bounded from the beginning; others are as `parent` is.
int Session::begin(Welcome* welcome) {
  if (cred_ != nullptr) return begin_as(find<Credential>(cred_), welcome);
  Credential* known = nullptr;
  if (const auto who = principal()) {
    known = credential_of(nullptr, node_, who);
    if (known == nullptr) return an_errno();
  }
  const int status = begin_as(known, welcome);
  if (known != nullptr) known->destroy();
  return status;
}

int Session::begin_as(const Credential* known, Welcome* welcome) {
  Principals::Known* const who = known != nullptr ? known->of() : nullptr;
  if (who != nullptr && charged_ == nullptr && reserve_memory(who->quota) != AN_OK) return an_errno();
  ShmLayout layout;
  layout.entries = std::bit_ceil(std::max({limits_.packets_made, limits_.packets_received, 64u}));
  layout.openings = std::clamp(limits_.objects, 1u, ShmLayout::kMaxOpenings);
  layout.memory = Pool::bytes(limits_.packets_made) + Pool::bytes(limits_.packets_received);
  auto made = ShmMemory::make(layout);
  if (!made) return fail(made.error());
  top_ = an_domainCreate(nullptr, parent_, known != nullptr ? known->handle() : nullptr, nullptr, nullptr,
                         nullptr, nullptr, hear_of_top, this);
  if (top_ == nullptr) return an_errno();
  Domain& top = *find<Domain>(top_);
  top.stand_for_root();
  top.set_share(&share_);
  border_.emplace(node_, std::move(made->mine), top, share_);
  for_welcome_[0] = std::move(made->memory);
  for_welcome_[1] = std::move(made->their_bell);
  *welcome = {.version = kVersion,
              .packets_made = limits_.packets_made,
              .packets_received = limits_.packets_received,
              .has_files = find<Domain>(top_)->files() != nullptr,
              .root = handles_.give<DomainKind>(top_),
              .layout = layout,
              .bounds = {}};
  if (const Quota* quota = find<Domain>(top_)->quota()) {
    welcome->bounds = bounds_of(*quota);
    if (charged_ != nullptr) welcome->bounds.memory = 0;  // it is in the EE's hands already
  }
  return AN_OK;
}

bool Session::has_room() {
  std::vector<Opening> closed;
  const bool room = handles_.has_room(&closed);
  for (Opening opening : closed) border_->close(opening);
  return room;
}

an_Domain Session::make_domain(an_Domain parent, uint64_t tag, an_Cred cred) {
  auto watch = std::make_unique<Watch>(Watch{this, tag});
  an_Domain domain =
      an_domainCreate(nullptr, parent, cred, nullptr, nullptr, nullptr, nullptr, hear, watch.get());
  if (domain != nullptr) (void)watch.release();  // hear() deletes it
  return domain;
}

// What the EE asked for itself it knows.
void Session::hear(an_Domain, an_TermReason reason, void* arg) {
  const std::unique_ptr<Watch> watch(static_cast<Watch*>(arg));
  Session& session = *watch->session;
  session.handles_.some_ended();
  if (session.asked_) return;
  const DomainEnded ended{watch->tag, reason, 0};
  session.send({0, uint16_t(News::kDomainEnded), Kind::kNews, 0, 0}, bytes_of(ended));
}

}  // namespace weft::snow
