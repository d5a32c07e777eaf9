// SPDX-License-Identifier: Apache-2.0
// Pool: the slots that packets live in, in one mapping.
//
// Threads: create and destroy from the control thread; everything else from the
//   one worker that owns the pool; in_use(), capacity() and pages() from any.
// Invariants: a slot is either on the free list or is some packet's Seg; when
//   every packet has died, in_use() is 0.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/counter.h"
#include "base/result.h"
#include "partner/packet.h"
#include "partner/pvec.h"

namespace weft {

enum class PageKind : uint8_t { k2M, kTransparent, k4K };
const char* name(PageKind kind);  // "2M", "THP", "4K"

struct PoolSpec {
  size_t packets = 16384;          // 1 .. 2^24
  PageKind pages = PageKind::k2M;  // the best to try; falls back rung by rung
  // Where the slots are to lie, aligned to 64 bytes; it stays the caller's, and outlives the
  // pool.  Empty: the pool maps memory of its own.
  std::span<uint8_t> memory = {};
};

class Pool {
 public:
  // Bytes that a pool of so many packets takes.
  static constexpr size_t bytes(size_t packets) { return 64 + packets * Packet::kStride; }

  // Errors: kInvalid (spec out of range, or memory too small), kNoMemory (no mapping to be had).
  static Result<std::unique_ptr<Pool>> create(const PoolSpec& spec);
  // REQUIRES: in_use() == 0
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // A fresh packet: one Seg, length 0, kHeadroom in front.  Empty when exhausted.
  PacketPtr alloc() {
    if (free_count_ == 0) {
      exhausted_.add(1);
      return nullptr;
    }
    Packet* p = free_[--free_count_];
    reset(p);
    in_use_.set(capacity() - free_count_);
    return PacketPtr(p);
  }

  // Appends `n` fresh packets to `v`, or as many as there are.  Returns how many.
  // REQUIRES: n <= v.room()
  size_t alloc(Pvec& v, size_t n);

  // A packet that windows `length` bytes of `foreign`; takes one reference on it.
  // Empty when exhausted (no reference taken).
  PacketPtr attach(Foreign& foreign, uint8_t* data, uint32_t length);

  // A packet that shares all bytes of `original`, which stays whole: `original`
  // and the clone may be freed in any order.  Copies nothing.  Empty when exhausted.
  // The clone's Segs come from this pool; the original's may be of another pool
  // of the same worker.
  PacketPtr clone(Packet& original);

  // A packet that shares bytes [offset, offset + length) of `original`.
  // REQUIRES: offset + length <= original.total_length()
  PacketPtr overlay(Packet& original, uint32_t offset, uint32_t length);

  // Makes the first `n` bytes of the packet writable, contiguous and this
  // packet's own, with kHeadroom or more in front; copies only what is shared or split.
  // The copy is counted in bytes_copied().
  // False when the packet is shorter than n, n > kRoom - kHeadroom, or the pool is
  // exhausted; the packet is then unchanged.
  bool unshare_front(PacketPtr& p, uint32_t n);

  // A packet with its own copy of `bytes`, in as many Segs as needed; counted.
  PacketPtr copy(std::span<const uint8_t> bytes);

  // Gives all Segs of a packet back to the pools that they came from.
  static void free(Packet* p) {
    if (p->segs == 1 && p->references == 1 && (p->flags & (Packet::kShares | Packet::kForeign)) == 0) {
      of(p).put(p);
    } else {
      free_chain(p);
    }
  }
  // The pool that a Seg's slot belongs to.
  static Pool& of(const Packet* p) {
    auto first = reinterpret_cast<const uint8_t*>(p) - size_t(p->slot) * Packet::kStride;
    return **reinterpret_cast<Pool* const*>(first - 64);
  }

  size_t capacity() const { return capacity_; }
  size_t in_use() const { return in_use_.value(); }
  size_t available() const { return free_count_; }
  uint64_t exhausted() const { return exhausted_.value(); }        // allocations refused
  uint64_t bytes_copied() const { return bytes_copied_.value(); }  // by unshare_front, copy and count_copy
  // For a driver that must copy at its border (a read into a slot is not a copy).
  void count_copy(uint64_t bytes) { bytes_copied_.add(bytes); }

  PageKind pages() const { return pages_; }
  // Why the pages are not those that were asked for; empty if they are.
  const std::string& pages_reason() const { return pages_reason_; }
  // The whole mapping, for a driver that registers it with the kernel.
  std::span<uint8_t> memory() const { return {mapping_, mapping_size_}; }

 private:
  Pool() = default;
  static void reset(Packet* p) {
    p->data = p->fresh_data();
    p->length = 0;
    p->segs = 1;
    p->flags = 0;
    p->next = nullptr;
    p->next_hop = Packet::kNoNextHop;
    p->in_port = Packet::kNoPort;
    p->timestamp = 0;
    p->l3 = p->l4 = 0;
    p->references = 1;
  }
  void put(Packet* p) {
    free_[free_count_++] = p;
    in_use_.set(capacity() - free_count_);
  }
  static void free_chain(Packet* p);
  static void let_go(Packet* p);
  PacketPtr share_seg(Packet& seg, uint32_t offset, uint32_t length);

  uint8_t* mapping_ = nullptr;
  size_t mapping_size_ = 0;
  bool mapped_ = false;  // the mapping is the pool's own
  size_t capacity_ = 0;
  std::vector<Packet*> free_;  // a stack: the last freed is the warmest
  size_t free_count_ = 0;
  Counter in_use_;
  Counter exhausted_;
  Counter bytes_copied_;
  PageKind pages_ = PageKind::k4K;
  std::string pages_reason_;
};

// Emitted in pool.cc too, for those who own packets and do not include this header.
[[gnu::used]] inline void FreePacket::operator()(Packet* p) const noexcept { Pool::free(p); }

}  // namespace weft
