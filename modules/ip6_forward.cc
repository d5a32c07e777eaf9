// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_forward.h"

#include <algorithm>

#include "modules/ip6_header.h"
#include "modules/ip6_input.h"
#include "modules/plain_ip.h"

namespace weft {

void Ip6Forward::deliver(Dir dir, Pvec& v) {
  const auto plain = [this](Packet* const* first, Packet* const* last) {
    return std::find_if_not(first, last, [this](Packet* p) { return forward_plain(*p); });
  };
  forward_all(dir, v, plain, [this](PacketPtr p, Pvec& out) { forward(std::move(p), out); });
}

// RFC 8200 section 5: every link carries the least MTU, by whatever means.
uint32_t Ip6Forward::mtu(const NextHop& hop) const {
  return std::max(hop.out_port == out_.number && hop.mtu != 0 ? hop.mtu : out_.info.mtu, ip6::kMinMtu);
}

bool Ip6Forward::forward_plain(Packet& p) const {
  uint8_t* h = p.data;
  if (p.length < ip6::kHeader || ip6::version(h) != 6 || !p.writable()) return false;
  if (p.segs != 1 || p.length != ip6::kHeader + ip6::payload_length(h)) return false;
  if (p.flags & (Packet::kOrigin | Packet::kHeaders | Packet::kLinkGroup | Packet::kOffload)) return false;
  if (h[ip6::kNextHeader] == ip6::kHopByHop || h[ip6::kHopLimit] <= 1) return false;
  if (!plain::ip6_ordinary(h + ip6::kSource) || !plain::ip6_ordinary(h + ip6::kDestination)) return false;
  const NextHop& hop = node_.fib.next_hops[p.next_hop];
  if (hop.kind != NextHop::kForward || hop.out_port != out_.number || p.length > mtu(hop)) return false;
  p.l3 = uint16_t(p.data - p.window());
  p.l4 = uint16_t(p.l3 + ip6::kHeader);
  --h[ip6::kHopLimit];
  return true;
}

void Ip6Forward::forward(PacketPtr p, Pvec& out) {
  if (auto bad = check_ip6_header(node_.pool, p)) return drop(std::move(p), *bad);
  if (auto bad = check_ip6_addresses(*p)) return drop(std::move(p), *bad);
  uint32_t hop_by_hop;
  if (auto problem = check_ip6_hop_by_hop(node_.pool, p, hop_by_hop)) return refuse(std::move(p), *problem);
  // Multicast needs a multicast router.  RFC 4291 section 2.5.6: link-local addresses
  // stay on their link.
  const uint8_t* destination = p->data + ip6::kDestination;
  if (ip6::is_multicast(destination) || ip6::is_link_local(destination)) {
    return drop(std::move(p), DropReason::kMartianDestination);
  }
  if (p->next_hop == Packet::kNoNextHop) p->next_hop = node_.route(ip6::address_at(destination), 6);
  send_on(std::move(p), out);
}

void Ip6Forward::send_on(PacketPtr p, Pvec& out) {
  const NextHop& hop = node_.fib.next_hops[p->next_hop];
  if (!by_fields_ && !hop.leads_on()) {
    return refuse_route(std::move(p), hop.kind);
  }
  // What came to a group of the link is not for a router to pass on.
  if (p->flags & Packet::kLinkGroup) return drop(std::move(p), DropReason::kNotForUs);
  // RFC 8200 section 3: checked by the node that would lower it to 0.
  if (p->data[ip6::kHopLimit] <= 1) {
    return refuse(std::move(p), icmp6::kHopLimitExceeded, DropReason::kTtlExpired);
  }
  const uint8_t* source = p->data + ip6::kSource;
  // RFC 4291 section 2.5.2.
  if (ip6::is_unspecified(source)) return drop(std::move(p), DropReason::kMartianSource);
  // RFC 4291 section 2.5.6; RFC 4443 section 3.1, code 2.
  if (ip6::is_link_local(source) && out_.number != p->in_port) {
    return refuse(std::move(p), icmp6::kBeyondScope, DropReason::kMartianSource);
  }
  // RFC 8200 section 4.5: routers do not fragment.
  const uint32_t limit = mtu(hop);
  if (p->total_length() > limit && !ip6_segments_fit(*p, limit)) {
    return refuse(std::move(p), icmp6::packet_too_big(limit), DropReason::kTooBig);
  }
  if (!node_.pool.unshare_front(p, ip6::kHeader)) return drop(std::move(p), DropReason::kPoolExhausted);
  --p->data[ip6::kHopLimit];
  append(Dir::kForward, std::move(p), out);
}

}  // namespace weft
