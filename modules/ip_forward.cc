// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_forward.h"

#include <algorithm>
#include <cstring>

#include "modules/four_packets.h"
#include "modules/ip4_header.h"
#include "modules/ip_input.h"
#include "modules/plain_ip.h"
#include "modules/plain_packet.h"

namespace weft {

// Forwards what is in no way out of the ordinary, in place.  A loop keeps one: what it
// writes into packets could, for all that the compiler knows, be a change of the node.
class IpForward::Plain {
 public:
  explicit Plain(const IpForward& stage)
      : hops_(stage.node_.fib.next_hops.data()),
        addresses_(stage.node_.addresses),
        out_port_(stage.out_.number),
        mtu_(stage.out_.info.mtu) {}

  // Up to the first that is not, which it returns.
  Packet* const* operator()(Packet* const* first, Packet* const* last) const {
    while (last - first >= 4 && forward_four(first)) first += 4;
    while (first != last && forward(**first)) ++first;
    return first;
  }

 private:
  static constexpr uint16_t kUnusual =
      Packet::kOrigin | Packet::kHeaders | Packet::kLinkGroup | Packet::kOffload;

  // False when they are left as they were, for one of them is not plain, or may not be.
  [[gnu::always_inline]] bool forward_four(Packet* const* p) const {
    using namespace plain;
    const FourPackets four(p);
    if (!everywhere(four.plain<kUnusual>() & above(four.length(), all_of(FourIp4::kLength - 1))))
      return false;
    uint8_t* const at[] = {p[0]->data, p[1]->data, p[2]->data, p[3]->data};
    const NextHop* const hop[] = {&hops_[p[0]->next_hop], &hops_[p[1]->next_hop], &hops_[p[2]->next_hop],
                                  &hops_[p[3]->next_hop]};
    const FourIp4 ip(at);
    const FourLeads lead(hop);
    const Words mtu = lead.mtu() | (Words(lead.mtu() == 0) & mtu_);
    const Mask good = Mask(four.length() == ip.total_length()) & ip.without_options() & ip.passable() &
                      lead.forwards_to(out_port_);
    const Mask bad = ip.martian() | above(four.length(), mtu);
    if (!everywhere(good & ~bad) || addresses_.any_perhaps_listed(ip.source())) return false;
    const Words ttl = ip.decremented_ttl();
    for (size_t k = 0; k < 4; ++k) store(at[k] + ip4::kTtl, ttl[k]);
    return true;
  }

  // False when the packet is left as it was.
  [[gnu::always_inline]] bool forward(Packet& p) const {
    const Front front(p);
    if (front.length() < ip4::kMinHeader || !front.plain<kUnusual>() || p.references != 1) return false;
    const plain::Ip4 ip(p.data);
    if (!ip.without_options() || front.length() != ip.total_length() || !ip.checksum_good()) return false;
    if (ip.ttl() <= 1 || !addresses_.may_forward(ip.source(), ip.destination())) return false;
    const Lead lead(hops_[p.next_hop]);
    if (!lead.forwards_to(out_port_)) return false;
    if (front.length() > (lead.mtu() != 0 ? lead.mtu() : mtu_)) return false;
    ip.decrement_ttl(p.data);
    return true;
  }

  const NextHop* const hops_;
  const LocalAddresses& addresses_;
  const uint16_t out_port_;
  const uint32_t mtu_;
};

void IpForward::deliver(Dir dir, Pvec& v) {
  forward_all(dir, v, Plain(*this), [this](PacketPtr p, Pvec& out) { forward(std::move(p), out); });
}

uint32_t IpForward::mtu(const NextHop& hop) const {
  return hop.out_port == out_.number && hop.mtu != 0 ? hop.mtu : out_.info.mtu;
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
  if (!by_fields_ && !hop.leads_on()) {
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
  plain::Ip4(p->data).decrement_ttl(p->data);
  finish_ip4_options(node_, out_.number, options, p->data);
  if (cut) {
    fragment(Dir::kForward, std::move(p), limit, out);
  } else {
    append(Dir::kForward, std::move(p), out);
  }
}

}  // namespace weft
