// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/ee_process.h"

#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "mee/manager.h"

namespace weft {

Result<void> EeProcess::start(an_Domain parent, WhenEnded ended) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    return system_error("socketpair", errno);
  OwnedFd ours(fds[0]), theirs(fds[1]);
  auto process = isolation::Process::start(wish_, std::move(theirs));
  if (!process) return process.error();
  process_.emplace(std::move(*process));
  session_.emplace(std::move(ours), parts_.node, parent, limits_, cred_);
  output_.emplace(wish_.name, parts_.clock, parts_.log);
  ended_ = std::move(ended);
  watch();
  return {};
}

void EeProcess::watch() {
  parts_.loop.watch(process_->output(), EPOLLIN, [this](uint32_t) {
    if (!output_->read(process_->output())) parts_.loop.forget(process_->output());
  });
  parts_.loop.watch(session_->fd(), EPOLLIN, [this](uint32_t) { serve(); });
  parts_.loop.watch(process_->pidfd(), EPOLLIN, [this](uint32_t) { died(); });
}

// Who has left the node, or broke the protocol, has nothing more to do, and is not waited for without
// end.
void EeProcess::serve() {
  if (!session_->serve()) {
    hang_up();
    stop();
    grace_ = parts_.loop.every(mee::Manager::kGraceNs, [this] { kill(); });
    return;
  }
  parts_.loop.change(session_->fd(), session_->has_backlog() ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void EeProcess::hang_up() {
  if (!session_) return;
  if (!session_->complaint().empty()) parts_.log.info("ee {} hung up: {}", wish_.name, session_->complaint());
  parts_.loop.forget(session_->fd());
  session_.reset();
}

void EeProcess::forget() {
  if (!process_) return;
  hang_up();
  if (grace_) parts_.loop.forget_tick(*std::exchange(grace_, std::nullopt));
  parts_.loop.forget(process_->output());
  parts_.loop.forget(process_->pidfd());
  process_.reset();
  output_.reset();
}

// Other processes may hold its output; what has come until now is what it said.
void EeProcess::died() {
  const int pidfd = process_->pidfd();
  const auto death = process_->reap();
  if (!death) return;
  parts_.loop.forget(pidfd);
  output_->read(process_->output());
  const mee::Ended how{.failed = death->failed(), .how = isolation::to_text(*death)};
  const WhenEnded tell = std::exchange(ended_, nullptr);
  forget();
  tell(how);
}

// As the first of its pid namespace it is only sent what it waits for (pid_namespaces(7));
// libweft-snow-main does.  One that does not is killed when its grace is over.
void EeProcess::stop() { process_->signal(SIGTERM); }
void EeProcess::kill() { process_->signal(SIGKILL); }

mee::Facts EeProcess::facts() const {
  if (!process_) return {};
  return {.place = "process " + std::to_string(process_->pid()),
          .domain = session_ ? session_->top() : nullptr,
          .has = process_->fences().has,
          .lacks = process_->fences().lacks};
}

}  // namespace weft
