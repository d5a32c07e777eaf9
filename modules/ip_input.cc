// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_input.h"

#include "modules/ip4_header.h"
#include "modules/packet_edit.h"

namespace weft {

std::optional<DropReason> check_ip4_header(Pool& pool, PacketPtr& p) {
  p->flags &= uint16_t(~(Packet::kOrigin | Packet::kHeaders));
  // RFC 1812 section 5.2.2, in its order.  (1): long enough for the smallest header.
  if (!gather_front(pool, p, ip4::kMinHeader)) {
    return p->total_length() < ip4::kMinHeader ? DropReason::kTooShort : DropReason::kPoolExhausted;
  }
  // (3): the version is 4.
  if (ip4::version(p->data) != 4) return DropReason::kBadVersion;
  // (4): the header is at least 20 bytes long, and all there.
  const uint32_t header = ip4::header_length(p->data);
  if (header < ip4::kMinHeader) return DropReason::kBadHeaderLength;
  if (p->length < header && !gather_front(pool, p, header)) {
    return p->total_length() < header ? DropReason::kBadHeaderLength : DropReason::kPoolExhausted;
  }
  // (2): the header checksum.
  if (fold(add_checksum(0, p->data, header)) != 0xffff) return DropReason::kBadChecksum;
  // (5): the total length holds the header, and the frame holds the total length.
  const uint32_t total = ip4::total_length(p->data);
  const uint32_t there = p->total_length();
  if (there < total) return DropReason::kTooShort;
  if (total < header) return DropReason::kBadLength;
  if (there > total) p->trim(total);  // padding of the link
  p->l3 = uint16_t(p->data - p->window());
  p->l4 = uint16_t(p->l3 + header);
  return std::nullopt;
}

std::optional<DropReason> check_ip4_addresses(const IpNode& node, const Packet& p) {
  const uint32_t source = ip4::source(p.data), destination = ip4::destination(p.data);
  if (!ip4::is_unicast(source)) {
    // RFC 1122 section 3.2.1.3 (a): a host that asks for its address may say 0.
    if (source != 0 || !ip4::is_limited_broadcast(destination)) return DropReason::kMartianSource;
  }
  if (node.addresses.is_martian_source(load<uint32_t>(p.data + ip4::kSource)))
    return DropReason::kMartianSource;
  if (ip4::is_zero_network(destination) || ip4::is_loopback(destination)) {
    return DropReason::kMartianDestination;
  }
  return std::nullopt;
}

}  // namespace weft
