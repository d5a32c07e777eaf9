// SPDX-License-Identifier: Apache-2.0
// Process: a confined process, from its start to its end.
//
// Threads: the control thread.
// Invariants: a Process that is destroyed has ended: it is killed and waited for, and its
//   control groups are gone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "isolation/confinement.h"
#include "isolation/control_group.h"

namespace weft::isolation {

// How a process ended.
struct Death {
  bool by_signal;
  int number;  // the exit status, or the signal
  bool out_of_memory;
  bool failed() const { return by_signal || number != 0; }
};
std::string to_text(const Death& death);  // "exit status 3", "killed by SIGKILL: out of memory"

class Process {
 public:
  // Starts the program behind the fences of `wish`.  `socket` becomes its kSnowFd
  // (descriptors.h).  A fence that this host does not have is left out, and fences().lacks
  // says so; one that it has and that cannot be put up refuses the start.
  // Errors: kNotFound (no such user), kIo, with the step that failed: "exec: no such file".
  static Result<Process> start(const Confinement& wish, OwnedFd socket);

  Process(Process&&) = default;
  Process& operator=(Process&&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  const Fences& fences() const { return fences_; }
  // Readable when the process has ended.  (pidfd_open(2).)
  int pidfd() const { return pidfd_.get(); }
  // Its standard output and error; does not block.
  int output() const { return output_.get(); }

  // Sends a signal: SIGTERM, SIGKILL.
  void signal(int number);
  // How it ended, if it has; it is then gone from the process table.
  std::optional<Death> reap();

 private:
  Process() = default;

  pid_t pid_ = -1;
  OwnedFd pidfd_, output_;
  ControlGroup groups_;
  Fences fences_;
};

}  // namespace weft::isolation
