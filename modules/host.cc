// SPDX-License-Identifier: Apache-2.0
#include "modules/host.h"

#include <algorithm>
#include <cstring>

#include "modules/icmp6_error.h"
#include "modules/icmp_error.h"
#include "modules/ip6_extensions.h"
#include "modules/ip_header.h"
#include "modules/udp_header.h"

namespace weft {

namespace {

// Whether the first `length` bits of two addresses are the same.
bool same_prefix(const Address& a, const Address& b, unsigned length) {
  const unsigned bytes = length / 8;
  if (std::memcmp(a.data(), b.data(), bytes) != 0) return false;
  const unsigned bits = length % 8;
  return bits == 0 || ((a[bytes] ^ b[bytes]) >> (8 - bits)) == 0;
}

// The destination of a packet that begins at its complete IP header.
Address destination_of(const Packet& p, uint8_t family) {
  return ip::destination(p.data, ip::layout(family));
}

// 4 or 6; 0 when the first Seg does not hold a whole header of either.
uint8_t family_of(const Packet& p) {
  if (p.length >= 20 && p.data[0] >> 4 == 4) return 4;
  if (p.length >= ip6::kHeader && p.data[0] >> 4 == 6) return 6;
  return 0;
}

// The error that a host owes for a packet that nobody takes, whose headers up to l4 were
// read.  (RFC 4443 sections 3.1 code 4 and 3.4 code 1.)  "No next header" asks for nothing.
std::optional<icmp6::Error> unclaimed6(const Ip6Upper& upper) {
  if (!upper.whole || upper.later_fragment || upper.protocol == ip6::kNone) return std::nullopt;
  if (upper.protocol == ip6::kUdp || upper.protocol == ip6::kTcp) return icmp6::kPortUnreachable;
  return icmp6::unknown_next_header(upper.named_at);
}

// Why nothing is said about a datagram that nobody takes: whoever took it would have
// discarded it.  `p` begins at its IP header.
std::optional<DropReason> udp_fault(Packet& p, uint8_t protocol) {
  return protocol == ip4::kUdp ? udp::check(p, uint32_t(p.l4 - p.l3)) : std::nullopt;
}

}  // namespace

// --- IpNode ------------------------------------------------------------------

const LocalAddress* IpNode::source_on(uint16_t port, uint8_t family) const {
  const LocalAddress* any = nullptr;
  for (const LocalAddress& a : addresses) {
    if (a.family != family) continue;
    if (a.port == port) return &a;
    if (any == nullptr) any = &a;
  }
  return any;
}

const LocalAddress* IpNode::source_towards(const Address& destination, uint8_t family) const {
  const NextHop& hop = fib.next_hops[route(destination, family)];
  if (!hop.leads_on()) return nullptr;
  const Address& neighbour = hop.has_gateway ? hop.gateway : destination;
  for (const LocalAddress& a : addresses) {
    if (a.family == family && a.port == hop.out_port && same_prefix(a.address, neighbour, a.length))
      return &a;
  }
  return source_on(hop.out_port, family);
}

uint32_t IpNode::route(const Address& destination, uint8_t family) const {
  return family == 4 ? fib.ip4.find(destination.data()) : fib.ip6.find(destination.data());
}

bool IpNode::kernel_answers(uint16_t in_port, const Address& address, uint8_t family) const {
  return fib.kernel_answers(fib.next_hops[route(address, family)], in_port);
}

bool IpNode::owns(const Address& address, uint8_t family) const {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const LocalAddress& a) { return a.family == family && a.address == address; });
}

// --- sending -----------------------------------------------------------------

void Host::add_path(uint16_t port, uint8_t family, Path& path) { paths_.push_back({port, family, &path}); }

void Host::remove_path(Path& path) {
  std::erase_if(paths_, [&](const PortPath& entry) { return entry.path == &path; });
}

void Host::send(Pvec& v) {
  while (!v.empty()) send(v.pop_front());
}

