// SPDX-License-Identifier: Apache-2.0
// WorkMeter: charges an Account for work that comes in small pieces of one kind.
//
// To read the cycle counter takes as long as half a packet's work.  So of kTimeEvery pieces the
// first two are timed, and the others are charged as the second was.  (The first may be one at
// which more is looked at.)  An account that is bounded is charged for each what it took: its
// owner could do little whenever it was timed.
//
// Threads: the worker.
#pragma once

#include "base/clock.h"
#include "paths/account.h"

namespace weft {

class WorkMeter {
 public:
  static constexpr uint32_t kTimeEvery = 16;

  explicit WorkMeter(Account& account) : account_(account), each_(account.bounded()) {}

  // A piece begins.  Whether it is the first of kTimeEvery.
  bool begin() {
    const uint32_t turn = pieces_++ % kTimeEvery;
    since_ = turn < 2 || each_ ? cycles() : kUntimed;
    return turn == 0;
  }
  // It ended, and is charged.
  void end() {
    if (since_ != kUntimed) [[unlikely]]
      last_ = cycles() - since_;
    account_.charge_cycles(last_);
  }

 private:
  static constexpr uint64_t kUntimed = UINT64_MAX;

  Account& account_;
  const bool each_;
  uint32_t pieces_ = 0;
  uint64_t since_ = kUntimed, last_ = 0;  // cycles
};

}  // namespace weft
