// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_forward.h"

#include <algorithm>
#include <cstring>

#include "modules/checksum.h"
#include "modules/ip4_header.h"
#include "modules/ip_input.h"

namespace weft {

namespace {

// RFC 1812 section 5.3.1, RFC 1624.
void lower_ttl(uint8_t* h) {
  const auto before = load<uint16_t>(h + ip4::kTtl);
  --h[ip4::kTtl];
  store(h + ip4::kChecksum,
        adjust_checksum(load<uint16_t>(h + ip4::kChecksum), before, load<uint16_t>(h + ip4::kTtl)));
}

}  // namespace

void IpForward::deliver(Dir dir, Pvec& v) {
  static_assert(Pvec::kCapacity <= 64);
  uint64_t special = 0;
  if (dir == Dir::kForward) {
    for (size_t i = 0; i < v.size(); ++i) special |= uint64_t{!forward_plain(*v[i])} << i;
  } else {
    special = ~uint64_t{0};
  }
  if (special == 0) return hand_on(dir, v);

  Pvec out;
  for (size_t i = 0; !v.empty(); ++i) {
    PacketPtr p = v.pop_front();
    if ((special >> i & 1) == 0) {
      append(dir, std::move(p), out);
    } else if (dir == Dir::kForward) {
      forward(std::move(p), out);
    } else {
      drop(std::move(p), DropReason::kNoPath);  // the far side only sends
    }
  }
  hand_on(dir, out);
}

uint32_t IpForward::mtu(const NextHop& hop) const {
  return hop.out_port == out_.number && hop.mtu != 0 ? hop.mtu : out_.info.mtu;
}

bool IpForward::forward_plain(Packet& p) const {
  uint8_t* h = p.data;
  if (p.length < ip4::kMinHeader || h[0] != 0x45 || !p.writable()) return false;
  if (p.segs != 1 || p.length != ip4::total_length(h)) return false;
  if (p.flags & (Packet::kOrigin | Packet::kHeaders | Packet::kLinkGroup | Packet::kOffload)) return false;
  if (fold(add_checksum(0, h, ip4::kMinHeader)) != 0xffff || h[ip4::kTtl] <= 1) return false;
  const NextHop& hop = node_.fib.next_hops[p.next_hop];
  if (hop.kind != NextHop::kForward || hop.out_port != out_.number || p.length > mtu(hop)) return false;
  const uint32_t destination = ip4::destination(h);
  if (!ip4::is_unicast(destination) || node_.is_directed_broadcast(destination)) return false;
  if (check_ip4_addresses(node_, p)) return false;
  p.l3 = uint16_t(p.data - p.window());
  p.l4 = uint16_t(p.l3 + ip4::kMinHeader);
  lower_ttl(h);
  return true;
}

void IpForward::forward(PacketPtr p, Pvec& out) {
  if (auto bad = check_ip4_header(node_.pool, p)) return drop(std::move(p), *bad);
  if (auto bad = check_ip4_addresses(node_, *p)) return drop(std::move(p), *bad);
  // RFC 1812 section 5.3.5: broadcasts stay on their link; section 5.3.5.2: directed
  // broadcast is off (RFC 2644); section 5.2.1.3: multicast needs a multicast router.
  const uint32_t destination = ip4::destination(p->data);
  if (!ip4::is_unicast(destination) || node_.is_directed_broadcast(destination)) {
    return drop(std::move(p), DropReason::kMartianDestination);
  }
  if (p->next_hop == Packet::kNoNextHop) {
    Address to{};
    std::memcpy(to.data(), p->data + ip4::kDestination, 4);
    p->next_hop = node_.route(to, 4);
  }
  Ip4Options options;
  if (has_ip4_options(p->data)) {
    // Options are written into; so the header must be the packet's own.
    if (!node_.pool.unshare_front(p, ip4::header_length(p->data))) {
      return drop(std::move(p), DropReason::kPoolExhausted);
    }
    options = take_ip4_options(node_, p->in_port, p->data);
    if (options.bad) {
      // RFC 1812 section 4.3.3.5: a parameter problem.
      return refuse(std::move(p), icmp4::parameter_problem(options.problem_at), DropReason::kBadOptions);
    }
    // Source routes are refused: RFC 1812 section 5.3.13.4 allows it, RFC 7126 sections
    // 4.3 and 4.4 ask for it.  Silently, as Linux does.
    if (options.source_route) return drop(std::move(p), DropReason::kBadOptions);
  }
  send_on(std::move(p), options, out);
}

void IpForward::send_on(PacketPtr p, const Ip4Options& options, Pvec& out) {
  const NextHop& hop = node_.fib.next_hops[p->next_hop];
  if (!by_fields_ && hop.kind != NextHop::kForward && hop.kind != NextHop::kResolve) {
    return refuse_route(std::move(p), hop.kind);
  }
  // RFC 1812 section 5.3.4: not what came as a broadcast of the link.
  if (p->flags & Packet::kLinkGroup) return drop(std::move(p), DropReason::kNotForUs);
  // RFC 1812 section 5.3.1: checked by the router that would lower it to 0.
  if (p->data[ip4::kTtl] <= 1) {
    return refuse(std::move(p), icmp4::kTtlExpired, DropReason::kTtlExpired);
  }
  // RFC 1812 section 5.2.6; RFC 1191 section 4.
  const uint32_t limit = mtu(hop);
  const uint32_t length = p->total_length();
  const bool cut = length > limit && !segments_fit(*p, limit);
  const bool super = (p->flags & Packet::kOffload) && p->offload().segment_size != 0;
  if (cut && (ip4::dont_fragment(p->data) || super)) {
    const auto told = uint16_t(std::min(limit, ip4::kMaxPacket));
    return refuse(std::move(p), icmp4::fragmentation_needed(told), DropReason::kTooBig);
  }
  if (!node_.pool.unshare_front(p, ip4::header_length(p->data))) {
    return drop(std::move(p), DropReason::kPoolExhausted);
  }
  lower_ttl(p->data);
  finish_ip4_options(node_, out_.number, options, p->data);
  if (cut) {
    fragment(Dir::kForward, std::move(p), limit, out);
  } else {
    append(Dir::kForward, std::move(p), out);
  }
}

}  // namespace weft
