// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/snow_server.h"

namespace weft {

SnowServer::~SnowServer() {
  if (socket_) loop_.forget(socket_->fd());
  for (const auto& [fd, served] : served_) loop_.forget(fd);
}

void SnowServer::listen(AdminSocket socket) {
  socket_.emplace(std::move(socket));
  loop_.watch(socket_->fd(), EPOLLIN, [this](uint32_t) { accept(); });
}

void SnowServer::accept() {
  OwnedFd client = socket_->accept();
  if (!client) return;
  if (auto served = serve(std::move(client), node_.root().handle(), "an EE"); !served) {
    log_.warn("snow: {}", served.error().sentence);
  }
}

Result<void> SnowServer::serve(OwnedFd socket, an_Domain parent, const std::string& name) {
  if (served_.size() == kMaxSessions) {
    return Error{Code::kLimit, "64 EEs are connected, and " + name + " is one too many"};
  }
  const int fd = socket.get();
  served_.emplace(fd, new Served{name, {std::move(socket), node_, parent, limits_}});
  const ucred& peer = served_.at(fd)->session.peer();
  log_.info("snow: {} joins: process {}, user {}", name, peer.pid, peer.uid);
  loop_.watch(fd, EPOLLIN, [this, fd](uint32_t) { ready(fd); });
  return {};
}

void SnowServer::ready(int fd) {
  Served& served = *served_.at(fd);
  if (served.session.serve()) {
    loop_.change(fd, served.session.has_backlog() ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return;
  }
  log_.info("snow: {}, process {}, leaves: {}", served.name, served.session.peer().pid,
            served.session.complaint());
  loop_.forget(fd);
  served_.erase(fd);
}

}  // namespace weft
