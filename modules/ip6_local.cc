// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_local.h"

#include <algorithm>

#include "modules/checksum.h"
#include "modules/ip6_header.h"
#include "modules/ip6_input.h"
#include "modules/ip6_source.h"
#include "modules/packet_edit.h"

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
  read_headers(std::move(p), at, out);
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

void Ip6Local::read_headers(PacketPtr p, Cursor at, Pvec& out) {
  for (;;) {
    switch (at.protocol) {
      case ip6::kRouting:
      case ip6::kDestinationOptions:
        if (!pass_extension(p, at)) return;
        break;
      case ip6::kFragment:
        if (!pass_fragment(p, at)) return;
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

bool Ip6Local::pass_fragment(PacketPtr& p, Cursor& at) {
  constexpr uint32_t kLength = 8;
  if (!gather_front(node_.pool, p, at.offset + kLength)) {
    const bool short_of = p->total_length() < at.offset + kLength;
    drop(std::move(p), short_of ? DropReason::kBadOptions : DropReason::kPoolExhausted);
    return false;
  }
  const uint8_t* header = p->data + at.offset;
  if ((load_be16(header + 2) & 0xfff9) != 0) {
    drop(std::move(p), DropReason::kReassemblyLimit);
    return false;
  }
  // RFC 6946: a fragment that is all of its packet.
  at = {header[0], at.offset + kLength, at.offset};
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
    if (leads_on && hop.mtu != 0) mtu = hop.mtu;
  }
  if (p->total_length() > std::max(mtu, ip6::kMinMtu) && !ip6_segments_fit(*p, mtu)) {
    return drop(std::move(p), DropReason::kTooBig);
  }
  append(down(), std::move(p), out);
}

bool Ip6Local::choose_addresses(const Packet& p, Address& source, Address& destination) const {
  source = ends_.ours;
  destination = ends_.theirs;
  const uint8_t* front = p.window() + p.l3;
  if ((p.flags & Packet::kHeaders) && front + ip6::kHeader <= p.data) {
    if (ip6::is_unspecified(destination.data())) destination = ip6::address_at(front + ip6::kSource);
    // RFC 4291 section 2.7: a group is never a source.
    const uint8_t* spoken_to = front + ip6::kDestination;
    if (ip6::is_unspecified(source.data()) && ip6::is_unicast(spoken_to)) source = ip6::address_at(spoken_to);
  }
  if (ip6::is_unspecified(destination.data())) return false;
  if (!ip6::is_unspecified(source.data())) return true;
  const NextHop& hop = node_.fib.next_hops[node_.route(destination, 6)];
  const uint16_t port = hop.out_port != Packet::kNoPort ? hop.out_port : device_.number;
  const LocalAddress* own = ip6_source(node_, port, destination.data());
  if (own != nullptr) source = own->address;
  return own != nullptr;
}

bool Ip6Local::put_header(PacketPtr& p) {
  const auto lose = [&](DropReason reason) {
    drop(std::move(p), reason);
    return false;
  };
  Address source, destination;
  if (!choose_addresses(*p, source, destination)) return lose(DropReason::kNoRoute);
  const uint32_t payload = p->total_length();
  if (payload > ip6::kMaxPayload) return lose(DropReason::kTooBig);
  if (payload == 0 && p->headroom() < ip6::kHeader) return lose(DropReason::kPoolExhausted);
  if (!prepend(node_.pool, p, ip6::kHeader)) return lose(DropReason::kPoolExhausted);
  uint8_t* h = p->data;
  ip6::write_first_word(h, ends_.traffic_class);
  store_be16(h + ip6::kPayloadLength, uint16_t(payload));
  h[ip6::kNextHeader] = ends_.protocol.value_or(ip6::kNone);
  h[ip6::kHopLimit] = ends_.hop_limit;
  std::memcpy(h + ip6::kSource, source.data(), 16);
  std::memcpy(h + ip6::kDestination, destination.data(), 16);
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
