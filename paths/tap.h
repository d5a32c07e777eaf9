// SPDX-License-Identifier: Apache-2.0
// Tap: sees the packets that pass a gate of a path, at run time.
//
// A gate is a place between stages: gate 0 is the near end, gate i stands behind
// stage i - 1, the last is the far end.  A tap may look, not touch; what it wants
// to keep it copies.  A path without taps pays one test per Pvec and gate.
//
// Threads: see() and lost() on the path's worker; they do not block, allocate or lock.
#pragma once

#include <cstddef>

#include "partner/drop.h"
#include "partner/pvec.h"

namespace weft {

enum class Dir : uint8_t {
  kForward,   // from the near end to the far end
  kBackward,  // from the far end to the near end
};

class Tap {
 public:
  virtual ~Tap() = default;
  virtual void see(size_t gate, Dir dir, const Pvec& v) = 0;
  // Stage `stage` is about to drop `p`.
  virtual void lost(size_t /*stage*/, const Packet& /*p*/, DropReason /*reason*/) {}
};

}  // namespace weft
