// SPDX-License-Identifier: Apache-2.0
// Ip4Fragmenter: cuts an IPv4 packet into fragments.  (RFC 791 section 3.2; RFC 1812
// section 4.2.2.7.)
//
//   Ip4Fragmenter cut(pool, *packet, mtu);
//   while (PacketPtr fragment = cut.next()) { ... }
//
// Fragments share their payload with the packet; only headers are copied.  They have
// its next hop and marks.  Complete but for nothing: header checksums are right.
//
// Threads: the worker.
#pragma once

#include "partner/pool.h"

namespace weft {

class Ip4Fragmenter {
 public:
  // `whole` begins at its IP header, which lies in one piece and says the truth about
  // the packet's length; it stays the caller's, and outlives this.
  Ip4Fragmenter(Pool& pool, Packet& whole, uint32_t mtu);

  // Whether the pool has room for all fragments: so that a packet is cut whole or not
  // at all.
  bool fits_pool() const;
  // How many next() will give in all.
  uint32_t count() const { return (payload_ + unit_ - 1) / unit_; }

  // The next fragment; empty when there is none, or the pool is exhausted.
  PacketPtr next();

 private:
  Pool& pool_;
  Packet& whole_;
  uint32_t header_;   // bytes
  uint32_t payload_;  // bytes in all
  uint32_t unit_;     // payload of each fragment but the last
  uint32_t at_ = 0;   // payload given so far
};

}  // namespace weft