void Host::send(PacketPtr p) {
  const uint8_t family = family_of(*p);
  if (family == 0) return drop(std::move(p), DropReason::kTooShort, stats_.drops);
  uint16_t port = p->in_port;
  p->next_hop = Packet::kNoNextHop;
  // RFC 4007 section 9: what is for this link leaves where its question came in.
  if (family == 4 || !ip6::is_link_local(p->data + ip6::kDestination)) {
    p->next_hop = node_.route(destination_of(*p, family), family);
    const NextHop& hop = node_.fib.next_hops[p->next_hop];
    if (!hop.leads_on()) {
      return drop(std::move(p), DropReason::kNoRoute, stats_.drops);
    }
    port = hop.out_port;
  }
  p->flags |= Packet::kOrigin;
  for (const PortPath& entry : paths_) {
    if (entry.port != port || entry.family != family) continue;
    stats_.rx_packets.add(1);
    stats_.rx_bytes.add(p->total_length());
    entry.path->enqueue(End::kFar, std::move(p));
    return;
  }
  drop(std::move(p), DropReason::kNoPath, stats_.drops);
}

void Host::send_from(Path& path, PacketPtr p) {
  path.count_made(1);
  divert_from(path, std::move(p));
}

void Host::divert_from(Path& path, PacketPtr p) {
  path.count_away(p->total_length());
  send(std::move(p));
}

void Host::next_hop_failed(Path& path, Packet& about) {
  const uint8_t family = family_of(about);
  PacketPtr error;
  if (family == 4) error = make_icmp4_error(node_, about, icmp4::kHostUnreachable);
  if (family == 6) error = make_icmp6_error(node_, about, icmp6::kAddressUnreachable);
  if (error) send_from(path, std::move(error));
}

// --- Partner -----------------------------------------------------------------

Result<Opening> Host::open(std::string_view, Partner*, Opening) { return Opening{0}; }

void Host::close(Opening) {}

void Host::push(Opening, Pvec& v) {
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    stats_.tx_packets.add(1);
    stats_.tx_bytes.add(p->total_length());
    answer_and_drop(std::move(p));
  }
}

void Host::pull(Opening, Pvec&, size_t) {}

Result<Reply> Host::control(Opening, const Request& request) {
  if (std::holds_alternative<StatsRequest>(request)) return Reply(&std::as_const(stats_));
  if (std::holds_alternative<InfoRequest>(request)) {
    PartnerInfo info;
    info.driver = "host";
    info.device = "this node";
    info.mode = "in process";
    info.link = Link::kRaw;
    return Reply(std::move(info));
  }
  return Error{Code::kUnsupported, "the host knows no text commands"};
}

void Host::answer_and_drop(PacketPtr p) {
  // Without its headers, nobody can be told.
  if (p->flags & Packet::kHeaders) {
    const bool whole = p->data == p->window() + p->l4;  // no transport took its header off
    p->push(uint32_t(p->data - p->network_header()));
    const uint8_t family = family_of(*p);
    if (family != 0 && node_.kernel_answers(p->in_port, destination_of(*p, family), family)) {
      return drop(std::move(p), DropReason::kForKernel, stats_.drops);
    }
    if (family == 4) {
      // RFC 1122 section 3.2.2.1: port unreachable where ports are, else protocol.
      const uint8_t protocol = p->data[ip4::kProtocol];
      if (protocol == ip4::kIcmp) return drop(std::move(p), DropReason::kConsumed, stats_.drops);
      const auto bad = whole ? udp_fault(*p, protocol) : std::nullopt;
      if (bad) return drop(std::move(p), *bad, stats_.drops);
      const bool ports = protocol == ip4::kUdp || protocol == ip4::kTcp;
      // TCP's own answer is a reset (RFC 9293 section 3.10.7.1), of which only its
      // sender's connection is worse off; without TCP here, the error says the same.
      PacketPtr error =
          make_icmp4_error(node_, *p, ports ? icmp4::kPortUnreachable : icmp4::kProtocolUnreachable);
      if (error) send(std::move(error));
    }
    if (family == 6) {
      const Ip6Upper upper = find_ip6_upper(*p, uint32_t(p->l4 - p->l3));
      if (upper.protocol == ip6::kIcmp) return drop(std::move(p), DropReason::kConsumed, stats_.drops);
      const auto bad = whole && upper.whole ? udp_fault(*p, upper.protocol) : std::nullopt;
      if (bad) return drop(std::move(p), *bad, stats_.drops);
      const auto what = unclaimed6(upper);
      PacketPtr error = what ? make_icmp6_error(node_, *p, *what) : nullptr;
      if (error) send(std::move(error));
    }
  }
  drop(std::move(p), DropReason::kNoListener, stats_.drops);
}

}  // namespace weft
