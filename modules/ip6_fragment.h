// SPDX-License-Identifier: Apache-2.0
// Fragments of IPv6: their header, and Ip6Fragmenter, which cuts a packet of the node's
// own; routers do not.  (RFC 8200 sections 4.5 and 5.)
//
//   Ip6Fragmenter cut(pool, *packet, id);
//   while (PacketPtr fragment = cut.next()) { ... }
//
// The node keeps no path MTUs, so what does not fit its link leaves in pieces that fit
// every link.  They share their payload with the packet; only headers are copied.  They
// have its next hop and marks.
//
// Threads: the worker.
#pragma once

#include "modules/ip6_header.h"
#include "partner/pool.h"

namespace weft {

namespace ip6 {

constexpr uint32_t kFragmentHeader = 8;
// Offsets of its fields; what is in kFragmentField, whose offset is in bytes.
constexpr uint32_t kFragmentField = 2, kFragmentId = 4;
constexpr uint16_t kFragmentOffset = 0xfff8, kMoreFragments = 1;

}  // namespace ip6

class Ip6Fragmenter {
 public:
  // `whole` begins at its IPv6 header, which says the truth about its length.  It has no
  // header for nodes on the way (hop-by-hop options, routing), which every fragment would
  // have to have.  It stays the caller's, and outlives this.
  Ip6Fragmenter(Pool& pool, Packet& whole, uint32_t id)
      : pool_(pool), whole_(whole), id_(id), payload_(whole.total_length() - ip6::kHeader) {}

  // Whether the pool has room for all fragments: so that a packet is cut whole or not
  // at all.
  bool fits_pool() const;
  // How many next() will give in all.
  uint32_t count() const { return (payload_ + kUnit - 1) / kUnit; }

  // The next fragment; empty when there is none, or the pool is exhausted.
  PacketPtr next();

 private:
  // Payload of each fragment but the last.
  static constexpr uint32_t kUnit = (ip6::kMinMtu - ip6::kHeader - ip6::kFragmentHeader) & ~7u;

  Pool& pool_;
  Packet& whole_;
  uint32_t id_;
  uint32_t payload_;  // bytes in all
  uint32_t at_ = 0;   // payload given so far
};

}  // namespace weft
