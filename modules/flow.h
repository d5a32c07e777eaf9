// SPDX-License-Identifier: Apache-2.0
// Flow: reads addresses, protocol and ports of a packet in front of all stages.
//
// IPv4 and IPv6 directly on Ethernet or on a raw link.  A frame with a VLAN tag is
// of the tag's EtherType.  Ports are those of TCP, UDP, UDP-Lite, SCTP and DCCP;
// others, fragments, and packets that end before their ports have 0.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "base/bytes.h"
#include "paths/field_reader.h"

namespace weft {

namespace flow {

constexpr uint16_t kIp4 = 0x0800;
constexpr uint16_t kIp6 = 0x86dd;
constexpr uint16_t kCapsule = 0x88b5;    // IEEE 802 local experimental: PAN
constexpr uint16_t kFirstType = 0x0600;  // below, the field is a length (IEEE 802.3)
constexpr size_t kEthernetHeader = 14;

constexpr uint8_t kTcp = 6, kUdp = 17, kDccp = 33, kSctp = 132, kUdpLite = 136;
constexpr bool has_ports(uint8_t protocol) {
  return protocol == kUdp || protocol == kTcp || protocol == kSctp || protocol == kUdpLite ||
         protocol == kDccp;
}

// The second word of NarrowFields: ports as they lie in the packet, and the protocol.
constexpr uint64_t ports_word(uint32_t ports, uint8_t protocol) {
  if constexpr (std::endian::native == std::endian::little) return uint64_t{protocol} << 32 | ports;
  return uint64_t{ports} << 32 | uint64_t{protocol} << 24;
}
static_assert(offsetof(NarrowFields, destination) == 4 && offsetof(NarrowFields, source_port) == 8);
static_assert(offsetof(NarrowFields, protocol) == 12);

// Where the payload of a transport protocol begins, from its header; `room` bytes of
// it are there.  0 when the header is not whole.
inline uint32_t transport_header(uint8_t protocol, const uint8_t* header, uint32_t room) {
  if (protocol == kUdp || protocol == kUdpLite) return room >= 8 ? 8 : 0;
  if (protocol != kTcp || room < 20) return 0;
  const uint32_t length = uint32_t(header[12] >> 4) * 4;
  return length >= 20 && length <= room ? length : 0;
}

// What the first nibble of a packet stands for on a raw link; 0: nothing.
constexpr uint16_t protocol_of_nibble(uint8_t first) {
  switch (first >> 4) {
    case 4:
      return kIp4;
    case 6:
      return kIp6;
    case 0:
      return kCapsule;
    default:
      return 0;
  }
}

// Reads an IPv4 header (RFC 791) of `room` bytes at offset `at` of the packet.
// False when it is not one, or shorter.  Writes all but kind and link_protocol.
inline bool read_ip4(Packet& p, uint32_t at, uint32_t room, PacketFields& f) {
  if (room < 20) [[unlikely]]
    return false;
  const uint8_t* ip = p.data + at;
  const uint32_t header = uint32_t(ip[0] & 0x0f) * 4;
  if (ip[0] != 0x45 && ((ip[0] >> 4) != 4 || header < 20 || header > room)) [[unlikely]]
    return false;

  const uint8_t protocol = ip[9];
  const uint16_t total = load_be16(ip + 2);
  const uint32_t destination = load_be32(ip + 16);
  const bool fragment = (load_be16(ip + 6) & 0x3fff) != 0;  // more fragments, or not the first
  const uint32_t length = std::min(room, uint32_t{total});
  uint32_t ports = 0, payload = at + header;
  if (!fragment && length >= header + 4 && has_ports(protocol)) {
    ports = load<uint32_t>(ip + header);
    payload += transport_header(protocol, ip + header, length - header);
  }

  p.l4 = uint16_t(p.l3 + header);
  f.fragment = fragment;
  // 224.0.0.0/24 never leaves a link (RFC 5771 section 4); 255.255.255.255 neither.
  f.to_node = (destination >> 8) == 0xe00000 || destination == 0xffffffff;
  f.payload = payload;
  f.end = at + total;
  store(&f.narrow, load<uint64_t>(ip + 12));
  store(reinterpret_cast<uint8_t*>(&f.narrow) + 8, ports_word(ports, protocol));
  return true;
}

// The same for IPv6 (RFC 8200), with its extension headers.
bool read_ip6(Packet& p, uint32_t at, uint32_t room, PacketFields& f);

// Reads one packet.  Inlined into loops, where `link` is a constant; IPv6 is a call.
[[gnu::always_inline]] inline void read(Link link, Packet& p, PacketFields& f) {
  f.kind = PacketFields::kOther;
  f.fragment = f.to_node = false;
  f.link_protocol = 0;
  uint32_t at = 0;
  if (link == Link::kEthernet) {
    if (p.length < kEthernetHeader) [[unlikely]] {
      f.kind = PacketFields::kMalformed;
      f.payload = f.end = p.length;
      p.l3 = p.l4 = uint16_t(p.data - p.window());
      return;
    }
    at = kEthernetHeader;
    const uint16_t type = load_be16(p.data + 12);
    f.link_protocol = type < kFirstType ? 0 : type;
  } else if (p.length > 0) {
    f.link_protocol = protocol_of_nibble(p.data[0]);
  }
  const uint32_t room = p.length - at;
  p.l3 = p.l4 = uint16_t(p.data - p.window() + at);
  f.payload = at;
  f.end = UINT32_MAX;
  if (f.link_protocol == kIp4) {
    f.kind = read_ip4(p, at, room, f) ? PacketFields::kNarrow : PacketFields::kMalformed;
  } else if (f.link_protocol == kIp6) {
    f.kind = read_ip6(p, at, room, f) ? PacketFields::kWide : PacketFields::kMalformed;
  } else if (p.length == 0) {
    f.kind = PacketFields::kMalformed;
  }
}

}  // namespace flow

class FlowReader final : public FieldReader {
 public:
  void read(Link link, const Pvec& v, PacketFields* fields) const override;
};

}  // namespace weft
