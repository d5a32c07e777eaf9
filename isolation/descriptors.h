// SPDX-License-Identifier: Apache-2.0
// Descriptors: a confined process has these and no others.
//
//   0     /dev/null
//   1, 2  its output, which goes to weftd's log
//   3     the connected Snow socket; WEFT_SNOW_FD names it
//
// Threads: between clone and exec; async-signal-safe.
#pragma once

namespace weft::isolation {

constexpr int kSnowFd = 3;

struct Descriptors {
  int input, output, socket;
  int report;  // where a failure before exec is told; closed by exec
};

// Returns 0 or an errno.  `d.report` is then what it has become.  dup3(2), close_range(2)
int arrange(Descriptors& d);

}  // namespace weft::isolation
