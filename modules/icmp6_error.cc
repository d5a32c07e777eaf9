// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp6_error.h"

#include <algorithm>
#include <cstring>

#include "modules/ip6_extensions.h"
#include "modules/ip6_header.h"
#include "modules/ip6_source.h"
#include "modules/packet_edit.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

// RFC 4443 section 2.4 (e.3): what was sent to many is answered with what they must
// know, and no more.
bool may_be_told_of_group(const Packet& about, const icmp6::Error& what) {
  if (what.type == icmp6::kPacketTooBig) return true;
  if (what.type != icmp6::kParameterProblem || what.code != icmp6::kUnknownOption) return false;
  // Only options that ask for it even then: 10 in the two highest bits.
  uint8_t option;
  return read_bytes(about, what.rest, &option, 1) == 1 && option >> 6 == 2;
}

// RFC 4443 section 2.4 (e.1) and (e.2).
bool is_error_or_redirect(const Packet& about) {
  const Ip6Upper upper = find_ip6_upper(about);
  if (!upper.whole || upper.protocol != ip6::kIcmp) return false;
  uint8_t type;
  if (read_bytes(about, upper.offset, &type, 1) != 1) return true;
  return type < icmp6::kFirstInformational || type == icmp6::kRedirect;
}

bool to_group(const Packet& about) {
  return (about.flags & Packet::kLinkGroup) || ip6::is_multicast(about.data + ip6::kDestination);
}

// RFC 4443 section 2.4.
bool may_be_told(const Packet& about, const icmp6::Error& what) {
  if (about.flags & Packet::kOrigin) return false;
  if (to_group(about) && !may_be_told_of_group(about, what)) return false;
  const uint8_t* source = about.data + ip6::kSource;
  if (ip6::is_unspecified(source) || ip6::is_multicast(source)) return false;
  return !is_error_or_redirect(about);
}

}  // namespace

void icmp6::write_checksum(uint8_t* header, uint32_t length) {
  uint8_t* message = header + ip6::kHeader;
  store(message + 2, uint16_t{0});
  const uint64_t pseudo = pseudo_header_sum(header + ip6::kSource, 16, ip6::kIcmp, length);
  store(message + 2, checksum_of(add_checksum(pseudo, message, length)));
}

PacketPtr make_icmp6_error(IpNode& node, Packet& about, const icmp6::Error& what) {
  if (!may_be_told(about, what)) return nullptr;
  const uint8_t* offender = about.data;

  // RFC 4443 section 2.2: the address that was spoken to, if it is ours; else one of the
  // port that the packet came in by, so that traceroute shows the way in.
  Address source = ip6::address_at(offender + ip6::kDestination);
  if (to_group(about) || !node.owns(source, 6)) {
    const LocalAddress* own = ip6_source(node, about.in_port, offender + ip6::kSource);
    if (own == nullptr) return nullptr;
    source = own->address;
  }
  if (!node.icmp_limit.allow(what.kind, node.clock.now_ns())) return nullptr;

  PacketPtr p = node.pool.alloc();
  if (!p) return p;
  // As much as fits the least MTU.  (RFC 4443 section 2.4 (c).)
  const uint32_t quoted = std::min(about.total_length(), ip6::kMinMtu - ip6::kHeader - icmp6::kHeader);
  const uint32_t length = icmp6::kHeader + quoted;
  uint8_t* h = p->data;
  ip6::write_first_word(h, 0);
  store_be16(h + ip6::kPayloadLength, uint16_t(length));
  h[ip6::kNextHeader] = ip6::kIcmp;
  h[ip6::kHopLimit] = ip6::kDefaultHopLimit;
  std::memcpy(h + ip6::kSource, source.data(), source.size());
  std::memcpy(h + ip6::kDestination, offender + ip6::kSource, 16);

  uint8_t* message = h + ip6::kHeader;
  message[0] = what.type;
  message[1] = what.code;
  store_be32(message + 4, what.rest);
  read_bytes(about, 0, message + icmp6::kHeader, quoted);
  node.pool.count_copy(quoted);
  icmp6::write_checksum(h, length);
  p->length = ip6::kHeader + length;
  p->l3 = uint16_t(p->data - p->window());
  p->l4 = uint16_t(p->l3 + ip6::kHeader);
  p->in_port = about.in_port;
  p->flags |= Packet::kOrigin;
  return p;
}

}  // namespace weft
