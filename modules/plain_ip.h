// SPDX-License-Identifier: Apache-2.0
// What a router does to a plain IP packet: the header has no options, and the bytes
// may be written in place.
//
// Threads: pure functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace weft::plain {

static_assert(std::endian::native == std::endian::little, "words are taken as little-endian here");

// Whether the 20 bytes of a header add up.  (RFC 1812 section 5.2.2, check 2.)
inline bool ip4_checksum_good(const uint8_t* ip) {
  uint64_t sum = load<uint32_t>(ip + 16);
  for (size_t at = 0; at < 16; at += 8) {
    const auto word = load<uint64_t>(ip + at);
    sum += word;
    sum += sum < word;  // end-around carry
  }
  auto half = uint32_t(sum);
  half += uint32_t(sum >> 32);
  half += half < uint32_t(sum >> 32);
  // The upper half is now the sum of both halves, with their carry.
  return half + std::rotl(half, 16) >= 0xffff0000u;
}

// Decrements the TTL and adapts the header checksum.  (RFC 1812 section 5.3.1, RFC 1624.)
//
// The two lie in one word: TTL, protocol, checksum.  One less in the TTL is one more
// in the checksum, where 0xffff is written 0: hence the carry from 0xfffe on.
// REQUIRES: TTL > 0
inline void decrement_ttl(uint8_t* ip) {
  const auto word = load<uint32_t>(ip + 8);
  const uint32_t carry = word >= 0xfffe0000u;
  store(ip + 8, word + 0xffff + (carry << 16));
}

// Whether an IPv4 address that begins with that byte can be one host's and be forwarded
// to: not 0/8, not 127/8, below multicast and class E.  (RFC 1812 section 5.3.7.)
inline bool ip4_ordinary(uint8_t first) { return uint8_t(first - 1) < 223 && first != 127; }

// The same of an IPv6 address: not unspecified, loopback, IPv4-mapped; not link-local,
// site-local or multicast.  (RFC 4291 sections 2.4 and 2.5.)
inline bool ip6_ordinary(const uint8_t* address) { return address[0] < 0xfe && load<uint16_t>(address) != 0; }

}  // namespace weft::plain
