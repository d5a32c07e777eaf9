// SPDX-License-Identifier: Apache-2.0
// Four packets side by side: a loop that forwards asks of four at once, with the
// instructions that one would take, whether they are plain.
//
//   FourPackets   their descriptors
//   FourIp4       their IPv4 headers
//   FourLeads     what their next hops ask for
//
// Word k is of packet k.  (Loads, more than arithmetic, are what such a loop runs out of:
// each byte is loaded once.)
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/words.h"
#include "partner/packet.h"
#include "paths/next_hop.h"

namespace weft::plain {

class FourPackets {
 public:
  [[gnu::always_inline]] explicit FourPackets(const Packet* const* p) {
    const Words a = load<Words>(&p[0]->length), b = load<Words>(&p[1]->length);
    const Words c = load<Words>(&p[2]->length), d = load<Words>(&p[3]->length);
    any_ = a | b | c | d;
    length_ = Transposed(a, b, c, d).row[0];
  }

  Words length() const { return length_; }  // of the first Seg
  // All ones if each is one Seg in its own slot, seen by nobody else, with none of `flags` set.
  // (Segs and references are or-ed: 1 of all is 1 of each.  Only the empty packet behind the
  // end of a Pvec has none.)
  template <uint16_t flags>
  Mask plain() const {
    constexpr uint32_t kUnusual = uint32_t{flags | Packet::kShares | Packet::kForeign} << 16 | 0xffff;
    const Words wanted{0, 1, 1, 0}, looked_at{0, kUnusual, ~0u, 0};
    return Mask((any_ & looked_at) == wanted);
  }

 private:
  static_assert(offsetof(Packet, segs) == offsetof(Packet, length) + 4);
  static_assert(offsetof(Packet, flags) == offsetof(Packet, length) + 6);
  static_assert(offsetof(Packet, references) == offsetof(Packet, length) + 8);

  Words any_;
  Words length_;
};

class FourLeads {
 public:
  [[gnu::always_inline]] explicit FourLeads(const NextHop* const* hop)
      : rows_(load<Words>(hop[0]), load<Words>(hop[1]), load<Words>(hop[2]), load<Words>(hop[3])) {}

  // Which are reachable, behind a link whose header has `length` bytes.
  Mask forwards(uint8_t length) const {
    return Mask((rows_.row[0] & 0xffff) == uint32_t(NextHop::kForward | length << 8));
  }
  // Which are reachable on `port`.
  Mask forwards_to(uint16_t port) const {
    return Mask((rows_.row[0] & 0xffff00ff) == (NextHop::kForward | uint32_t{port} << 16));
  }
  Words out_port() const { return rows_.row[0] >> 16; }
  Words mtu() const { return rows_.row[1]; }

 private:
  static_assert(offsetof(NextHop, kind) == 0 && offsetof(NextHop, link_length) == 1);
  static_assert(offsetof(NextHop, out_port) == 2 && offsetof(NextHop, mtu) == 4);
  Transposed rows_;
};

class FourIp4 {
 public:
  static constexpr uint32_t kLength = 20;  // of a header without options

  // REQUIRES: kLength bytes can be read at each
  [[gnu::always_inline]] explicit FourIp4(const uint8_t* const* at)
      : first_(load<Words>(at[0]), load<Words>(at[1]), load<Words>(at[2]), load<Words>(at[3])),
        destination_{load<uint32_t>(at[0] + 16), load<uint32_t>(at[1] + 16), load<uint32_t>(at[2] + 16),
                     load<uint32_t>(at[3] + 16)} {}

  Words total_length() const {
    const auto as_it_lies = Halves(first_.row[0] >> 16);
    return Words(as_it_lies << 8 | as_it_lies >> 8);
  }
  Words source() const { return first_.row[3]; }  // as it lies there

  Mask without_options() const { return Mask((first_.row[0] & 0xff) == 0x45); }
  // RFC 1812 sections 5.2.1 to 5.3.1, for a header without options, but for its addresses and
  // its length.
  [[gnu::always_inline]] Mask passable() const {
    return checksum_good() & above(first_.row[2] & 0xff, all_of(1));
  }
  // Not 0 where source or destination is not one host's, as their first octets say: 0/8, 127/8,
  // multicast or class E.  (RFC 1812 section 5.3.7)
  [[gnu::always_inline]] Mask martian() const {
    const auto octets = HalfMask((source() & 0xff) | (destination_ << 16 & 0xff0000));
    return Mask((octets == 0) | (octets == 127) | (octets > 223));
  }

  // The third word of each header with the TTL one less, and the checksum adapted; see
  // Ip4::decrement_ttl().  REQUIRES: each TTL > 0
  Words decremented_ttl() const {
    return first_.row[2] + 0xffff - Words(above(first_.row[2] >> 16, all_of(0xfffd)) << 16);
  }

 private:
  // Whether each adds up.  (RFC 1812 section 5.2.2, check 2.)
  //
  // The ten halves do if their sum is k times 0xffff, 1 <= k <= 10.  It is sum - 0xffff * high,
  // modulo 2^32, where 0xffff has the inverse -0x10001: so k = -0x10001 * sum - high, which
  // is below 16 for no other sum.  (As Ip4::checksum_good() does it.)
  [[gnu::always_inline]] Mask checksum_good() const {
    const auto& row = first_.row;
    const Words sum = row[0] + row[1] + row[2] + row[3] + destination_;
    const Words high =
        (row[0] >> 16) + (row[1] >> 16) + (row[2] >> 16) + (row[3] >> 16) + (destination_ >> 16);
    const Words minus_k = sum + (sum << 16) + high;
    return Mask(minus_k) >> 4 == -1;
  }

  Transposed first_;  // version, TOS, length; identification, fragment; TTL, protocol, checksum; source
  Words destination_;
};

}  // namespace weft::plain
