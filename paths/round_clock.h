// SPDX-License-Identifier: Apache-2.0
// RoundClock: the time by which a worker's rounds go.
//
// To read the clock takes as long as two idle rounds of a worker that waits for another CPU, and
// what comes meanwhile waits too.  So it is read once for as many idle rounds as together take half
// of kStale or more; how many these are is learned, for a round may enter the kernel.
//
// Threads: the worker.
// Invariants: the time is older than the clock's by no more than a round of work, kMostRounds idle
//   rounds or, once these have been seen to take long, kStale or one of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace weft {

class RoundClock {
 public:
  static constexpr uint64_t kStale = 500;  // ns
  static constexpr uint32_t kMostRounds = 64;

  explicit RoundClock(const Clock& clock) : clock_(clock), now_(clock.now_ns()) {}

  uint64_t now_ns() const { return now_; }

  // More than an idle round went by.
  void read() {
    now_ = clock_.now_ns();
    idle_ = 0;
  }

  // An idle round did.
  void idle_round() {
    if (++idle_ < per_reading_) return;
    const uint64_t before = now_;
    read();
    learn(now_ - before);
  }

 private:
  void learn(uint64_t took) {
    if (took > kStale) per_reading_ = std::max(uint32_t{1}, uint32_t(per_reading_ * kStale / took));
    if (took < kStale / 2 && per_reading_ < kMostRounds) per_reading_ *= 2;
  }

  const Clock& clock_;
  uint64_t now_;
  uint32_t idle_ = 0;         // rounds since the clock was read
  uint32_t per_reading_ = 8;  // of these, until it is read again
};

}  // namespace weft
