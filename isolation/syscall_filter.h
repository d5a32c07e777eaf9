// SPDX-License-Identifier: Apache-2.0
// SyscallFilter: which system calls a confined program may make; docs/isolation.md gives the
// list with the reasons.  All others fail with EPERM, so that a library that tries one goes
// on, or says so; calls of another architecture kill.
//
// seccomp(2), libseccomp's seccomp_rule_add(3);
// https://docs.kernel.org/userspace-api/seccomp_filter.html
//
// Threads: made before the process; apply() in it, async-signal-safe.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "base/result.h"

namespace weft::isolation {

class SyscallFilter {
 public:
  // `memory_files`: whether it may make files in memory (memfd_create), which no RLIMIT_AS bounds.
  // Errors: kUnsupported, kIo (libseccomp refused).
  static Result<SyscallFilter> make(bool memory_files);

  // The last fence: what is behind it may not do what the others need.
  // REQUIRES: refuse_new_privileges() (privileges.h).  Returns 0 or an errno.
  int apply() const;

 private:
  explicit SyscallFilter(std::vector<sock_filter> program) : program_(std::move(program)) {}
  std::vector<sock_filter> program_;
};

}  // namespace weft::isolation
