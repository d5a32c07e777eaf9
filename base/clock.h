// SPDX-License-Identifier: Apache-2.0
// Clock: where the time comes from.  Passed in, so that tests turn it by hand.
//
// Threads: now_ns() from any.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace weft {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since an arbitrary start; never goes back.
  virtual uint64_t now_ns() const = 0;
};

// CLOCK_MONOTONIC.
class SystemClock final : public Clock {
 public:
  uint64_t now_ns() const override;
};

// Stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  uint64_t now_ns() const override { return now_.load(std::memory_order_relaxed); }
  void advance_ns(uint64_t ns) { now_.fetch_add(ns, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> now_{1};
};

// The cycle counter of this CPU: what Accounts are charged in.
inline uint64_t cycles() {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t v;
  asm volatile("mrs %0, cntvct_el0" : "=r"(v));
  return v;
#else
#error "no cycle counter known for this CPU"
#endif
}

}  // namespace weft
