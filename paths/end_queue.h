// SPDX-License-Identifier: Apache-2.0
// EndQueue: a bounded queue of packets at one end of a path, in one direction.
//
// Bounded in packets and in bytes, and, where it draws on a share of the pool, in what is left of
// that.  What does not fit is refused, so that a packet is lost before work is spent on it, never
// after.
//
// It counts what went in and what went out, and is as long as they differ: so a packet
// that passes costs no other count.
//
// Threads: one worker; the counters may be read from any thread.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>

#include "base/counter.h"
#include "partner/pvec.h"

namespace weft {

class PoolShare;

struct QueueLimit {
  uint32_t packets = 256;  // 1 .. 65536, rounded up to a power of two
  uint64_t bytes = 16u << 20;
  bool drop_head = false;  // a packet that does not fit displaces the oldest
};

class EndQueue {
 public:
  explicit EndQueue(QueueLimit limit)
      : mask_(std::bit_ceil(limit.packets) - 1),
        max_bytes_(limit.bytes),
        drop_head_(limit.drop_head),
        laden_at_(capacity() < 2 * Pvec::kCapacity ? 1 : Pvec::kCapacity),
        ring_(new Packet*[capacity()]) {}
  ~EndQueue() {
    while (!empty()) PacketPtr dies(pop_front().release());
  }
  EndQueue(const EndQueue&) = delete;
  EndQueue& operator=(const EndQueue&) = delete;

  // What it holds is charged to the share, which outlives it.  REQUIRES: empty()
  void draw_on(PoolShare& share) { share_ = &share; }

  // Packets and bytes that were ever pushed.
  uint64_t accepted() const { return pushed_.value(); }
  uint64_t accepted_bytes() const { return pushed_bytes_.value(); }

  size_t size() const { return pushed_.value() - popped_.value(); }
  bool empty() const { return size() == 0; }
  uint64_t bytes() const { return pushed_bytes_.value() - popped_bytes_.value(); }
  size_t capacity() const { return mask_ + 1; }
  // Whether a packet of so many bytes fits now; whether it would if the oldest went.
  bool fits(uint64_t length) const { return has_place(length) && (share_ == nullptr || share_has_room()); }
  bool may_displace(uint64_t length) const { return drop_head_ && length <= max_bytes_; }
  bool displaces() const { return drop_head_; }
  uint64_t max_bytes() const { return max_bytes_; }
  // From this size on it holds a whole Pvec, or might not have room for one more.
  size_t laden_at() const { return laden_at_; }

  // Takes packets over for `path`, from the front, up to the first that does not fit.  Returns
  // how many.  (Those that do not fit may bear its name too.)
  size_t append(std::span<Packet* const> packets, uint16_t path) {
    return packets.size() == 1 ? append_one(packets[0], path) : append_all(packets, path);
  }
  // The same for one, in fewer steps, where calm() allows it.  False: append() may do it.
  [[gnu::always_inline]] bool append_calmly(Packet* p, uint16_t path) {
    const uint64_t at = pushed_.value(), bytes = pushed_bytes_.value() + p->total_length();
    if (at >= calm_until_ || bytes > calm_bytes_) [[unlikely]]
      return false;
    ring_[at & mask_] = p;
    p->path = path;
    pushed_.set(at + 1);
    pushed_bytes_.set(bytes);
    return true;
  }
  // From now on append_calmly() may push, until something is popped, or the queue would be laden.
  // REQUIRES: !empty()
  void calm() {
    if (share_ != nullptr) return;
    calm_until_ = popped_.value() + laden_at_ - 1;
    calm_bytes_ = popped_bytes_.value() + max_bytes_;
  }

  // REQUIRES: !empty()
  PacketPtr pop_front() {
    PacketPtr p = take_front();
    if (share_ != nullptr) [[unlikely]]
      give_back_slots(p->segs);
    return p;
  }
  // The oldest goes for what comes next, which may take its slots, however much others hold of the
  // share.  REQUIRES: !empty(); append() follows
  PacketPtr displace() {
    PacketPtr p = take_front();
    if (share_ != nullptr) spare_slots_ += p->segs;
    return p;
  }

  // Moves as many packets as fit to the back of `v`.  Returns their bytes.
  uint64_t pop_into(Pvec& v);

  // Gives packets back in front: they were refused further on.
  // REQUIRES: they came from pop_into() and nothing was pushed since
  void put_back(Pvec& v);

 private:
  // What is left of its own bounds.
  bool has_place(uint64_t length) const { return size() < capacity() && bytes() + length <= max_bytes_; }
  size_t append_one(Packet* p, uint16_t path);
  size_t append_all(std::span<Packet* const> packets, uint16_t path);
  PacketPtr take_front() {
    Packet* p = ring_[popped_.value() & mask_];
    popped_bytes_.add(p->total_length());
    popped_.add(1);
    calm_until_ = 0;
    return PacketPtr(p);
  }
  // REQUIRES of these: it draws on a share
  bool share_has_room() const;
  void take_slots(uint64_t n);
  void give_back_slots(uint64_t n);

  const size_t mask_;
  const uint64_t max_bytes_;
  const bool drop_head_;
  const size_t laden_at_;
  const std::unique_ptr<Packet*[]> ring_;
  PoolShare* share_ = nullptr;  // null: none
  Counter pushed_, popped_;     // wrap with the ring
  Counter pushed_bytes_, popped_bytes_;
  // What pushed_ and pushed_bytes_ may reach by append_calmly(); 0 after a pop.
  uint64_t calm_until_ = 0, calm_bytes_ = 0;
  // Of the pool, that are charged to the share; of these, those of packets that were displaced.
  uint64_t slots_ = 0, spare_slots_ = 0;
};

}  // namespace weft
