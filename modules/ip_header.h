// SPDX-License-Identifier: Apache-2.0
// What the IP headers of both families have in common: a version, and two addresses.
// The rest of each stands in ip4_header.h and ip6_header.h.
//
// Threads: pure functions.
#pragma once

#include "modules/ip4_header.h"
#include "modules/ip6_header.h"

namespace weft::ip {

// Where things lie in the header of one family, and how much a packet of it can hold.
struct Layout {
  uint8_t family;       // 4 or 6
  uint8_t first_octet;  // of a header without options: the version is in it
  uint32_t header;      // bytes, without options or extensions
  uint32_t most;        // bytes behind that
  size_t source;        // offset; the destination stands right behind
  size_t address;       // bytes of each
};

inline constexpr Layout kLayout4{.family = 4,
                                 .first_octet = 0x45,
                                 .header = ip4::kMinHeader,
                                 .most = ip4::kMaxPacket - ip4::kMinHeader,
                                 .source = ip4::kSource,
                                 .address = 4};
inline constexpr Layout kLayout6{.family = 6,
                                 .first_octet = 0x60,
                                 .header = ip6::kHeader,
                                 .most = ip6::kMaxPayload,
                                 .source = ip6::kSource,
                                 .address = 16};
static_assert(ip4::kSource + 4 == ip4::kDestination && ip6::kSource + 16 == ip6::kDestination);

constexpr const Layout& layout(uint8_t family) { return family == 6 ? kLayout6 : kLayout4; }

// The addresses in the header at `h`.
inline Address address_at(const uint8_t* at, const Layout& l) {
  Address a{};
  std::memcpy(a.data(), at, l.address);
  return a;
}
inline Address source(const uint8_t* h, const Layout& l) { return address_at(h + l.source, l); }
inline Address destination(const uint8_t* h, const Layout& l) {
  return address_at(h + l.source + l.address, l);
}
inline void write_addresses(uint8_t* h, const Layout& l, const Address& source, const Address& destination) {
  std::memcpy(h + l.source, source.data(), l.address);
  std::memcpy(h + l.source + l.address, destination.data(), l.address);
}

// An address that one node can have and others can reach.
inline bool is_unicast(const Address& a, uint8_t family) {
  return family == 6 ? ip6::is_unicast(a.data()) : ip4::is_unicast(load_be32(a.data()));
}

}  // namespace weft::ip
