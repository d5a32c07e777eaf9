// SPDX-License-Identifier: Apache-2.0
// Interrupt: SIGINT and SIGTERM as a file descriptor, so that a stream can end well.
//
// Threads: made before any other thread.
#pragma once

#include <sys/signalfd.h>

#include <csignal>

#include "base/owned_fd.h"

namespace weft::cli {

class Interrupt {
 public:
  Interrupt() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_ = OwnedFd(::signalfd(-1, &signals, SFD_CLOEXEC));
  }
  // Readable once one of them has come.
  int fd() const { return fd_.get(); }

 private:
  OwnedFd fd_;
};

}  // namespace weft::cli
