// SPDX-License-Identifier: Apache-2.0
// Limits of the process itself (setrlimit(2)), beside those of its control groups:
//
//   RLIMIT_CORE    0     a core file would hold what the EE held
//   RLIMIT_NOFILE  256   each descriptor costs the kernel memory
//   RLIMIT_AS            only where no control group bounds memory; then there are no files in memory
//                        either, which are no address space (syscall_filter.h)
//   RLIMIT_NPROC         only where no control group counts tasks: the kernel counts those of the user
//
// Threads: set_limits() between clone and exec; async-signal-safe.
#pragma once

#include <cstdint>

namespace weft::isolation {

struct Limits {
  uint64_t address_space = 0;  // bytes; 0: as it is
  uint64_t tasks = 0;          // 0: as it is
};

// Returns 0 or an errno.
int set_limits(const Limits& limits);

}  // namespace weft::isolation
