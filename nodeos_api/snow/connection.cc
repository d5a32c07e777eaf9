// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace weft::snow {

Text Texts::add(const void* bytes, size_t length) {
  if (bytes == nullptr) return {};
  const Text where{uint32_t(bytes_.size()), uint32_t(length)};
  const auto* at = static_cast<const uint8_t*>(bytes);
  bytes_.insert(bytes_.end(), at, at + length);
  return where;
}

bool Connection::gone() {
  std::lock_guard lock(mutex_);
  return gone_;
}

int Connection::note_gone() {
  gone_ = true;
  return fail(AN_EDEAD, "the node is gone");
}

int Connection::exchange(uint16_t call, std::span<const uint8_t> request, std::span<const uint8_t> texts,
                         std::span<uint8_t> reply, std::vector<uint8_t>* behind) {
  const size_t size = sizeof(Header) + request.size() + texts.size();
  if (size > kMaxMessage) return fail(AN_EINVAL, "the texts of a call are longer than Snow carries");
  std::lock_guard lock(mutex_);
  if (gone_) return note_gone();
  Header header{uint32_t(size), call, Kind::kRequest, ++sequence_, 0};
  iovec parts[] = {{&header, sizeof header},
                   {const_cast<uint8_t*>(request.data()), request.size()},
                   {const_cast<uint8_t*>(texts.data()), texts.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 3;
  while (::sendmsg(fd(), &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return note_gone();
  }
  for (;;) {
    if (!receive(&in_, true)) return note_gone();
    std::memcpy(&header, in_.data(), sizeof header);
    const auto body = std::span<const uint8_t>(in_).subspan(sizeof header);
    if (header.kind == Kind::kNews) {
      keep(body);
      continue;
    }
    if (header.sequence != sequence_) continue;
    if (header.status != AN_OK) {
      return fail(an_Status(header.status), std::string(body.begin(), body.end()));
    }
    // Of a node that knows more, the rest; of one that knows less, zeros.
    const size_t n = std::min(body.size(), reply.size());
    std::copy_n(body.begin(), n, reply.begin());
    if (behind != nullptr) behind->assign(body.begin() + ptrdiff_t(n), body.end());
    return AN_OK;
  }
}

// False when the node is gone, or, without waiting, when there is nothing.
bool Connection::receive(std::vector<uint8_t>* into, bool wait) {
  into->resize(kMaxMessage);
  iovec part{into->data(), into->size()};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  ssize_t n;
  msghdr message;
  do {
    message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    n = ::recvmsg(fd(), &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  } while (n < 0 && errno == EINTR);
  if (n < ssize_t(sizeof(Header))) {
    gone_ = gone_ || n >= 0 || errno != EAGAIN;
    return false;
  }
  into->resize(size_t(n));
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_type != SCM_RIGHTS) continue;
    int numbers[2] = {-1, -1};
    std::memcpy(numbers, CMSG_DATA(c), std::min<size_t>(sizeof numbers, c->cmsg_len - CMSG_LEN(0)));
    for (size_t i = 0; i < 2; ++i) descriptors_[i] = OwnedFd(numbers[i]);
  }
  return true;
}

void Connection::keep(std::span<const uint8_t> news) {
  DomainEnded ended;
  if (news.size() < sizeof ended) return;
  std::memcpy(&ended, news.data(), sizeof ended);
  news_.push_back(ended);
}

bool Connection::has_news() {
  std::lock_guard lock(mutex_);
  return !news_.empty() || gone_;
}

std::vector<DomainEnded> Connection::take_news() {
  std::lock_guard lock(mutex_);
  std::vector<uint8_t> message;
  while (receive(&message, false)) keep(std::span<const uint8_t>(message).subspan(sizeof(Header)));
  return std::exchange(news_, {});
}

}  // namespace weft::snow
