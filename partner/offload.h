// SPDX-License-Identifier: Apache-2.0
// What a partner that cannot take Packet::kOffload does before a packet reaches
// its wire: finish the checksum, cut super-packets into segments.
//
//   segmenter.start(std::move(p), link);            // or: the reason to drop it
//   while (PacketPtr s = segmenter.next()) { ... }  // segments, one at a time
//
// Every Offload is taken for hostile: what contradicts the packet's own headers is
// refused.  headers_length may be larger than the headers, since virtio-net calls
// it a hint; it must neither be smaller nor lie past the end.
//
// Threads: one at a time.
#pragma once

#include <optional>

#include "partner/drop.h"
#include "partner/partner.h"
#include "partner/pool.h"

namespace weft {

// Writes the checksum that `p->offload()` left for later (its field holds the sum
// of the pseudo header) and clears Packet::kOffload.  The packet must not need to
// be cut.  Copies the headers if they are shared.
// Returns why it cannot: kBadLength (offsets past the end), kPoolExhausted.  The
// packet is then as it was.
std::optional<DropReason> complete_checksum(Pool& pool, PacketPtr& p);

// Cuts TCP over IPv4 or IPv6, and UDP over either.  Each segment has its own copy
// of the headers, with lengths, IPv4 identification, TCP sequence number and flags,
// and all checksums right, and shares its payload with the super-packet.
class Segmenter {
 public:
  explicit Segmenter(Pool& pool) : pool_(pool) {}

  // Takes over a packet that has Packet::kOffload.  One that is not to be cut comes
  // out of next() as it is, its checksum completed.  `link` tells where the network
  // header lies.
  // Returns why it cannot; the packet then stays in `p`.
  // REQUIRES: done()
  std::optional<DropReason> start(PacketPtr& p, Link link);

  // The next segment.  Empty when done(), or when the pool is exhausted: then call
  // again later, or abandon().
  PacketPtr next();

  bool done() const { return whole_ == nullptr; }
  // Segments that next() has yet to give.
  size_t remaining() const;
  // Drops what next() has not given, counted by segment.
  void abandon(DropReason reason, DropCounters& drops);

 private:
  struct Headers {
    uint16_t l3 = 0;  // offsets from the start of the packet
    uint16_t l4 = 0;
    uint16_t length = 0;  // of all headers: the payload's offset
    bool ip4 = false;
    bool tcp = false;
    bool checksum = true;  // false: UDP over IPv4 without one
  };

  std::optional<DropReason> parse(PacketPtr& p, Link link);
  PacketPtr headers_with(uint32_t payload);
  void finish(Packet& segment, uint32_t payload) const;

  Pool& pool_;
  PacketPtr whole_;
  Headers headers_;
  bool cut_ = false;     // false: whole_ goes out as it is
  uint32_t total_ = 0;   // bytes of whole_
  uint32_t offset_ = 0;  // of the payload that comes next
  uint32_t size_ = 0;    // payload bytes per segment
};

}  // namespace weft
