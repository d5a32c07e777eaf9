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

#include "base/bytes.h"
#include "paths/field_reader.h"

namespace weft {

namespace flow {

constexpr uint16_t kIp4 = 0x0800;
constexpr uint16_t kIp6 = 0x86dd;
constexpr uint16_t kCapsule = 0x88b5;    // IEEE 802 local experimental: PAN
constexpr uint16_t kFirstType = 0x0600;  // below, the field is a length (IEEE 802.3)
constexpr size_t kEthernetHeader = 14;

constexpr uint8_t kTcp = 6, kUdp = 17;
constexpr uint8_t kDccp = 33, kSctp = 132, kUdpLite = 136;
constexpr bool has_ports(uint8_t protocol) {
  return protocol == kUdp || protocol == kTcp || protocol == kSctp || protocol == kUdpLite ||
         protocol == kDccp;
}

// The second word of NarrowFields: ports as they lie in the packet, and the protocol.
constexpr uint64_t ports_word(uint32_t ports, uint8_t protocol) {
  if constexpr (std::endian::native == std::endian::little) return uint64_t{protocol} << 32 | ports;
  return uint64_t{ports} << 32 | uint64_t{protocol} << 24;
}
constexpr uint64_t in_port_word(uint16_t in_port) {
  return std::endian::native == std::endian::little ? uint64_t{in_port} << 48 : in_port;
}
static_assert(offsetof(NarrowFields, in_port) == 14);
static_assert(offsetof(NarrowFields, destination) == 4 && offsetof(NarrowFields, source_port) == 8);
static_assert(offsetof(NarrowFields, protocol) == 12);

// 224.0.0.0/24 never leaves a link (RFC 5771 section 4); 255.255.255.255 neither.
inline bool to_every_node(uint32_t destination) {
  return destination - 0xe0000000u < 256 || destination == 0xffffffff;
}

// Where the payload of a transport protocol begins, from its header; `room` bytes of
// it are there.  0 when the header is not whole.
inline uint32_t transport_header(uint8_t protocol, const uint8_t* header, uint32_t room) {
  if (protocol == kUdp || protocol == kUdpLite) return room >= 8 ? 8 : 0;
  if (protocol != kTcp || room < 20) return 0;
  const uint32_t length = uint32_t(header[12] >> 4) * 4;
  return length >= 20 && length <= room ? length : 0;
}

// Reads an IPv4 header (RFC 791) of `room` bytes at offset `at` of the packet.
// False when it is not one, or shorter.  Writes all but kind and link_protocol.
inline bool read_ip4(Packet& p, uint32_t at, uint32_t room, PacketFields& f) {
  if (room < 20) return false;
  const uint8_t* ip = p.data + at;
  const uint32_t header = uint32_t(ip[0] & 0x0f) * 4;
  if (ip[0] != 0x45 && ((ip[0] >> 4) != 4 || header < 20 || header > room)) return false;

  const uint8_t protocol = ip[9];
  const uint16_t total = load_be16(ip + 2);
  const bool fragment = (load_be16(ip + 6) & 0x3fff) != 0;  // more fragments, or not the first
  const uint32_t length = std::min(room, uint32_t{total});
  uint32_t ports = 0, payload = at + header;
  if (!fragment && length >= header + 4 && has_ports(protocol)) {
    ports = load<uint32_t>(ip + header);
    payload += transport_header(protocol, ip + header, length - header);
  }

  p.l4 = uint16_t(p.l3 + header);
  f.fragment = fragment;
  f.to_node = to_every_node(load_be32(ip + 16));
  f.payload = payload;
  f.end = at + total;
  store(&f.narrow, load<uint64_t>(ip + 12));
  store(reinterpret_cast<uint8_t*>(&f.narrow) + 8, ports_word(ports, protocol));
  return true;
}

// The same for IPv6 (RFC 8200), with its extension headers.
bool read_ip6(Packet& p, uint32_t at, uint32_t room, PacketFields& f);

// Reads any packet.
void read_any(Link link, Packet& p, PacketFields& f);

// The tuple of a whole UDP or TCP packet in IPv4 without options, that came in at
// `in_port`; `at` bytes stand in front of the IP header.  False when it may be something
// else; the tuple is then of no use.  (The protocol of the link is not looked at.)
[[gnu::always_inline]] inline bool read_ip4_tuple(const Packet& p, uint32_t at, uint16_t in_port,
                                                  NarrowFields& f) {
  constexpr uint32_t header = 20, ports = 4;
  if (p.length < at + header + ports) return false;
  const uint8_t* const ip = p.data + at;
  const uint8_t protocol = ip[9];
  if (ip[0] != 0x45 || load_be16(ip + 2) < header + ports) return false;
  if ((protocol != kUdp && protocol != kTcp) || (load<uint16_t>(ip + 6) & swap_be(uint16_t{0x3fff})) != 0)
    return false;
  store(&f, load<uint64_t>(ip + 12));
  store(reinterpret_cast<uint8_t*>(&f) + 8,
        ports_word(load<uint32_t>(ip + header), protocol) | in_port_word(in_port));
  return true;
}

// Reads what most packets are, in few instructions: a whole UDP or TCP packet in IPv4
// without options, all headers in the first Seg.  False when it is something else;
// `f` and `p` are then unchanged.
template <Link kLink>
[[gnu::always_inline]] inline bool read_plain(Packet& p, PacketFields& f) {
  constexpr uint32_t at = kLink == Link::kEthernet ? kEthernetHeader : 0;
  constexpr uint32_t header = 20, transport = 20;
  if (p.length < at + header + transport) return false;
  const uint8_t* const ip = p.data + at;
  if (kLink == Link::kEthernet && load<uint16_t>(ip - 2) != swap_be(kIp4)) return false;
  const uint8_t protocol = ip[9];
  if (ip[0] != 0x45 || (load<uint16_t>(ip + 6) & swap_be(uint16_t{0x3fff})) != 0) return false;
  uint32_t length = 8;
  if (protocol == kTcp) {
    length = uint32_t(ip[header + 12] >> 4) * 4;
    if (length < transport || at + header + length > p.length) return false;
  } else if (protocol != kUdp) {
    return false;
  }
  const uint32_t total = load_be16(ip + 2);
  if (total < header + length) return false;

  const uint32_t l3 = uint32_t(p.data - p.window()) + at;
  p.l3 = uint16_t(l3);
  p.l4 = uint16_t(l3 + header);
  f.kind = PacketFields::kNarrow;
  f.fragment = false;
  f.to_node = to_every_node(load_be32(ip + 16));
  f.link_protocol = kIp4;
  f.payload = at + header + length;
  f.end = at + total;
  store(&f.narrow, load<uint64_t>(ip + 12));
  store(reinterpret_cast<uint8_t*>(&f.narrow) + 8, ports_word(load<uint32_t>(ip + header), protocol));
  return true;
}

// Reads one packet.  Inlined into loops.
template <Link kLink>
[[gnu::always_inline]] inline void read(Packet& p, PacketFields& f) {
  if (!read_plain<kLink>(p, f)) [[unlikely]]
    read_any(kLink, p, f);
}

}  // namespace flow

class FlowReader final : public FieldReader {
 public:
  void read(Link link, const Pvec& v, PacketFields* fields) const override;
  void read(Link link, Packet& p, PacketFields& fields) const override;
  bool glance(Link link, uint16_t in_port, const Pvec& v, const Fib& fib, Glance* glances) const override;
};

}  // namespace weft
