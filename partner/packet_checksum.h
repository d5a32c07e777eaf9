// SPDX-License-Identifier: Apache-2.0
// The Internet checksum of packets: over chains, of pseudo headers, and by difference.
// (RFC 1071, RFC 1624.)
//
// Threads: pure functions.
#pragma once

#include "base/checksum.h"
#include "partner/packet.h"

namespace weft {

// `sum` plus the bytes of a chain from `offset` to its end.
inline uint64_t add_chain_checksum(uint64_t sum, const Packet& p, uint32_t offset) {
  bool odd = false;  // an odd number of bytes summed so far: words start one byte late
  for (const Seg* s = &p; s != nullptr; s = s->next) {
    if (offset >= s->length) {
      offset -= s->length;
      continue;
    }
    const uint32_t n = s->length - offset;
    const uint16_t part = fold(add_checksum(0, s->data + offset, n));
    sum += odd ? __builtin_bswap16(part) : part;
    odd ^= (n & 1) != 0;
    offset = 0;
  }
  return sum;
}

// The checksum for a sum of bytes whose checksum field was 0, as it lies in memory.
inline uint16_t checksum_of(uint64_t sum) { return uint16_t(~fold(sum)); }
// The same where UDP may read it, to which 0 is "none"; to others both are zero.  (RFC 768.)
inline uint16_t checksum_but_zero(uint64_t sum) {
  const uint16_t checksum = checksum_of(sum);
  return checksum == 0 ? uint16_t{0xffff} : checksum;
}

// Whether bytes that contain their checksum are good.
inline bool checksum_good(uint64_t sum) { return fold(sum) == 0xffff; }

// The checksum after a word that it covers changed.  All three as they lie in memory.
// (RFC 1624, equation 3.)
inline uint16_t adjust_checksum(uint16_t checksum, uint16_t before, uint16_t after) {
  return uint16_t(~fold(uint64_t{uint16_t(~checksum)} + uint16_t(~before) + after));
}

// The sum of the pseudo header of a transport: addresses of `address_bytes` each, one
// behind the other, protocol and length.  (RFC 768; RFC 8200 section 8.1.)
inline uint64_t pseudo_header_sum(const uint8_t* addresses, size_t address_bytes, uint8_t protocol,
                                  uint32_t length) {
  uint8_t rest[8];
  store_be32(rest, length);
  store_be32(rest + 4, protocol);
  return add_checksum(add_checksum(0, addresses, 2 * address_bytes), rest, sizeof rest);
}

}  // namespace weft
