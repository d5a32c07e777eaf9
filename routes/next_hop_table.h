// SPDX-License-Identifier: Apache-2.0
// NextHopTable: which index of NextHops stands for which next hop.
//
// Equal next hops share an index and are counted.  An index whose count reached
// zero may still stand in the worker's tables and in packets that wait in queues,
// so it goes round before it is used again:
//
//   in use -> take_retiring() -> (the worker has run a closure) retired()
//          -> kQuietNs later: free
//
// When no index is free, a next hop exists without one (index 0) and gets one later
// from assign().
//
// Threads: the control thread.
// Invariants: an index is in exactly one of: used by one id, retiring, on its way
//   through the worker, quiet, free.
#pragma once

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "paths/next_hop.h"

namespace weft {

// A next hop as routes name it.  What the link header is, the neighbours know.
struct HopKey {
  // kForward: send it out of `port`; otherwise what becomes of the packet.
  NextHop::Kind kind = NextHop::kNoRoute;
  uint8_t family = 4;      // of the packets: 4 or 6
  uint8_t via_family = 0;  // of `via`; 0: the destination itself is on the link
  uint16_t port = Packet::kNoPort;
  bool host = false;  // of the route to `via` itself, which lives as long as it is known
  uint32_t mtu = 0;   // the route's own, bytes; 0: the link's
  Address via{};
  friend bool operator==(const HopKey&, const HopKey&) = default;
};

using HopId = uint32_t;
constexpr HopId kNoHop = 0;

class NextHopTable {
 public:
  // Longer than a packet may wait in any queue of the node.
  static constexpr uint64_t kQuietNs = 1'000'000'000;

  // `capacity`: indices 1 .. capacity - 1 are given out.
  explicit NextHopTable(uint32_t capacity = NextHops::kCapacity);

  struct Acquired {
    HopId id;
    bool first;    // nobody used such a next hop until now
    bool indexed;  // it got an index just now: NextHops has to be told what stands there
  };
  // One reference on the next hop `key`.
  Acquired acquire(const HopKey& key);
  void retain(HopId id) { ++hops_[id].references; }
  // Gives a reference back.
  void release(HopId id);

  // 0: none was to be had.
  uint16_t index(HopId id) const { return hops_[id].index; }
  const HopKey& key(HopId id) const { return hops_[id].key; }
  // kNoHop when nobody uses such a next hop.
  HopId find(const HopKey& key) const;

  struct Retiring {
    HopKey key;
    uint16_t index;  // 0: it had none
  };
  // Next hops whose last reference went since the last call.  When the worker has
  // seen everything that was said before, the caller gives the index to retired().
  std::vector<Retiring> take_retiring() { return std::exchange(retiring_, {}); }
  void retired(uint16_t index, uint64_t now_ns) { quiet_.push_back({now_ns + kQuietNs, index}); }

  // Gives free indices to next hops that have none.  Returns those that got one.
  std::vector<HopId> assign(uint64_t now_ns);
  // When assign() may have something to give; UINT64_MAX: nobody waits.
  uint64_t next_due_ns() const;

  // Calls f(key, index) for every next hop that has an index.
  template <typename F>
  void for_each(F f) const {
    for (const Hop& hop : hops_) {
      if (hop.references > 0 && hop.index != 0) f(hop.key, hop.index);
    }
  }

  size_t in_use() const { return ids_.size() - without_index_; }
  size_t without_index() const { return without_index_; }

 private:
  struct Hop {
    HopKey key;
    uint32_t references = 0;
    uint16_t index = 0;
  };
  struct Quiet {
    uint64_t until_ns;
    uint16_t index;
  };
  struct Hash {
    size_t operator()(const HopKey& key) const noexcept;
  };

  uint16_t take_free() {
    const uint16_t index = free_.back();
    free_.pop_back();
    return index;
  }

  std::vector<Hop> hops_{1};  // by id; 0 is kNoHop
  std::vector<HopId> unused_ids_;
  std::unordered_map<HopKey, HopId, Hash> ids_;
  std::vector<uint16_t> free_;
  std::vector<Retiring> retiring_;
  std::deque<Quiet> quiet_;
  size_t without_index_ = 0;
};

}  // namespace weft
