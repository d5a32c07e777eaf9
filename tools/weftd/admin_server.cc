// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/admin_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace weft {

namespace {

constexpr uint64_t kPumpPeriod = 20'000'000;  // ns

}  // namespace

AdminServer::AdminServer(AdminSocket socket, ControlLoop& loop, Handler handler)
    : socket_(std::move(socket)), loop_(loop), handler_(std::move(handler)) {
  loop_.watch(socket_.fd(), EPOLLIN, [this](uint32_t) { accept(); });
}

AdminServer::~AdminServer() {
  if (ticking_) loop_.forget_tick(tick_);
  loop_.forget(socket_.fd());
  for (const auto& session : sessions_) loop_.forget(session->socket_.get());
}

void AdminServer::accept() {
  OwnedFd client = socket_.accept();
  if (!client || sessions_.size() == kMaxSessions) return;
  const int fd = client.get();
  auto& session = *sessions_.emplace_back(std::make_unique<AdminSession>(std::move(client)));
  session.send(admin::hello());
  loop_.watch(fd, EPOLLIN, [this, &session](uint32_t events) { ready(session, events); });
  settle(session, write(session));
}

void AdminServer::ready(AdminSession& session, uint32_t events) {
  bool alive = (events & EPOLLERR) == 0 && write(session);
  if (alive && (events & EPOLLOUT) != 0) alive = pump(session);
  if (alive && (events & (EPOLLIN | EPOLLHUP)) != 0) alive = read(session);
  settle(session, alive && answer(session));
}

bool AdminServer::read(AdminSession& session) {
  char buffer[16 * 1024];
  const ssize_t n = ::recv(session.socket_.get(), buffer, sizeof buffer, 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) {
    session.ended_ = true;
    session.stream_.reset();
    return true;
  }
  if (session.stream_ != nullptr) return true;  // what it says during a stream is not asked for
  if (session.in_.append({buffer, size_t(n)})) return true;
  session.send(admin::failed("the request is longer than " + std::to_string(admin::kMaxRequest) + " bytes"));
  write(session);
  return false;
}

// One reply at a time waits: a client that does not read is not served on.
bool AdminServer::answer(AdminSession& session) {
  while (session.stream_ == nullptr && session.out_.empty()) {
    const auto line = session.in_.take();
    if (!line) return true;
    if (const auto request = admin::parse_request(*line)) {
      handler_(session, *request);
    } else {
      session.send(admin::failed(request.error().sentence));
    }
    if (!write(session)) return false;
  }
  return true;
}

bool AdminServer::write(AdminSession& session) {
  while (session.sent_ < session.out_.size()) {
    const ssize_t n = ::send(session.socket_.get(), session.out_.data() + session.sent_,
                             session.out_.size() - session.sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) session.sent_ += size_t(n);
  }
  session.out_.clear();
  session.sent_ = 0;
  return true;
}

void AdminServer::settle(AdminSession& session, bool alive) {
  const bool over = session.ended_ && session.out_.empty();
  if (!alive || over) {
    loop_.forget(session.socket_.get());
    std::erase_if(sessions_, [&](const auto& s) { return s.get() == &session; });
  } else {
    const bool waiting = !session.out_.empty();
    // While a reply waits the client is not read from, unless a stream runs: then
    // its end must be seen.
    const uint32_t events =
        (waiting ? uint32_t(EPOLLOUT) : 0u) |
        (!session.ended_ && (!waiting || session.stream_ != nullptr) ? uint32_t(EPOLLIN) : 0u);
    loop_.change(session.socket_.get(), events);
  }
  const bool streaming = std::ranges::any_of(sessions_, [](const auto& s) { return s->stream_ != nullptr; });
  if (streaming && !ticking_) tick_ = loop_.every(kPumpPeriod, [this] { pump_streams(); });
  if (!streaming && ticking_) loop_.forget_tick(tick_);
  ticking_ = streaming;
}

bool AdminServer::pump(AdminSession& session) {
  if (session.stream_ != nullptr && !session.stream_->pump(session)) session.stream_.reset();
  return write(session) && answer(session);
}

void AdminServer::pump_streams() {
  std::vector<AdminSession*> streaming;
  for (const auto& session : sessions_) {
    if (session->stream_ != nullptr) streaming.push_back(session.get());
  }
  for (AdminSession* session : streaming) settle(*session, pump(*session));
}

}  // namespace weft
