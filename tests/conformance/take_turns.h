// SPDX-License-Identifier: Apache-2.0
// What both arenas do to let a node come to rest.
//
// Threads: the node's control thread.
#pragma once

#include "nodeos_api/node.h"

namespace weft {

// Lets the worker and then the control thread have `n` turns each.  A turn of a worker that has
// a thread of its own is a round that began after the turn before it: however busy the machine,
// none of them is missed.
inline void take_turns(Node& node, bool threaded, int n) {
  Worker& worker = node.worker();
  for (int i = 0; i < n; ++i) {
    if (threaded) {
      const uint64_t next = worker.rounds() + 1;
      while (worker.rounds() <= next) worker.call([] {});  // wakes it
    } else {
      worker.round();
    }
    node.serve();
  }
}

}  // namespace weft
