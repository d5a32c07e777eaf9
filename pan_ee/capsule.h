// SPDX-License-Identifier: Apache-2.0
// The capsule: a reference to code, and a body that is the code's business.  (PAN,
// section 4.6.1.)
//
//   offset  bytes
//        0      1  0, and the version: the high nibble tells a capsule from IPv4 and IPv6 on a raw link
//        1      1  flags: none is defined, all zero
//        2      2  TTL: nodes that may still send it on; shared out among its copies
//        4      4  length of the capsule, header and body
//        8     16  home: the node that has the code object
//       24     33  name of the code object
//       57      7  zero
//       64         body
//
// Numbers are in network byte order.  The body begins on a 64-byte boundary.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "pan_ee/address.h"
#include "pan_ee/code_name.h"

namespace weft::pan {

namespace capsule {

constexpr size_t kHeader = 64;
constexpr uint8_t kVersion = 1;
constexpr size_t kMaxLength = 65535;  // what fits in a packet
constexpr size_t kTtl = 2, kLength = 4, kHome = 8, kName = 24, kReserved = 57;

inline uint16_t ttl(const uint8_t* header) { return uint16_t(header[kTtl] << 8 | header[kTtl + 1]); }
inline void set_ttl(uint8_t* header, uint16_t ttl) {
  header[kTtl] = uint8_t(ttl >> 8);
  header[kTtl + 1] = uint8_t(ttl);
}
// Lowers a TTL that is not 0.  False, and it is as it was, if nothing would be left of it.
inline bool lower_ttl(uint8_t* header) {
  uint8_t& low = header[kTtl + 1];
  if (low > 1) [[likely]] {
    --low;
    return true;
  }
  const uint16_t left = uint16_t(ttl(header) - 1);
  if (left == 0) return false;
  set_ttl(header, left);
  return true;
}
inline uint32_t length(const uint8_t* header) {
  const uint8_t* p = header + kLength;
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
}

enum class Fault : uint8_t {
  kNone,
  kTooShort,  // shorter than a header
  kVersion,   // another version, or not a capsule
  kFlags,     // a flag that this version does not know
  kLength,    // a length below the header's, or longer than what came
  kName,      // not the name of a code object
  kReserved,  // bytes that must be zero are not
  kTtl,       // 0: it must not be here
};
const char* sentence(Fault fault);

// What is wrong with a capsule whose first kHeader bytes (or all, if there are fewer)
// are at `header`, in a packet of `available` bytes.  Bytes behind the capsule's
// length are a link's padding.
Fault check(const uint8_t* header, size_t available);

// Whether check() finds nothing wrong in front of the home, and the length is `length`.
inline bool begins_well(const uint8_t* header, uint32_t length) {
  const uint64_t first = load_be64(header);
  constexpr uint32_t kBegins = uint32_t{kVersion} << 24;  // no flags, and behind them the TTL
  return uint32_t(first) == length && uint32_t(first >> 32) - (kBegins + 1) < 0xffff;
}

struct Header {
  uint16_t ttl = 0;
  uint32_t length = kHeader;
  NodeAddress home;
  CodeName name;
};
// Writes all kHeader bytes.
void write(uint8_t* at, const Header& header);

}  // namespace capsule

}  // namespace weft::pan
