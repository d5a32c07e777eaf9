// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_input.h"

#include "modules/ip6_fragment.h"
#include "modules/ip6_header.h"
#include "modules/packet_edit.h"

namespace weft {

namespace {

// As gather_front(), and tells why not.
std::optional<DropReason> gather(Pool& pool, PacketPtr& p, uint32_t n, DropReason too_short) {
  if (p->length >= n) return std::nullopt;
  if (p->total_length() < n) return too_short;
  // No packet of this world has headers that fill a slot.
  if (n > Packet::kRoom - Packet::kHeadroom) return DropReason::kBadOptions;
  if (!pool.unshare_front(p, n)) return DropReason::kPoolExhausted;
  return std::nullopt;
}

// How much of its header the first fragment must have, at least.
uint32_t upper_header(uint8_t protocol) {
  switch (protocol) {
    case ip6::kTcp:
      return 20;
    case ip6::kUdp:
    case ip6::kIcmp:
      return 8;
    default:
      return 1;
  }
}

// What the first fragment owes those who look at the headers of whole packets.
std::optional<Ip6Problem> check_first_fragment(const Packet& p) {
  const Ip6Upper upper = find_ip6_upper(p);
  if (upper.protocol == ip6::kNone) return std::nullopt;
  if (!upper.whole || upper.offset + upper_header(upper.protocol) > p.total_length()) {
    return Ip6Problem{DropReason::kBadOptions, true, icmp6::kIncompleteHeaders};  // RFC 7112
  }
  uint8_t type = 0;
  if (upper.protocol == ip6::kIcmp) read_bytes(p, upper.offset, &type, 1);
  // RFC 6980 section 5.  Nobody else could tell any more that it was in fragments.
  if (icmp6::is_discovery(type)) return Ip6Problem{DropReason::kBadOptions, false, {}};
  return std::nullopt;
}

}  // namespace

std::optional<DropReason> check_ip6_header(Pool& pool, PacketPtr& p) {
  p->flags &= uint16_t(~(Packet::kOrigin | Packet::kHeaders));
  if (auto bad = gather(pool, p, ip6::kHeader, DropReason::kTooShort)) return bad;
  if (ip6::version(p->data) != 6) return DropReason::kBadVersion;
  const uint32_t payload = ip6::payload_length(p->data);
  // RFC 2675 section 3: it is 0 where a hop-by-hop option may say more.
  if (payload != 0 || p->data[ip6::kNextHeader] != ip6::kHopByHop) {
    const uint32_t total = ip6::kHeader + payload;
    const uint32_t there = p->total_length();
    if (there < total) return DropReason::kTooShort;
    if (there > total) p->trim(total);  // padding of the link
  }
  p->l3 = uint16_t(p->data - p->window());
  p->l4 = uint16_t(p->l3 + ip6::kHeader);
  return std::nullopt;
}

std::optional<DropReason> check_ip6_addresses(const Packet& p) {
  const uint8_t* source = p.data + ip6::kSource;
  const uint8_t* destination = p.data + ip6::kDestination;
  // RFC 4291 section 2.7: groups do not speak.  Section 2.5.3.  IPv4-mapped ones mean
  // something inside a host only, and fool it: draft-itojun-v6ops-v4mapped-harmful.
  if (ip6::is_multicast(source) || ip6::is_loopback(source) || ip6::is_ip4_mapped(source)) {
    return DropReason::kMartianSource;
  }
  if (ip6::is_loopback(destination) || ip6::is_unspecified(destination)) {
    return DropReason::kMartianDestination;
  }
  // RFC 4291 section 2.7: scope 0 is reserved, 1 never leaves a node.
  if (ip6::is_multicast(destination) && ip6::multicast_scope(destination) <= 1) {
    return DropReason::kMartianDestination;
  }
  return std::nullopt;
}

std::optional<Ip6Problem> check_ip6_fragment(const Packet& p, uint32_t at) {
  const uint16_t field = load_be16(p.data + at + ip6::kFragmentField);
  const uint32_t offset = field & uint32_t{ip6::kFragmentOffset};
  const uint32_t length = p.total_length() - at - ip6::kFragmentHeader;
  if (offset == 0) {
    if (auto problem = check_first_fragment(p)) return problem;
  }
  if (offset + length > ip6::kMaxPayload) {
    return Ip6Problem{DropReason::kBadLength, true, icmp6::header_field(at + ip6::kFragmentField)};
  }
  if ((field & ip6::kMoreFragments) != 0 && length % 8 != 0) {
    return Ip6Problem{DropReason::kBadLength, true, icmp6::header_field(ip6::kPayloadLength)};
  }
  return std::nullopt;
}

std::optional<DropReason> gather_ip6_extension(Pool& pool, PacketPtr& p, uint32_t at, uint32_t& length) {
  if (auto bad = gather(pool, p, at + 8, DropReason::kBadOptions)) return bad;
  length = ip6_extension_length(p->data + at);
  return gather(pool, p, at + length, DropReason::kBadOptions);
}

std::optional<Ip6Problem> check_ip6_hop_by_hop(Pool& pool, PacketPtr& p, uint32_t& length) {
  length = 0;
  if (p->data[ip6::kNextHeader] != ip6::kHopByHop) return std::nullopt;
  if (auto bad = gather_ip6_extension(pool, p, ip6::kHeader, length)) return Ip6Problem{*bad, false, {}};
  if (auto problem = check_ip6_options(p->data, ip6::kHeader, true)) return problem;
  // A payload that holds this header is not empty.
  if (ip6::payload_length(p->data) == 0) return Ip6Problem{DropReason::kBadLength, false, {}};
  return std::nullopt;
}

}  // namespace weft
