// SPDX-License-Identifier: Apache-2.0
// The IPv6 header, as bytes, and what its addresses mean.  (RFC 8200 section 3; RFC 4291.)
//
// Threads: pure functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "paths/next_hop.h"

namespace weft::ip6 {

constexpr uint16_t kLinkProtocol = 0x86dd;
constexpr uint32_t kHeader = 40;
constexpr uint32_t kMaxPayload = 65535;
constexpr uint32_t kMinMtu = 1280;  // RFC 8200 section 5
constexpr uint8_t kDefaultHopLimit = 64;

// Offsets of fields.
constexpr size_t kPayloadLength = 4, kNextHeader = 6, kHopLimit = 7, kSource = 8, kDestination = 24;

// What a next header field can name.
enum Protocol : uint8_t {
  kHopByHop = 0,
  kTcp = 6,
  kUdp = 17,
  kRouting = 43,
  kFragment = 44,
  kAuthentication = 51,
  kIcmp = 58,
  kNone = 59,
  kDestinationOptions = 60,
};

inline uint8_t version(const uint8_t* h) { return h[0] >> 4; }
inline uint8_t traffic_class(const uint8_t* h) { return uint8_t(load_be16(h) >> 4); }
inline uint16_t payload_length(const uint8_t* h) { return load_be16(h + kPayloadLength); }

// Version, traffic class, and flow label 0.
inline void write_first_word(uint8_t* h, uint8_t traffic_class) {
  store_be32(h, 6u << 28 | uint32_t{traffic_class} << 20);
}

inline Address address_at(const uint8_t* at) {
  Address a;
  std::memcpy(a.data(), at, a.size());
  return a;
}

// --- addresses, at `a` -------------------------------------------------------

inline bool is_unspecified(const uint8_t* a) { return load<uint64_t>(a) == 0 && load<uint64_t>(a + 8) == 0; }
inline bool is_loopback(const uint8_t* a) { return load<uint64_t>(a) == 0 && load_be64(a + 8) == 1; }
inline bool is_multicast(const uint8_t* a) { return a[0] == 0xff; }
inline bool is_link_local(const uint8_t* a) { return a[0] == 0xfe && (a[1] & 0xc0) == 0x80; }
// ::ffff:0:0/96, RFC 4291 section 2.5.5.2.
inline bool is_ip4_mapped(const uint8_t* a) {
  return load<uint64_t>(a) == 0 && load_be32(a + 8) == 0x0000ffff;
}
// Of a multicast address; RFC 4291 section 2.7.
inline uint8_t multicast_scope(const uint8_t* a) { return a[1] & 0x0f; }
// An address that one node can have and others can reach.
inline bool is_unicast(const uint8_t* a) { return !is_unspecified(a) && !is_loopback(a) && !is_multicast(a); }

constexpr Address kAllNodes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

// RFC 4291 section 2.7.1: ff02::1:ff00:0/104 and the last 24 bits.
inline Address solicited_node(const Address& a) {
  Address group{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::copy(a.begin() + 13, a.end(), group.begin() + 13);
  return group;
}

}  // namespace weft::ip6
