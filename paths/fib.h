// SPDX-License-Identifier: Apache-2.0
// Fib: the forwarding table.  Two longest-prefix tables over one set of next hops.
//
// Local addresses are host routes of kind kLocal, so they win over any shorter
// prefix without a second lookup.
//
// Threads: written by the worker between rounds, in bounded pieces; read by the
//   worker.
#pragma once

#include <vector>

#include "paths/lpm.h"
#include "paths/next_hop.h"

namespace weft {

struct Fib {
  NextHops next_hops;
  Lpm<4> ip4;
  Lpm<16> ip6;
  // By number, the ports at which the kernel of this machine hears what comes in.
  std::vector<bool> heard_by_kernel;

  bool kernel_hears(uint16_t in_port) const {
    return in_port < heard_by_kernel.size() && heard_by_kernel[in_port];
  }
  // Whether the kernel answers what came in at a port and is for `next`.  What it does not hear
  // Weft answers, for the kernel's addresses too, as a router does for all of its own.
  bool kernel_answers(const NextHop& next, uint16_t in_port) const {
    return next.kind == NextHop::kKernel && kernel_hears(in_port);
  }
};

}  // namespace weft
