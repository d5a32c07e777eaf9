// SPDX-License-Identifier: Apache-2.0
// Pvec: an ordered vector of packets that owns them; what push, pull and deliver
// pass.
//
// Room for 64, inline.  A loop may read up to kLookahead pointers behind the end,
// so that prefetching needs no bounds test: any value may be there, until
// guard_end() makes them point at an empty packet.
//
// Threads: one at a time.
// Invariants: taken from the front, appended at the back; never more than
//   kCapacity; empty when destroyed, for a packet dies in drop() or by being
//   transmitted.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <span>

#include "partner/packet.h"

namespace weft {

class Pvec {
 public:
  static constexpr size_t kCapacity = 64;
  static constexpr size_t kLookahead = 16;

  Pvec() = default;
  Pvec(const Pvec&) = delete;
  Pvec& operator=(const Pvec&) = delete;
  Pvec(Pvec&& other) noexcept : Pvec() { append(other); }
  ~Pvec() {
    assert(empty());
    if (!empty()) clear();
  }

  size_t size() const { return end_ - begin_; }
  bool empty() const { return end_ == begin_; }
  size_t room() const { return kCapacity - size(); }
  bool full() const { return size() == kCapacity; }
  // False when push_back() of `n` would have to close the gap that was left at the front.
  bool open(size_t n = 1) const { return end_ + n <= kCapacity; }

  Packet* operator[](size_t i) const { return slots_[begin_ + i]; }
  Packet* const* begin() const { return slots_ + begin_; }
  Packet* const* end() const { return slots_ + end_; }

  // REQUIRES: !full()
  void push_back(PacketPtr p) {
    if (end_ == kCapacity) close_gap();
    slots_[end_++] = p.release();
  }
  // REQUIRES: !empty()
  PacketPtr pop_front() {
    PacketPtr p(slots_[begin_++]);
    if (begin_ == end_) begin_ = end_ = 0;
    return p;
  }
  // push_back() without a look.  REQUIRES: open()
  void put(Packet* p) { slots_[end_++] = p; }
  // The same for four that stand side by side.  REQUIRES: open(4)
  void put_four(Packet* const* four) {
    std::memcpy(slots_ + end_, four, 4 * sizeof *four);
    end_ += 4;
  }
  // Lets the pointers behind the end be followed too: to a packet of length 0.
  void guard_end() { std::fill_n(slots_ + end_, kLookahead, &kNothing); }
  // Moves the first packets of `other`, as many as fit, to the back of this.
  void append(Pvec& other) {
    if (other.size() == 1 && open()) {  // as often as not
      put(other[0]);
      other.release_all();
    } else if (!other.empty()) {
      append_all(other);
    }
  }

  // Moves all packets of `other` in front of these.  REQUIRES: they fit
  void prepend(Pvec& other);

  // Gives up the first `n` packets: the caller has taken them over.
  // REQUIRES: n <= size()
  void release_front(size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Gives up all packets: the caller has taken them over.
  void release_all() { begin_ = end_ = 0; }

  // Appends packets that the caller owned as plain pointers.
  // REQUIRES: packets.size() <= room()
  void adopt(std::span<Packet* const> packets) {
    if (packets.size() == 1 && open()) {  // as often as not; a call of memmove costs more
      put(packets[0]);
    } else {
      adopt_all(packets);
    }
  }

  // Gives each packet from `first` on to keep(PacketPtr), in order, and keeps what that
  // returns; null: it is gone.
  template <typename Keep>
  void filter(Packet* const* first, Keep keep) {
    size_t kept = size_t(first - slots_);
    for (size_t i = kept; i < end_; ++i) {
      Packet* const p = keep(PacketPtr(slots_[i])).release();
      slots_[kept] = p;
      kept += p != nullptr;
    }
    end_ = kept;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  // Frees all packets: they were transmitted.  To lose packets, use drop().
  void clear();

  // Moves the packets to the front, so that there is open() room if there is any.
  void close_gap();

 private:
  void append_all(Pvec& other);
  void adopt_all(std::span<Packet* const> packets);

  static Packet kNothing;  // what a look behind the end finds; never written

  Packet* slots_[kCapacity + kLookahead];
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace weft
