// SPDX-License-Identifier: Apache-2.0
// The IPv4 header, as bytes.  (RFC 791 section 3.1.)
//
// Addresses are numbers in host order here, so that ranges read as in the RFCs.
//
// Threads: pure functions.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/checksum.h"

namespace weft::ip4 {

constexpr uint16_t kLinkProtocol = 0x0800;
constexpr uint32_t kMinHeader = 20;
constexpr uint32_t kMaxHeader = 60;
constexpr uint32_t kMaxPacket = 65535;
constexpr uint32_t kMinMtu = 68;  // RFC 791 section 3.2
constexpr uint8_t kDefaultTtl = 64;

// Offsets of fields.
constexpr size_t kTos = 1, kTotalLength = 2, kId = 4, kFragment = 6, kTtl = 8, kProtocol = 9, kChecksum = 10,
                 kSource = 12, kDestination = 16;

constexpr uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;

enum Protocol : uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17 };

inline uint8_t version(const uint8_t* h) { return h[0] >> 4; }
inline uint32_t header_length(const uint8_t* h) { return (h[0] & 0x0fu) * 4u; }
inline uint16_t total_length(const uint8_t* h) { return load_be16(h + kTotalLength); }
inline uint16_t fragment_field(const uint8_t* h) { return load_be16(h + kFragment); }
inline bool dont_fragment(const uint8_t* h) { return (fragment_field(h) & kDontFragment) != 0; }
// Of its payload in the whole packet, bytes.
inline uint32_t fragment_offset(const uint8_t* h) { return (fragment_field(h) & kOffsetMask) * 8u; }
inline bool is_fragment(const uint8_t* h) {
  return (fragment_field(h) & (kMoreFragments | kOffsetMask)) != 0;
}
inline uint32_t source(const uint8_t* h) { return load_be32(h + kSource); }
inline uint32_t destination(const uint8_t* h) { return load_be32(h + kDestination); }

inline void write_checksum(uint8_t* h) {
  store(h + kChecksum, uint16_t{0});
  store(h + kChecksum, uint16_t(~fold(add_checksum(0, h, header_length(h)))));
}

constexpr bool is_zero_network(uint32_t a) { return a >> 24 == 0; }
constexpr bool is_loopback(uint32_t a) { return a >> 24 == 127; }
constexpr bool is_multicast(uint32_t a) { return a >> 28 == 0xe; }
constexpr bool is_limited_broadcast(uint32_t a) { return a == 0xffffffff; }

// An address that one host can have.  Class E is let through, as Linux does: RFC 1812
// section 2.2.5.1 reserves it without saying what a router does with it.
constexpr bool is_unicast(uint32_t a) {
  return !is_zero_network(a) && !is_loopback(a) && !is_multicast(a) && !is_limited_broadcast(a);
}

}  // namespace weft::ip4
