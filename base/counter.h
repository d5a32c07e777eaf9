// SPDX-License-Identifier: Apache-2.0
// Counter: a number that one thread raises and any thread reads.
//
// Threads: add() from one thread at a time; value() from any.  A plain load and
//   store on the writer's side: no locked instruction.
#pragma once

#include <atomic>
#include <cstdint>

namespace weft {

class Counter {
 public:
  void add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace weft
