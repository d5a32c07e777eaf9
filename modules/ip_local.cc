// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_local.h"

#include "modules/ip_header.h"
#include "modules/ip_input.h"
#include "modules/ip_options.h"
#include "modules/packet_edit.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

constexpr uint8_t kNothing = 255;  // RFC 3692: a protocol number that is reserved

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
  // A packet that is put together starts over, with the frame of its first fragment.
  LinkHeader link_header{};
  if (p->length >= 8 && ip4::is_fragment(p->data)) link_header = link_header_of(*p, device_);
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
    const NextHop& hop = node_.fib.next_hops[node_.route(ip::destination(p->data, ip::kLayout4), 4)];
    return refuse_route(std::move(p), hop.kind);
  }
  if (ip4::is_fragment(p->data)) return put_together(std::move(p), link_header);
  deliver_up(std::move(p), out);
}

bool IpLocal::for_this_node(const Packet& p) const {
  const uint32_t destination = ip4::destination(p.data);
  if (ip4::is_multicast(destination) || ip4::is_limited_broadcast(destination)) return true;
  if (node_.is_directed_broadcast(destination)) return true;
  const Address a = ip::destination(p.data, ip::kLayout4);
  if (node_.owns(a, 4)) return true;
  const NextHop::Kind kind = node_.fib.next_hops[node_.route(a, 4)].kind;
  return kind == NextHop::kLocal || kind == NextHop::kKernel;
}

void IpLocal::put_together(PacketPtr p, const LinkHeader& link_header) {
  const uint8_t* h = p->data;
  const Reassembly::Key key{.source = ip::source(h, ip::kLayout4),
                            .destination = ip::destination(h, ip::kLayout4),
                            .id = load_be16(h + ip4::kId),
                            .family = 4,
                            .protocol = h[ip4::kProtocol]};
  const Reassembly::Place place{.headers = ip4::header_length(h),
                                .offset = ip4::fragment_offset(h),
                                .more = (ip4::fragment_field(h) & ip4::kMoreFragments) != 0,
                                .ecn = uint8_t(h[ip4::kTos] & 3)};
  Reassembly::Outcome outcome;
  if (auto refused = reassembly_.add(*this, key, place, link_header, p, outcome)) {
    return drop(std::move(p), *refused);
  }
  ++held_;
  if (!outcome.whole) return;
  held_ -= outcome.fragments;
  path().stages()[index()]->counters.drops.add(DropReason::kReassembled, outcome.fragments - 1);
  if (!complete_header(outcome.whole, outcome.ecn)) return;
  if (!sort_again(sorter_, node_.pool, path(), device_, outcome.link_header, outcome.whole)) {
    drop(std::move(outcome.whole), DropReason::kPoolExhausted);
  }
}

bool IpLocal::complete_header(PacketPtr& whole, uint8_t seen_ecn) {
  const auto ecn = reassembled_ecn(seen_ecn);
  const uint32_t total = whole->total_length();
  if (!ecn || total > ip4::kMaxPacket) {
    drop(std::move(whole), DropReason::kBadLength);
    return false;
  }
  if (!node_.pool.unshare_front(whole, ip4::header_length(whole->data))) {
    drop(std::move(whole), DropReason::kPoolExhausted);
    return false;
  }
  uint8_t* h = whole->data;
  store_be16(h + ip4::kTotalLength, uint16_t(total));
  store_be16(h + ip4::kFragment, 0);
  h[ip4::kTos] = uint8_t(h[ip4::kTos] | *ecn);
  ip4::write_checksum(h);
  return true;
}

void IpLocal::lost(PacketPtr fragment, bool first, DropReason reason) {
  --held_;
  // RFC 792: only when the first fragment is there.
  if (first && reason == DropReason::kReassemblyTimeout && for_this_node(*fragment)) {
    return refuse(std::move(fragment), icmp4::kFragmentsMissing, reason);
  }
  drop(std::move(fragment), reason);
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

  p->next_hop = node_.route(ip::destination(p->data, ip::kLayout4), 4);
  const NextHop& hop = node_.fib.next_hops[p->next_hop];
  // On a raw link there is but one way to go, so it needs no route.
  const bool one_way = hop.kind == NextHop::kNoRoute && device_.info.link == Link::kRaw;
  if (!hop.leads_on() && !one_way) {
    const bool refused = hop.kind == NextHop::kProhibit || hop.kind == NextHop::kBlackhole;
    return drop(std::move(p), refused ? DropReason::kProhibited : DropReason::kNoRoute);
  }
  if (hop.leads_on() && hop.out_port != device_.number) {
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
  const IpAddresses addresses = find_ip_addresses(node_, device_, ends_, *p);
  DropReason reason = DropReason::kPoolExhausted;
  const uint32_t total = p->total_length() + ip4::kMinHeader;
  if (!addresses.known()) {
    reason = DropReason::kNoRoute;
  } else if (total > ip4::kMaxPacket) {
    reason = DropReason::kTooBig;
  } else if (prepend(node_.pool, p, ip4::kMinHeader)) {
    uint8_t* h = p->data;
    h[0] = 0x45;
    h[ip4::kTos] = ends_.tos;
    store_be16(h + ip4::kTotalLength, uint16_t(total));
    store_be16(h + ip4::kFragment, 0);
    h[ip4::kTtl] = ends_.ttl;
    h[ip4::kProtocol] = ends_.protocol.value_or(kNothing);
    ip::write_addresses(h, ip::kLayout4, addresses.source, addresses.destination);
    store_be16(h + ip4::kId, node_.ids.next4(h));
    return true;
  }
  drop(std::move(p), reason);
  return false;
}

}  // namespace weft
