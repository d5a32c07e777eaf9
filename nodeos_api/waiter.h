// SPDX-License-Identifier: Apache-2.0
// Waiter: how a thread of the API waits for what another is to do.
//
// Every wait of the API is wait_until() below, so that each ends when the domain of the
// waiting thread does, and none holds up the control thread's work for others.
//
// Threads: park() and yield() from the thread itself; the others from any.
#pragma once

#include <chrono>
#include <cstdint>

#include "nodeos_api/an.h"

namespace weft {

using Deadline = std::chrono::steady_clock::time_point;
constexpr Deadline kNever = Deadline::max();

// Saturates.
inline Deadline deadline_in(uint64_t ns) {
  const Deadline now = std::chrono::steady_clock::now();
  const auto most = std::chrono::nanoseconds(kNever - now).count();
  return ns >= uint64_t(most) ? kNever : now + std::chrono::nanoseconds(ns);
}

class Waiter {
 public:
  virtual ~Waiter() = default;
  // Returns when unpark() was called since it last returned, when `until` has come, when
  // ended(), or for no reason.
  virtual void park(Deadline until) = 0;
  virtual void unpark() = 0;
  // Lets others go first, for a moment.
  virtual void yield() = 0;
  // Whether the thread is to wait no more: its domain has ended.
  virtual bool ended() const = 0;
};

// Waits until `ready()`: AN_OK, AN_ETIMEDOUT or AN_EDEAD.  Who makes it ready unparks.
template <typename Ready>
an_Status wait_until(Waiter& self, Deadline until, Ready&& ready) {
  for (;;) {
    if (ready()) return AN_OK;
    if (self.ended()) return AN_EDEAD;
    if (until != kNever && std::chrono::steady_clock::now() >= until) return AN_ETIMEDOUT;
    self.park(until);
  }
}

}  // namespace weft
