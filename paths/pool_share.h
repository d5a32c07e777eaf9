// SPDX-License-Identifier: Apache-2.0
// PoolShare: what of the packet pool the queues of several paths may fill together.
//
// A quarter of the pool is kept; of what else is free a share may be as large as half.  So it is
// much while nobody needs the pool: one alone gets a quarter of it.  However many have come before
// and keep what they have, each has a 512th part, which is what the kept quarter is for: 64 shares
// that are filled without end leave an eighth of the pool to all others.
// (After Choudhury and Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet Switches, 1998.)
//
// Threads: the worker.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "partner/pool.h"

namespace weft {

class PoolShare {
 public:
  // The pool outlives it.
  explicit PoolShare(const Pool& pool) : pool_(pool) {}
  PoolShare(const PoolShare&) = delete;
  PoolShare& operator=(const PoolShare&) = delete;

  // Slots in the queues (read from any thread), and those that might still be.
  uint64_t held() const { return held_.value(); }
  uint64_t room() const {
    const uint64_t kept = pool_.capacity() / 4, free = pool_.available();
    const uint64_t most = std::max((free - std::min(free, kept)) / 2, least());
    return most > held() ? most - held() : 0;
  }
  // How many of the packets, from the front, there is room for.  The last may fill more.
  size_t fitting(std::span<Packet* const> packets) const {
    const uint64_t left = room();
    size_t n = 0;
    for (uint64_t slots = 0; n < packets.size() && slots < left; ++n) slots += packets[n]->segs;
    return n;
  }
  // The longest queue that may be asked for, in packets: it can be filled while the pool is free.
  uint64_t longest_queue() const { return pool_.capacity() / 8; }
  uint64_t least() const { return std::max<uint64_t>(pool_.capacity() / 512, 1); }

  void take(uint64_t slots) { held_.add(slots); }
  void give_back(uint64_t slots) { held_.set(held() - slots); }

 private:
  const Pool& pool_;
  Counter held_;
};

}  // namespace weft
