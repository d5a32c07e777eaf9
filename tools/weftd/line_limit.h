// SPDX-License-Identifier: Apache-2.0
// LineLimit: how much of the log somebody who is not trusted may fill: 50 lines in a second.  What is
// too much is lost, and counted.
//
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <utility>

#include "base/clock.h"

namespace weft {

class LineLimit {
 public:
  static constexpr uint64_t kLinesPerSecond = 50;

  explicit LineLimit(Clock& clock) : clock_(clock) {}

  // Whether one line more may be written; if not, it is lost.
  bool allows() {
    constexpr uint64_t kSecond = 1'000'000'000;
    const uint64_t second = clock_.now_ns() / kSecond;
    if (std::exchange(second_, second) != second) lines_ = 0;
    if (lines_++ < kLinesPerSecond) return true;
    ++lost_;
    return false;
  }
  // How many were lost since it was asked last.
  uint64_t take_lost() { return std::exchange(lost_, 0); }

 private:
  Clock& clock_;
  uint64_t second_ = 0, lines_ = 0, lost_ = 0;
};

}  // namespace weft
