// SPDX-License-Identifier: Apache-2.0
// Fib: the forwarding table.  Two longest-prefix tables over one set of next hops.
//
// Local addresses are host routes of kind kLocal, so they win over any shorter
// prefix without a second lookup.
//
// Threads: written by the worker between rounds, in bounded pieces; read by the
//   worker.
#pragma once

#include "paths/lpm.h"
#include "paths/next_hop.h"

namespace weft {

struct Fib {
  NextHops next_hops;
  Lpm<4> ip4;
  Lpm<16> ip6;
};

}  // namespace weft
