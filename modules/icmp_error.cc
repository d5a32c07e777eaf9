// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp_error.h"

#include <algorithm>
#include <cstring>

#include "modules/ip4_header.h"
#include "modules/packet_edit.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

// As much of the datagram as fits 576 bytes.  (RFC 1812 section 4.3.2.3.)
constexpr uint32_t kMaxError = 576;
constexpr uint8_t kInternetControl = 0xc0;  // precedence 6, RFC 1812 section 4.3.2.5
constexpr uint8_t kTosBits = 0x1e;          // of the TOS octet, without precedence

// Whether an ICMP message of this type asks or answers, so that an error about it
// starts no quarrel.  Unknown types count as errors, as in Linux.
bool is_query(uint8_t type) {
  switch (type) {
    case 0:   // echo reply
    case 8:   // echo
    case 9:   // router advertisement
    case 10:  // router solicitation
    case 13:  // timestamp
    case 14:  // timestamp reply
    case 15:  // information request
    case 16:  // information reply
    case 17:  // address mask request
    case 18:  // address mask reply
      return true;
    default:
      return false;
  }
}

// RFC 1812 section 4.3.2.7.
bool may_be_told(const IpNode& node, const Packet& about) {
  const uint8_t* h = about.data;
  if (about.flags & (Packet::kLinkGroup | Packet::kOrigin)) return false;
  if (ip4::fragment_offset(h) != 0) return false;
  const uint32_t source = ip4::source(h), destination = ip4::destination(h);
  if (!ip4::is_unicast(source) || node.is_directed_broadcast(source)) return false;
  if (ip4::is_multicast(destination) || ip4::is_limited_broadcast(destination)) return false;
  if (node.is_directed_broadcast(destination)) return false;
  if (h[ip4::kProtocol] == ip4::kIcmp) {
    uint8_t type;
    if (read_bytes(about, ip4::header_length(h), &type, 1) != 1 || !is_query(type)) return false;
  }
  return true;
}

}  // namespace

PacketPtr make_icmp4_error(IpNode& node, Packet& about, const icmp4::Error& what) {
  if (!may_be_told(node, about)) return nullptr;
  const uint8_t* offender = about.data;
  Address sender{}, addressee{};
  std::memcpy(sender.data(), offender + ip4::kSource, 4);
  std::memcpy(addressee.data(), offender + ip4::kDestination, 4);

  // RFC 1812 section 4.3.2.4: an address of the interface that the message leaves by;
  // from a host, the one that was spoken to (RFC 1122 section 3.2.2).
  const LocalAddress* from = nullptr;
  const Address* source = nullptr;
  if (node.owns(addressee, 4)) {
    source = &addressee;
  } else {
    from = node.source_towards(sender, 4);
    if (from == nullptr) from = node.source_on(about.in_port, 4);
    if (from == nullptr) return nullptr;
    source = &from->address;
  }
  if (!node.icmp_limit.allow(what.kind, node.clock.now_ns())) return nullptr;

  PacketPtr p = node.pool.alloc();
  if (!p) return p;
  const uint32_t quoted = std::min(about.total_length(), kMaxError - ip4::kMinHeader - icmp4::kHeader);
  uint8_t* h = p->data;
  uint8_t* icmp = h + ip4::kMinHeader;
  std::memset(h, 0, ip4::kMinHeader);
  h[0] = 0x45;
  h[ip4::kTos] = uint8_t((offender[ip4::kTos] & kTosBits) | kInternetControl);
  store_be16(h + ip4::kTotalLength, uint16_t(ip4::kMinHeader + icmp4::kHeader + quoted));
  h[ip4::kTtl] = ip4::kDefaultTtl;
  h[ip4::kProtocol] = ip4::kIcmp;
  std::memcpy(h + ip4::kSource, source->data(), 4);
  std::memcpy(h + ip4::kDestination, sender.data(), 4);
  store_be16(h + ip4::kId, node.ids.next4(h));

  icmp[0] = what.type;
  icmp[1] = what.code;
  store_be16(icmp + 2, 0);
  store_be32(icmp + 4, what.rest);
  read_bytes(about, 0, icmp + icmp4::kHeader, quoted);
  node.pool.count_copy(quoted);
  store(icmp + 2, checksum_of(add_checksum(0, icmp, icmp4::kHeader + quoted)));
  p->length = ip4::kMinHeader + icmp4::kHeader + quoted;
  p->l3 = uint16_t(p->data - p->window());
  p->l4 = uint16_t(p->l3 + ip4::kMinHeader);
  p->in_port = about.in_port;
  p->flags |= Packet::kOrigin;
  return p;
}

}  // namespace weft
