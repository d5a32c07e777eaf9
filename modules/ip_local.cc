// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_local.h"

#include <cstring>

#include "modules/ip4_header.h"
#include "modules/ip_input.h"
#include "modules/ip_options.h"
#include "modules/packet_edit.h"

namespace weft {

namespace {

Address address_at(const uint8_t* at) {
  Address a{};
  std::memcpy(a.data(), at, 4);
  return a;
}

}  // namespace

void IpLocal::deliver(Dir dir, Pvec& v) {
  Pvec out;
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    if (dir == up_) {
      receive(std::move(p), out);
    } else {
      send(std::move(p), out);
    }
  }
  hand_on(dir, out);
}

// --- up ----------------------------------------------------------------------

void IpLocal::receive(PacketPtr p, Pvec& out) {
  if (auto bad = check_ip4_header(node_.pool, p)) return drop(std::move(p), *bad);
  if (auto bad = check_ip4_addresses(node_, *p)) return drop(std::move(p), *bad);
  if (has_ip4_options(p->data)) {
    if (!node_.pool.unshare_front(p, ip4::header_length(p->data))) {
      return drop(std::move(p), DropReason::kPoolExhausted);
    }
    const Ip4Options options = take_ip4_options(node_, p->in_port, p->data);
    if (options.bad) {
      return refuse(std::move(p), icmp4::parameter_problem(options.problem_at), DropReason::kBadOptions);
    }
    // RFC 1122 section 3.2.1.8 (c) would take a source route that ends here; as on the
    // way through, none is taken.
    if (options.source_route) return drop(std::move(p), DropReason::kBadOptions);
    if (options.changed) ip4::write_checksum(p->data);
  }
  if (!ends_.any_destination && !for_this_node(*p)) {
    // RFC 1122 section 3.2.1.3: a host is silent about what is not for it.
    if (!node_.forwarding || (p->flags & Packet::kLinkGroup))
      return drop(std::move(p), DropReason::kNotForUs);
    const NextHop& hop = node_.fib.next_hops[node_.route(address_at(p->data + ip4::kDestination), 4)];
    return refuse_route(std::move(p), hop.kind);
  }
  if (ip4::is_fragment(p->data)) return drop(std::move(p), DropReason::kReassemblyLimit);
  deliver_up(std::move(p), out);
}

bool IpLocal::for_this_node(const Packet& p) const {
  const uint32_t destination = ip4::destination(p.data);
  if (ip4::is_multicast(destination) || ip4::is_limited_broadcast(destination)) return true;
  if (node_.is_directed_broadcast(destination)) return true;
  const Address a = address_at(p.data + ip4::kDestination);
  if (node_.owns(a, 4)) return true;
  const NextHop::Kind kind = node_.fib.next_hops[node_.route(a, 4)].kind;
  return kind == NextHop::kLocal || kind == NextHop::kKernel;
}

void IpLocal::deliver_up(PacketPtr p, Pvec& out) {
  strip_front(*p, ip4::header_length(p->data));
  p->flags |= Packet::kHeaders;
  append(up_, std::move(p), out);
}

// --- down --------------------------------------------------------------------

void IpLocal::send(PacketPtr p, Pvec& out) {
  if (p->flags & Packet::kOrigin) {
    if (!gather_front(node_.pool, p, ip4::kMinHeader) || !header_true(*p)) {
      return drop(std::move(p), DropReason::kBadLength);
    }
    if (!node_.pool.unshare_front(p, ip4::header_length(p->data))) {
      return drop(std::move(p), DropReason::kPoolExhausted);
    }
  } else if (!put_header(p)) {
    return;
  }
  p->flags &= uint16_t(~(Packet::kHeaders | Packet::kLinkGroup));
  ip4::write_checksum(p->data);
  p->l3 = uint16_t(p->data - p->window());
  p->l4 = uint16_t(p->l3 + ip4::header_length(p->data));

  p->next_hop = node_.route(address_at(p->data + ip4::kDestination), 4);
  const NextHop& hop = node_.fib.next_hops[p->next_hop];
  const bool leads_on = hop.kind == NextHop::kForward || hop.kind == NextHop::kResolve;
  // On a raw link there is but one way to go, so it needs no route.
  const bool one_way = hop.kind == NextHop::kNoRoute && device_.info.link == Link::kRaw;
  if (!leads_on && !one_way) {
    const bool refused = hop.kind == NextHop::kProhibit || hop.kind == NextHop::kBlackhole;
    return drop(std::move(p), refused ? DropReason::kProhibited : DropReason::kNoRoute);
  }
  if (leads_on && hop.out_port != device_.number) {
    p->flags |= Packet::kOrigin;  // its header is complete
    return host_.divert_from(path(), std::move(p));
  }
  const uint32_t mtu = hop.mtu != 0 && !one_way ? hop.mtu : device_.info.mtu;
  if (p->total_length() <= mtu || segments_fit(*p, mtu)) return append(down(), std::move(p), out);
  if (ip4::dont_fragment(p->data)) return drop(std::move(p), DropReason::kTooBig);
  fragment(down(), std::move(p), mtu, out);
}

bool IpLocal::header_true(const Packet& p) {
  const uint32_t header = ip4::header_length(p.data);
  const uint32_t total = p.total_length();
  return ip4::version(p.data) == 4 && header >= ip4::kMinHeader && header <= total &&
         ip4::total_length(p.data) == total;
}

bool IpLocal::put_header(PacketPtr& p) {
  uint32_t source = ends_.ours, destination = ends_.theirs;
  const uint8_t* front = p->window() + p->l3;
  if ((p->flags & Packet::kHeaders) && front + ip4::kMinHeader <= p->data) {
    if (destination == 0) destination = ip4::source(front);
    const uint32_t spoken_to = ip4::destination(front);
    // RFC 1122 section 3.2.1.3: a group is never a source.
    if (source == 0 && ip4::is_unicast(spoken_to) && !node_.is_directed_broadcast(spoken_to))
      source = spoken_to;
  }
  uint8_t addresses[8];
  store_be32(addresses + 4, destination);
  if (source == 0 && destination != 0) {
    const Address to = address_at(addresses + 4);
    const LocalAddress* own = node_.source_towards(to, 4);
    if (own == nullptr) own = node_.source_on(device_.number, 4);
    if (own != nullptr) source = load_be32(own->address.data());
  }
  store_be32(addresses, source);
  if (destination == 0 || source == 0) {
    drop(std::move(p), DropReason::kNoRoute);
    return false;
  }
  const uint32_t total = p->total_length() + ip4::kMinHeader;
  if (total > ip4::kMaxPacket) {
    drop(std::move(p), DropReason::kTooBig);
    return false;
  }
  if (total == ip4::kMinHeader ? p->headroom() < ip4::kMinHeader : false) {
    drop(std::move(p), DropReason::kPoolExhausted);
    return false;
  }
  if (!prepend(node_.pool, p, ip4::kMinHeader)) {
    drop(std::move(p), DropReason::kPoolExhausted);
    return false;
  }
  uint8_t* h = p->data;
  h[0] = 0x45;
  h[ip4::kTos] = ends_.tos;
  store_be16(h + ip4::kTotalLength, uint16_t(total));
  store_be16(h + ip4::kFragment, 0);
  h[ip4::kTtl] = ends_.ttl;
  h[ip4::kProtocol] = ends_.protocol;
  std::memcpy(h + ip4::kSource, addresses, sizeof addresses);
  store_be16(h + ip4::kId, node_.ids.next(h));
  return true;
}

}  // namespace weft
