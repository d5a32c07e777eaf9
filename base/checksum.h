// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071), in steps.
//
//   fold(add_checksum(sum, bytes, n)) complemented is the checksum; 0xffff folded
//   means that bytes which contain their checksum are good.
//
// Sums are of 16-bit words as they lie in memory, so store() writes the result
// without swapping.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace weft {

// `sum` plus the words of [at, at + n); an odd last byte counts as its word's first.
inline uint64_t add_checksum(uint64_t sum, const uint8_t* at, size_t n) {
  for (; n >= 8; at += 8, n -= 8) {
    const uint64_t word = load<uint64_t>(at);
    sum += (word & 0xffffffff) + (word >> 32);
  }
  for (; n >= 2; at += 2, n -= 2) sum += load<uint16_t>(at);
  if (n == 1) sum += std::endian::native == std::endian::little ? *at : uint64_t(*at) << 8;
  return sum;
}

// The 16-bit one's complement sum.
inline uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return uint16_t(sum);
}

}  // namespace weft
