// SPDX-License-Identifier: Apache-2.0
// SpscRing: a bounded queue from one thread to one other, without locks.
//
// Threads: try_push() from one thread at a time, try_pop() from one other.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

namespace weft {

template <typename T>
class SpscRing {
 public:
  // Holds at least `capacity` elements; allocates here and never again.
  explicit SpscRing(size_t capacity) : slots_(std::bit_ceil(capacity)) {}

  // False when full; `value` is then untouched.
  bool try_push(T&& value) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ == slots_.size()) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ == slots_.size()) return false;
    }
    slots_[tail & (slots_.size() - 1)] = std::move(value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // False when empty.
  bool try_pop(T& value) {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return false;
    }
    value = std::move(slots_[head & (slots_.size() - 1)]);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  // Exact only for the popping thread while nothing is pushed.
  bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }
  size_t capacity() const { return slots_.size(); }

 private:
  std::vector<T> slots_;
  alignas(64) std::atomic<size_t> head_{0};
  size_t tail_seen_ = 0;  // the popper's last look at tail_
  alignas(64) std::atomic<size_t> tail_{0};
  size_t head_seen_ = 0;  // the pusher's last look at head_
};

}  // namespace weft
