// SPDX-License-Identifier: Apache-2.0
// A Stage is one module's part of one path.  It holds that module's state for
// this path, and has one verb: deliver.
//
// A stage hands packets on (in the same direction or back), keeps them for later,
// or drops them.  Calls, packets, cycles and taps are counted around it, by the
// path.
//
// Threads: the path's worker, one call at a time; establish() on the control
//   thread before the path runs.
// Time: deliver() does not block, allocate, lock, log, or enter the kernel.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "partner/drop.h"
#include "paths/tap.h"

namespace weft {

class Path;

class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  // Phase 3 of path creation: all stages exist and are joined.
  virtual Result<void> establish() { return {}; }

  // Takes every packet of `v`.  On return `v` is empty.
  virtual void deliver(Dir dir, Pvec& v) = 0;

  // Whether deliver() does no more than hand all on, as it came: a path then passes the stage by.
  virtual bool only_hands_on() const { return false; }

  // The path is being closed: drop what is kept, with kPathClosed.
  virtual void close() {}

  // Packets that the stage keeps (for a neighbour, for missing fragments).
  virtual size_t held() const { return 0; }

 protected:
  Path& path() const { return *path_; }
  uint16_t index() const { return index_; }

  // Passes all packets of `v` to the next stage in `dir`, or out of the path.
  void hand_on(Dir dir, Pvec& v);
  void hand_on(Dir dir, PacketPtr p);
  // Puts `p` into `out`, which is handed on in `dir` whenever it is full.
  void append(Dir dir, PacketPtr p, Pvec& out);

  void drop(PacketPtr p, DropReason reason);
  void drop(Pvec& v, DropReason reason);
  // For packets that are lost before they are made.
  DropCounters& drops();

 private:
  friend class Path;
  Path* path_ = nullptr;
  uint16_t index_ = 0;
};

}  // namespace weft
