// SPDX-License-Identifier: Apache-2.0
// EndQueue: a bounded queue of packets at one end of a path, in one direction.
//
// Bounded in packets and in bytes.  What does not fit is refused, so that a
// packet is lost before work is spent on it, never after.
//
// Threads: one worker; the counters may be read from any thread.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/counter.h"
#include "partner/pvec.h"

namespace weft {

struct QueueLimit {
  uint32_t packets = 256;  // 1 .. 65536, rounded up to a power of two
  uint64_t bytes = 16u << 20;
};

class EndQueue {
 public:
  explicit EndQueue(QueueLimit limit) : ring_(std::bit_ceil(limit.packets)), limit_(limit) {}
  ~EndQueue() {
    while (!empty()) PacketPtr dies(pop_front().release());
  }
  EndQueue(const EndQueue&) = delete;
  EndQueue& operator=(const EndQueue&) = delete;

  bool empty() const { return head_ == tail_; }
  size_t size() const { return tail_ - head_; }
  uint64_t bytes() const { return bytes_; }
  size_t capacity() const { return ring_.size(); }

  // False when there is no room; `p` is then still the caller's.
  bool push_back(PacketPtr& p) {
    const uint64_t bytes = bytes_ + p->total_length();
    if (size() == ring_.size() || bytes > limit_.bytes) return false;
    bytes_ = bytes;
    ring_[tail_++ & (ring_.size() - 1)] = p.release();
    length_.set(size());
    return true;
  }

  // Takes packets that the caller owned as plain pointers, from the front, up to the
  // first that does not fit.  Returns how many.
  size_t append(std::span<Packet* const> packets) {
    const size_t room = std::min(packets.size(), ring_.size() - size());
    const size_t mask = ring_.size() - 1;
    uint64_t bytes = bytes_;
    size_t taken = 0;
    for (; taken < room; ++taken) {
      const uint64_t with_it = bytes + packets[taken]->total_length();
      if (with_it > limit_.bytes) break;
      bytes = with_it;
      ring_[(tail_ + taken) & mask] = packets[taken];
    }
    bytes_ = bytes;
    tail_ += taken;
    length_.set(size());
    return taken;
  }

  // REQUIRES: !empty()
  PacketPtr pop_front() {
    Packet* p = ring_[head_++ & (ring_.size() - 1)];
    bytes_ -= p->total_length();
    length_.set(size());
    return PacketPtr(p);
  }

  // Moves as many packets as fit to the back of `v`.
  void pop_into(Pvec& v) {
    while (!empty() && !v.full()) v.push_back(pop_front());
  }

  // Gives packets back in front: they were refused further on.
  // REQUIRES: they came from pop_into() and nothing was pushed since
  void put_back(Pvec& v);

  // Packets in the queue, for any thread.
  uint64_t length() const { return length_.value(); }

 private:
  std::vector<Packet*> ring_;
  QueueLimit limit_;
  size_t head_ = 0;  // counts pops, wraps with the ring
  size_t tail_ = 0;
  uint64_t bytes_ = 0;
  Counter length_;
};

}  // namespace weft
