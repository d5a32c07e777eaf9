// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_local.h"

#include <algorithm>

#include "modules/ip6_fragment.h"
#include "modules/ip6_input.h"
#include "modules/ip_header.h"
#include "modules/packet_edit.h"
#include "partner/packet_checksum.h"

namespace weft {

namespace {

// RFC 4291 section 2.7.1, for routers: of the link and of the site.
constexpr Address kAllRouters{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
constexpr Address kAllSiteRouters{0xff, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

// The packet claims to have a header.
bool header_true(const Packet& p) {
  return ip6::version(p.data) == 6 && ip6::kHeader + ip6::payload_length(p.data) == p.total_length();
}

}  // namespace

void Ip6Local::deliver(Dir dir, Pvec& v) {
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

void Ip6Local::receive(PacketPtr p, Pvec& out) {
  const LinkHeader frame = link_header_of(*p, device_);
  if (auto bad = check_ip6_header(node_.pool, p)) return drop(std::move(p), *bad);
  if (auto bad = check_ip6_addresses(*p)) return drop(std::move(p), *bad);
  uint32_t hop_by_hop;
  if (auto problem = check_ip6_hop_by_hop(node_.pool, p, hop_by_hop)) return refuse(std::move(p), *problem);

  const uint8_t* destination = p->data + ip6::kDestination;
  if (!ends_.any_destination && !for_this_node(destination)) {
    // A host is silent about what is not for it, and so is everyone about what must not
    // leave its link.
    const bool stays = ip6::is_multicast(destination) || ip6::is_link_local(destination);
    if (!node_.forwarding || stays || (p->flags & Packet::kLinkGroup)) {
      return drop(std::move(p), DropReason::kNotForUs);
    }
    return refuse_route(std::move(p), node_.fib.next_hops[node_.route(ip6::address_at(destination), 6)].kind);
  }
  Cursor at{p->data[ip6::kNextHeader], ip6::kHeader, ip6::kNextHeader};
  if (hop_by_hop != 0) at = {p->data[ip6::kHeader], ip6::kHeader + hop_by_hop, ip6::kHeader};
  read_headers(std::move(p), at, frame, out);
}

bool Ip6Local::for_this_node(const uint8_t* destination) const {
  if (ip6::is_multicast(destination)) return in_group(destination);
  const Address a = ip6::address_at(destination);
  if (ip6::is_link_local(destination)) {
    // RFC 4007 section 6: the same address on another link is another node's.
    return std::any_of(node_.addresses.begin(), node_.addresses.end(), [&](const LocalAddress& own) {
      return own.family == 6 && own.port == device_.number && own.address == a;
    });
  }
  if (node_.owns(a, 6)) return true;
  const NextHop::Kind kind = node_.fib.next_hops[node_.route(a, 6)].kind;
  return kind == NextHop::kLocal || kind == NextHop::kKernel;
}

bool Ip6Local::in_group(const uint8_t* group) const {
  const Address a = ip6::address_at(group);
  if (a == ip6::kAllNodes) return true;
  if (node_.forwarding && (a == kAllRouters || a == kAllSiteRouters)) return true;
  return std::any_of(node_.addresses.begin(), node_.addresses.end(), [&](const LocalAddress& own) {
    return own.family == 6 && own.port == device_.number && ip6::solicited_node(own.address) == a;
  });
}

void Ip6Local::read_headers(PacketPtr p, Cursor at, const LinkHeader& frame, Pvec& out) {
  for (;;) {
    switch (at.protocol) {
      case ip6::kRouting:
      case ip6::kDestinationOptions:
        if (!pass_extension(p, at)) return;
        break;
      case ip6::kFragment:
        if (!pass_fragment(p, at, frame)) return;
        break;
      case ip6::kHopByHop:
        // RFC 8200 section 4.3: it stands right behind the IPv6 header, or is not known.
        return refuse(std::move(p), icmp6::unknown_next_header(at.named_at), DropReason::kBadOptions);
      default:
        return deliver_up(std::move(p), at, out);
    }
  }
}

bool Ip6Local::pass_extension(PacketPtr& p, Cursor& at) {
  uint32_t length;
  if (auto bad = gather_ip6_extension(node_.pool, p, at.offset, length)) {
    drop(std::move(p), *bad);
    return false;
  }
  const uint8_t* header = p->data + at.offset;
  std::optional<Ip6Problem> problem;
  if (at.protocol == ip6::kDestinationOptions) {
    problem = check_ip6_options(p->data, at.offset, false);
  } else if (header[3] != 0) {
    // RFC 8200 section 4.4: a type that is not known, as none is (RFC 5095), with
    // segments left.
    problem = Ip6Problem{DropReason::kBadOptions, true, icmp6::header_field(at.offset + 2)};
  }
  if (problem) {
    refuse(std::move(p), *problem);
    return false;
  }
  at = {header[0], at.offset + length, at.offset};
  return true;
}

bool Ip6Local::pass_fragment(PacketPtr& p, Cursor& at, const LinkHeader& frame) {
  const uint32_t end = at.offset + ip6::kFragmentHeader;
  if (!gather_front(node_.pool, p, end)) {
    const bool short_of = p->total_length() < end;
    drop(std::move(p), short_of ? DropReason::kBadOptions : DropReason::kPoolExhausted);
    return false;
  }
  const uint8_t* header = p->data + at.offset;
  if ((load_be16(header + ip6::kFragmentField) & (ip6::kFragmentOffset | ip6::kMoreFragments)) != 0) {
    put_together(std::move(p), at.offset, frame);
    return false;
  }
  // RFC 6946: a fragment that is all of its packet.
  at = {header[0], end, at.offset};
  return true;
}

void Ip6Local::deliver_up(PacketPtr p, const Cursor& at, Pvec& out) {
  // The demux saw the protocol of this path behind a header that is not passed here.
  if (ends_.protocol && at.protocol != *ends_.protocol) {
    return refuse(std::move(p), icmp6::unknown_next_header(at.named_at), DropReason::kNoListener);
  }
  p->l4 = uint16_t(p->l3 + at.offset);
  strip_front(*p, at.offset);
  p->flags |= Packet::kHeaders;
  append(up_, std::move(p), out);
}

// --- fragments: RFC 8200 section 4.5 ------------------------------------------

void Ip6Local::put_together(PacketPtr p, uint32_t at, const LinkHeader& frame) {
  if (auto problem = check_ip6_fragment(*p, at)) return refuse(std::move(p), *problem);
  const uint8_t* h = p->data;
  const uint16_t field = load_be16(h + at + ip6::kFragmentField);
  const Reassembly::Key key{.source = ip::source(h, ip::kLayout6),
                            .destination = ip::destination(h, ip::kLayout6),
                            .id = load_be32(h + at + ip6::kFragmentId),
                            .family = 6};
  const Reassembly::Place place{.headers = at + ip6::kFragmentHeader,
                                .offset = field & uint32_t{ip6::kFragmentOffset},
                                .more = (field & ip6::kMoreFragments) != 0,
                                .ecn = uint8_t(ip6::traffic_class(h) & 3)};
  Reassembly::Outcome outcome;
  if (auto refused = reassembly_.add(*this, key, place, frame, p, outcome)) {
    return drop(std::move(p), *refused);
  }
  ++held_;
  if (!outcome.whole) return;
  held_ -= outcome.fragments;
  path().stages()[index()]->counters.drops.add(DropReason::kReassembled, outcome.fragments - 1);
  if (!complete_headers(outcome.whole, outcome.ecn)) return;
  if (!sort_again(sorter_, node_.pool, path(), device_, outcome.link_header, outcome.whole)) {
    drop(std::move(outcome.whole), DropReason::kPoolExhausted);
  }
}

bool Ip6Local::complete_headers(PacketPtr& whole, uint8_t seen_ecn) {
  // They were read when the fragment came.
  const uint8_t* read = whole->data;
  Cursor at{read[ip6::kNextHeader], ip6::kHeader, ip6::kNextHeader};
  while (at.protocol != ip6::kFragment) {
    const uint8_t* header = read + at.offset;
    at = {header[0], at.offset + ip6_extension_length(header), at.offset};
  }
  const auto ecn = reassembled_ecn(seen_ecn);
  const uint32_t payload = whole->total_length() - ip6::kHeader - ip6::kFragmentHeader;
  if (!ecn || payload > ip6::kMaxPayload) {
    drop(std::move(whole), DropReason::kBadLength);
    return false;
  }
  if (!node_.pool.unshare_front(whole, at.offset + ip6::kFragmentHeader)) {
    drop(std::move(whole), DropReason::kPoolExhausted);
    return false;
  }
  uint8_t* h = whole->data;
  h[at.named_at] = h[at.offset];
  std::memmove(h + ip6::kFragmentHeader, h, at.offset);
  whole->pop(ip6::kFragmentHeader);
  h = whole->data;
  store_be16(h + ip6::kPayloadLength, uint16_t(payload));
  h[1] = uint8_t(h[1] | *ecn << 4);
  return true;
}

void Ip6Local::lost(PacketPtr fragment, bool first, DropReason reason) {
  --held_;
  // Only when the first fragment is there.
  if (first && reason == DropReason::kReassemblyTimeout &&
      for_this_node(fragment->data + ip6::kDestination)) {
    return refuse(std::move(fragment), icmp6::kFragmentsMissing, reason);
  }
  drop(std::move(fragment), reason);
}

// --- down --------------------------------------------------------------------

void Ip6Local::send(PacketPtr p, Pvec& out) {
  if (p->flags & Packet::kOrigin) {
    if (!gather_front(node_.pool, p, ip6::kHeader) || !header_true(*p)) {
      return drop(std::move(p), DropReason::kBadLength);
    }
  } else if (!put_header(p)) {
    return;
  }
  p->flags &= uint16_t(~(Packet::kHeaders | Packet::kLinkGroup));
  p->l3 = uint16_t(p->data - p->window());
  p->l4 = uint16_t(p->l3 + ip6::kHeader);

  uint32_t mtu = device_.info.mtu;
  const uint8_t* destination = p->data + ip6::kDestination;
  if (ip6::is_link_local(destination) || ip6::is_multicast(destination) || (p->flags & Packet::kLinkHeader)) {
    // The link is this one, whatever routes say: RFC 4007 section 6; RFC 4861 section 7.2.
    p->next_hop = Packet::kNoNextHop;
  } else {
    p->next_hop = node_.route(ip6::address_at(destination), 6);
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
    if (hop.leads_on() && hop.mtu != 0) mtu = hop.mtu;
  }
  if (p->total_length() > std::max(mtu, ip6::kMinMtu) && !ip6_segments_fit(*p, mtu)) {
    return fragment(std::move(p), out);
  }
  append(down(), std::move(p), out);
}

void Ip6Local::fragment(PacketPtr p, Pvec& out) {
  const uint8_t next = p->data[ip6::kNextHeader];
  const bool for_every_node = next == ip6::kHopByHop || next == ip6::kRouting;
  if (for_every_node || (p->flags & (Packet::kLinkHeader | Packet::kOffload))) {
    return drop(std::move(p), DropReason::kTooBig);
  }
  Ip6Fragmenter cut(node_.pool, *p, node_.ids.next6(p->data));
  if (!cut.fits_pool()) return drop(std::move(p), DropReason::kPoolExhausted);
  path().count_made(cut.count() - 1);
  while (PacketPtr piece = cut.next()) append(down(), std::move(piece), out);
}

bool Ip6Local::put_header(PacketPtr& p) {
  const auto lose = [&](DropReason reason) {
    drop(std::move(p), reason);
    return false;
  };
  const IpAddresses addresses = find_ip_addresses(node_, device_, ends_, *p);
  if (!addresses.known()) return lose(DropReason::kNoRoute);
  const uint32_t payload = p->total_length();
  if (payload > ip6::kMaxPayload) return lose(DropReason::kTooBig);
  if (payload == 0 && p->headroom() < ip6::kHeader) return lose(DropReason::kPoolExhausted);
  if (!prepend(node_.pool, p, ip6::kHeader)) return lose(DropReason::kPoolExhausted);
  uint8_t* h = p->data;
  ip6::write_first_word(h, ends_.tos);
  store_be16(h + ip6::kPayloadLength, uint16_t(payload));
  h[ip6::kNextHeader] = ends_.protocol.value_or(ip6::kNone);
  h[ip6::kHopLimit] = ends_.ttl;
  ip::write_addresses(h, ip::kLayout6, addresses.source, addresses.destination);
  if (ends_.protocol == ip6::kIcmp && !complete_icmp(p)) return lose(DropReason::kPoolExhausted);
  return true;
}

bool Ip6Local::complete_icmp(PacketPtr& p) {
  constexpr uint32_t kChecksum = ip6::kHeader + 2;
  const uint32_t length = p->total_length() - ip6::kHeader;
  if (length < icmp6::kHeader) return true;  // no message: it has no checksum
  if (!node_.pool.unshare_front(p, kChecksum + 2)) return false;
  uint8_t* h = p->data;
  store(h + kChecksum, uint16_t{0});
  const uint64_t pseudo = pseudo_header_sum(h + ip6::kSource, 16, ip6::kIcmp, length);
  store(h + kChecksum, checksum_of(add_chain_checksum(pseudo, *p, ip6::kHeader)));
  return true;
}

}  // namespace weft
