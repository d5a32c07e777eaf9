// SPDX-License-Identifier: Apache-2.0
// WorkMeter: charges an Account for work on packets that comes in small pieces of one kind.
//
// To read the cycle counter takes as long as half a packet's work.  So of kTimeEvery pieces the
// first two are timed, and the others are charged what a packet of the second took, for each of
// theirs.  (The first may be one at which more is looked at.)  An account that is bounded is charged
// for each piece what it took: its owner could do little whenever it was timed.
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
  // It ended, with so many packets, and is charged.
  void end(uint64_t packets) {
    if (since_ == kUntimed) [[likely]]
      return account_.charge_cycles(packets * per_packet_);
    const uint64_t took = cycles() - since_;
    if (packets > 0) per_packet_ = took / packets;
    account_.charge_cycles(took);
  }

 private:
  static constexpr uint64_t kUntimed = UINT64_MAX;

  Account& account_;
  const bool each_;
  uint32_t pieces_ = 0;
  uint64_t since_ = kUntimed;
  uint64_t per_packet_ = 0;  // cycles
};

}  // namespace weft
