// SPDX-License-Identifier: Apache-2.0
// Policy: which path runs next.
//
// Threads: the worker.
// Time: every call is at most O(log n) in the number of ready paths.
#pragma once

#include <cstdint>

#include "paths/path.h"

namespace weft {

class Policy {
 public:
  virtual ~Policy() = default;
  virtual const char* name() const = 0;

  // The path has packets; it is not in the run queue.
  virtual void ready(Path& path) = 0;
  // Takes the path to run next out of the run queue; null when nothing is ready.  If it has more
  // to do afterwards, ready() follows.
  virtual Path* pick(uint64_t now_ns) = 0;
  // It is leaving the worker.
  virtual void remove(Path& path) = 0;
};

}  // namespace weft
