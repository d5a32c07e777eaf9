// SPDX-License-Identifier: Apache-2.0
#include "partner/vnet_header.h"

#include <netinet/in.h>

#include "base/bytes.h"

namespace weft {

namespace {

constexpr size_t kEthernetHeader = 14;
constexpr size_t kVlanTag = 4;
constexpr size_t kUdpHeader = 8;
constexpr size_t kMinTcpHeader = 20;

bool is_vlan(uint16_t ethertype) { return ethertype == 0x8100 || ethertype == 0x88a8; }

// Where the network header starts; may lie behind the end.
size_t network_offset(std::span<const uint8_t> front, Link link) {
  if (link == Link::kRaw) return 0;
  size_t at = kEthernetHeader;
  while (at <= front.size() && is_vlan(load_be16(front.data() + at - 2))) at += kVlanTag;
  return at;
}

// Whether the packet is IP of `version` that carries `protocol` and whose header,
// with its extension headers, ends at `end`.
bool ip_header_ends_at(std::span<const uint8_t> ip, uint8_t version, uint8_t protocol, size_t end) {
  if (end > ip.size() || end < 20 || ip[0] >> 4 != version) return false;
  if (version == 4) return size_t(ip[0] & 15) * 4 == end && ip[9] == protocol;
  size_t at = 40;
  uint8_t next = ip[6];
  // RFC 8200, 4.3 and 4.6: hop-by-hop, destination options and routing share one layout.
  while (at + 8 <= end && (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING)) {
    next = ip[at];
    at += (size_t{ip[at + 1]} + 1) * 8;
  }
  return at == end && next == protocol;
}

struct Transport {
  Offload::Kind kind;
  uint8_t protocol;
  uint16_t checksum_offset;
};

// What gso_type asks for; kind is kNone when Offload cannot say it.
Transport transport_of(uint8_t gso_type) {
  switch (gso_type & ~VnetHeader::kGsoEcn) {
    case VnetHeader::kGsoTcp4:
      return {Offload::kTcp4, IPPROTO_TCP, 16};
    case VnetHeader::kGsoTcp6:
      return {Offload::kTcp6, IPPROTO_TCP, 16};
    case VnetHeader::kGsoUdp:
      return {Offload::kUdp, IPPROTO_UDP, 6};
    default:
      return {Offload::kNone, 0, 0};
  }
}

// Bytes of the transport header at the start of `l4`; 0 when it is not whole.
size_t transport_header_length(std::span<const uint8_t> l4, Offload::Kind kind) {
  if (kind == Offload::kUdp) return l4.size() < kUdpHeader ? 0 : kUdpHeader;
  if (l4.size() < kMinTcpHeader) return 0;
  const size_t length = size_t(l4[12] >> 4) * 4;
  return length < kMinTcpHeader || length > l4.size() ? 0 : length;
}

}  // namespace

VnetVerdict parse_vnet_header(const VnetHeader& header, std::span<const uint8_t> front, uint32_t length,
                              Link link, Offload& offload) {
  if (header.complete()) return VnetVerdict::kComplete;
  // A packet to be cut needs its checksums made anew, so the bit goes with it.
  if ((header.flags & VnetHeader::kNeedsChecksum) == 0) return VnetVerdict::kInvalid;
  if (header.checksum_start == 0 || header.checksum_offset == 0 ||
      size_t{header.checksum_start} + header.checksum_offset + 2 > length) {
    return VnetVerdict::kInvalid;
  }
  offload = Offload{};
  offload.checksum_start = header.checksum_start;
  offload.checksum_offset = header.checksum_offset;
  if (header.gso_type == VnetHeader::kGsoNone) return VnetVerdict::kOffload;

  const Transport transport = transport_of(header.gso_type);
  if (transport.kind == Offload::kNone || header.segment_size == 0 ||
      header.checksum_offset != transport.checksum_offset) {
    return VnetVerdict::kInvalid;
  }
  const size_t l3 = network_offset(front, link);
  if (l3 >= header.checksum_start || header.checksum_start > front.size()) return VnetVerdict::kInvalid;
  const uint8_t version = transport.kind == Offload::kTcp4   ? 4
                          : transport.kind == Offload::kTcp6 ? 6
                                                             : uint8_t(front[l3] >> 4);
  if ((version != 4 && version != 6) ||
      !ip_header_ends_at(front.subspan(l3), version, transport.protocol, header.checksum_start - l3)) {
    return VnetVerdict::kInvalid;
  }
  const size_t l4 = transport_header_length(front.subspan(header.checksum_start), transport.kind);
  if (l4 == 0 || header.checksum_start + l4 > length) return VnetVerdict::kInvalid;
  offload.segment_size = header.segment_size;
  offload.headers_length = uint16_t(header.checksum_start + l4);
  offload.kind = transport.kind;
  offload.ecn = header.gso_type & VnetHeader::kGsoEcn;
  return VnetVerdict::kOffload;
}

VnetHeader make_vnet_header(const Offload& offload, uint32_t length) {
  VnetHeader header{};
  if (offload.checksum_left()) {
    header.flags = VnetHeader::kNeedsChecksum;
    header.checksum_start = offload.checksum_start;
    header.checksum_offset = offload.checksum_offset;
    header.header_length = offload.headers_length;
  }
  // One segment's worth is not to be cut, and the kernel refuses to be asked.
  if (offload.segment_size == 0 || length <= uint32_t{offload.headers_length} + offload.segment_size) {
    return header;
  }
  switch (offload.kind) {
    case Offload::kTcp4:
      header.gso_type = VnetHeader::kGsoTcp4;
      break;
    case Offload::kTcp6:
      header.gso_type = VnetHeader::kGsoTcp6;
      break;
    case Offload::kUdp:
      header.gso_type = VnetHeader::kGsoUdp;
      break;
    case Offload::kNone:
      return header;
  }
  if (offload.ecn) header.gso_type |= VnetHeader::kGsoEcn;
  header.segment_size = offload.segment_size;
  return header;
}

}  // namespace weft
