// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/snow_server.h"

#include "nodeos_api/credential.h"

namespace weft {

SnowServer::~SnowServer() {
  say_lost();
  if (socket_) loop_.forget(socket_->fd());
  for (const auto& [fd, served] : served_) loop_.forget(fd);
}

void SnowServer::listen(AdminSocket socket) {
  socket_.emplace(std::move(socket));
  loop_.watch(socket_->fd(), EPOLLIN, [this](uint32_t) { accept(); });
}

void SnowServer::say_lost() {
  if (const uint64_t lost = limit_.take_lost(); lost > 0)
    log_.warn("snow: {} lines about EEs that came and went were too many, and are lost", lost);
}

bool SnowServer::may_say() {
  if (!limit_.allows()) return false;
  say_lost();
  return true;
}

void SnowServer::accept() {
  OwnedFd client = socket_->accept();
  if (!client) return;
  if (served_.size() == kMaxSessions) {
    if (may_say()) log_.warn("snow: 64 EEs are connected, and another is one too many");
    return;
  }
  const int fd = client.get();
  const ucred peer = snow::Session::peer_of(fd);
  Credential* const cred = credential_of(peer.uid);
  served_.emplace(fd, new Served{cred,
                                 {std::move(client), node_, node_.root().handle(), each_.limits,
                                  cred != nullptr ? cred->handle() : nullptr}});
  if (may_say()) log_.info("snow: an EE joins: process {}, user {}", peer.pid, peer.uid);
  loop_.watch(fd, EPOLLIN, [this, fd](uint32_t) { ready(fd); });
}

Credential* SnowServer::credential_of(uid_t user) {
  Grants grants;
  if (const auto its = node_.principals().of_user(user)) grants.principal = *its;
  if (each_.spaces != nullptr) {
    // No EE of the config has such a name.
    const auto space = each_.spaces->space("@" + std::to_string(user), each_.files);
    if (space) {
      grants.files = *space;
    } else if (may_say()) {
      log_.warn("snow: user {} has no files: {}", user, space.error().sentence);
    }
  }
  if (grants.principal == nullptr && grants.files == nullptr) return nullptr;
  return credential_for(node_, grants);
}

void SnowServer::ready(int fd) {
  Served& served = *served_.at(fd);
  if (served.session.serve()) {
    loop_.change(fd, served.session.has_backlog() ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return;
  }
  if (may_say())
    log_.info("snow: an EE, process {}, leaves: {}", served.session.peer().pid, served.session.complaint());
  loop_.forget(fd);
  Credential* const cred = served.cred;
  served_.erase(fd);
  if (cred != nullptr) cred->destroy();
}

}  // namespace weft
