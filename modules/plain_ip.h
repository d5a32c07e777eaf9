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

// a + b + c with end-around carry: the sum in one's complement.
inline uint64_t add_around(uint64_t a, uint64_t b, uint64_t c) {
#if defined(__x86_64__)
  asm("add %1, %0\n\tadc %2, %0\n\tadc $0, %0" : "+r"(a) : "rm"(b), "r"(c) : "cc");
  return a;
#else
  a += b;
  a += a < b;
  a += c;
  return a + (a < c);
#endif
}

// An IPv4 header without options, read in three words: a loop that forwards waits for
// its loads, so each byte is loaded once.
class Ip4 {
 public:
  static constexpr uint32_t kLength = 20;

  explicit Ip4(const uint8_t* at)
      : first_(load<uint64_t>(at)), second_(load<uint64_t>(at + 8)), destination_(load<uint32_t>(at + 16)) {}

  bool without_options() const { return uint8_t(first_) == 0x45; }
  uint16_t total_length() const { return swap_be(uint16_t(first_ >> 16)); }
  uint8_t ttl() const { return uint8_t(second_); }
  uint8_t protocol() const { return uint8_t(second_ >> 8); }
  uint8_t source_octet(unsigned i) const { return uint8_t(second_ >> (32 + 8 * i)); }
  uint8_t destination_octet(unsigned i) const { return uint8_t(destination_ >> 8 * i); }
  // As they lie there.
  uint32_t source() const { return uint32_t(second_ >> 32); }
  uint32_t destination() const { return destination_; }

  // Whether the header adds up.  (RFC 1812 section 5.2.2, check 2.)
  //
  // A one's complement sum of 64 bits is that of 16 bits modulo 0xffff, and good when it
  // divides by it (it is never 0, for there is a version).  Multiplying by the inverse of
  // 0xffff modulo 2^64 tells: a multiple comes out as its small quotient.  (Granlund,
  // Montgomery 1994, section 9.)
  bool checksum_good() const {
    constexpr uint64_t kQuotients = ~uint64_t{0} / 0xffff;
    constexpr uint64_t kInverse = ~kQuotients + 1;
    static_assert(0xffff * kInverse == 1);
    return add_around(first_, second_, destination_) * kInverse <= kQuotients;
  }

  // Writes the header at `at` with its TTL one less, and the checksum adapted.
  // (RFC 1812 section 5.3.1, RFC 1624.)
  //
  // The two lie in one word: TTL, protocol, checksum.  One less in the TTL is one more
  // in the checksum, where 0xffff is written 0: hence the carry from 0xfffe on.  Options
  // behind the header do not matter.
  // REQUIRES: ttl() > 0
  void decrement_ttl(uint8_t* at) const {
    const auto word = uint32_t(second_);
    const uint32_t carry = word >= 0xfffe0000u;
    store(at + 8, word + 0xffff + (carry << 16));
  }

 private:
  uint64_t first_;   // version, TOS, length, identification, fragment
  uint64_t second_;  // TTL, protocol, checksum, source
  uint32_t destination_;
};

// The same of an IPv6 address: not unspecified, loopback, IPv4-mapped; not link-local,
// site-local or multicast.  (RFC 4291 sections 2.4 and 2.5.)
inline bool ip6_ordinary(const uint8_t* address) { return address[0] < 0xfe && load<uint16_t>(address) != 0; }

}  // namespace weft::plain
