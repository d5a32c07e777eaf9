// SPDX-License-Identifier: Apache-2.0
#include "modules/fusion.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/clock.h"
#include "modules/fusion_lane.h"
#include "modules/fusion_loop.h"
#include "modules/packet_edit.h"

namespace weft {

namespace {

constexpr uint32_t kIp6Header = 40;
constexpr uint8_t kHopByHop = 0;
// One pass in so many is timed; the others are charged by what its packets cost.
constexpr uint64_t kTimeEvery = 4;

// The module between the links.
bool is_ip6(const Path& path) { return path.spec().near.chain.back().name == "ip6"; }

bool for_us(const uint8_t* frame, uint64_t mac) { return (load<uint64_t>(frame) ^ mac) << 16 == 0; }

// RFC 1812 sections 5.2.1 to 5.3.1, for a header without options, but for its addresses;
// `length` bytes of the packet are there.
bool passable(const plain::Ip4& ip, uint32_t length) {
  return ip.total_length() - ip.kLength <= length - ip.kLength &&  // neither shorter than its header
         ip.checksum_good() && ip.ttl() > 1;
}
// RFC 8200 sections 3 and 4: and no header that the nodes on the way must read.
bool passable_ip6(const uint8_t* ip, uint32_t length) {
  return kIp6Header + load_be16(ip + 4) <= length && ip[6] != kHopByHop && ip[7] > 1 &&
         plain::ip6_ordinary(ip + 8) && plain::ip6_ordinary(ip + 24);
}

}  // namespace

// --- the transform -----------------------------------------------------------

Fusion::Fusion(const Fib& fib, const LocalAddresses& addresses, Sorter& slow,
               const TupleTable<NarrowFields>& narrow, const TupleTable<WideFields>& wide)
    : fib_(fib), addresses_(addresses), slow_(slow), narrow_(narrow), wide_(wide) {}

Fusion::~Fusion() = default;

void Fusion::add_port(const Port& port, OutPort& out) {
  if (ports_.size() <= port.number) ports_.resize(size_t{port.number} + 1);
  ports_[port.number] = std::make_unique<InPort>(InPort{.name = port.name,
                                                        .number = port.number,
                                                        .link = port.info.link,
                                                        .address = port.info.mac,
                                                        .out = &out});
}

Fusion::InPort* Fusion::find_port(std::string_view name) const {
  for (const auto& port : ports_) {
    if (port != nullptr && port->name == name) return port.get();
  }
  return nullptr;
}

// Nothing but links and one IP module, and nothing asked of them that the table does
// not say.
bool Fusion::guard(const Path& path) const {
  const PathSpec& spec = path.spec();
  if (!spec.cut() || path.tapped() || path.metered()) return false;
  if (!spec.near.attributes.empty() || !spec.far.attributes.empty()) return false;
  const InPort* in = find_port(spec.near.chain[0].name);
  const InPort* out = find_port(spec.far.chain[0].name);
  if (in == nullptr || out == nullptr) return false;

  std::vector<std::string_view> expected;
  if (in->link == Link::kEthernet) expected.emplace_back("eth");
  expected.emplace_back(is_ip6(path) ? "ip6" : "ip");
  if (out->link == Link::kEthernet) expected.emplace_back("eth");
  return std::equal(expected.begin(), expected.end(), path.stages().begin(), path.stages().end(),
                    [](std::string_view name, const auto& stage) { return stage->name == name; });
}

Fusion::Lane& Fusion::lane(const Path& path) const {
  InPort& in = *find_port(path.spec().near.chain[0].name);
  const InPort& out = *find_port(path.spec().far.chain[0].name);
  std::vector<Lane>& lanes = in.lanes[is_ip6(path) ? kIp6 : kIp4];
  if (lanes.size() <= out.number) lanes.resize(size_t{out.number} + 1);
  lanes[out.number].out = out.out;
  return lanes[out.number];
}

void Fusion::rewrite(Path& path) { lane(path).path = &path; }
void Fusion::undo(Path& path) {
  Lane& undone = lane(path);
  undone.settle(find_port(path.spec().near.chain[0].name)->cycles_per_packet);
  undone.path = nullptr;
  undone.open = nullptr;
}
void Fusion::settle() {
  for (const auto& port : ports_) {
    if (port != nullptr && port->passes != port->settled) port->settle();
  }
}

// --- the pass over a vector --------------------------------------------------

void Fusion::sort(uint16_t in_port, Pvec& v) {
  InPort& in = *ports_[in_port];
  const size_t packets = v.size();
  const bool timed = in.passes++ % kTimeEvery == 0;
  const uint64_t start = timed ? cycles() : 0;
  in.begin();
  in.link == Link::kEthernet ? pass<Link::kEthernet>(in, v) : pass<Link::kRaw>(in, v);
  if (timed && packets > v.size()) in.cycles_per_packet = (cycles() - start) / (packets - v.size());
  if (!v.empty()) slow_.sort(in_port, v);
}

// Forwards what it may; the rest stays in `v`, in order.
template <Link kLink>
void Fusion::pass(InPort& in, Pvec& v) const {
  const bool large = fib_.ip4.large();
  Pvec left;
  if (narrow_.filter().at_port(in.number).none()) {
    large ? run<kLink, false, true>(in, v, left) : run<kLink, false, false>(in, v, left);
  } else {
    large ? run<kLink, true, true>(in, v, left) : run<kLink, true, false>(in, v, left);
  }
  v.append(left);
}

// Each kind of loop is compiled by itself, so that it has the registers for itself.
template <Link kLink, bool kTuples, bool kLarge>
[[gnu::noinline]] void Fusion::run(InPort& in, Pvec& v, Pvec& left) const {
  Loop<kLink, kTuples, kLarge>(*this, in).pass(v, left);
}

// Forwards `n` packets of which four at once were not just plain.
template <Link kLink, bool kTuples, bool kLarge>
[[gnu::noinline]] void Fusion::forward_others(InPort& in, Packet* const* packets, size_t n,
                                              Pvec& left) const {
  if (n == 4 && Loop<kLink, kTuples, kLarge>(*this, in).template forward_four<true>(packets, left)) return;
  for (size_t i = 0; i < n; ++i) {
    if (!forward_one(in, *packets[i])) leave(in, *packets[i], left);
  }
}

// Forwards IP of either version, in any memory, to any link.  False: it is unchanged.
bool Fusion::forward_one(InPort& in, Packet& p) const {
  const uint32_t at = link_length(in.link);
  if (p.length < at + plain::Ip4::kLength || (p.flags & Packet::kOffload) || !p.writable()) return false;
  if (in.link == Link::kEthernet && !for_us(p.data, in.mac)) return false;
  const uint8_t* const ip = p.data + at;
  const auto link_brings = [&](uint16_t protocol) {  // a raw link does not say
    return in.link == Link::kRaw || load_be16(p.data + 12) == protocol;
  };
  if (ip[0] == 0x45 && link_brings(flow::kIp4)) return forward_one_ip4(in, p);
  if (ip[0] >> 4 == 6 && link_brings(flow::kIp6)) return forward_one_ip6(in, p);
  return false;
}

bool Fusion::forward_one_ip4(InPort& in, Packet& p) const {
  const uint32_t at = link_length(in.link), frame = p.total_length();
  uint8_t* const start = p.data + at;
  const plain::Ip4 ip(start);
  if (!passable(ip, frame - at) || !addresses_.may_forward(ip.source(), ip.destination())) return false;
  const NextHop& hop = fib_.next_hops[fib_.ip4.find(start + 16)];
  if (claimed_ip4(in, p, at)) return false;
  Lane* const lane = change_link(in, kIp4, p, hop, ip.total_length());
  if (lane == nullptr) return false;
  ip.decrement_ttl(start);
  lane->send(p, frame);
  return true;
}

bool Fusion::forward_one_ip6(InPort& in, Packet& p) const {
  const uint32_t at = link_length(in.link), frame = p.total_length();
  uint8_t* const ip = p.data + at;
  if (p.length < at + kIp6Header || !passable_ip6(ip, frame - at)) return false;
  const NextHop& hop = fib_.next_hops[fib_.ip6.find(ip + 24)];
  if (claimed_ip6(in, p, at)) return false;
  Lane* const lane = change_link(in, kIp6, p, hop, kIp6Header + load_be16(ip + 4));
  if (lane == nullptr) return false;
  --ip[7];
  lane->send(p, frame);
  return true;
}

// Gives a packet of `total` bytes of IP the link header of its next hop.  Null when it
// can't have it; it is then unchanged.
Fusion::Lane* Fusion::change_link(InPort& in, Family family, Packet& p, const NextHop& hop,
                                  uint32_t total) const {
  const uint32_t at = link_length(in.link);
  if (hop.kind != NextHop::kForward || total > hop.mtu) return nullptr;
  if (hop.link_length > at && p.headroom() < size_t{hop.link_length} - at) return nullptr;
  std::vector<Lane>& lanes = in.lanes[family];
  if (hop.out_port >= lanes.size() || lanes[hop.out_port].open == nullptr) return nullptr;
  uint8_t* const start = p.data + at - hop.link_length;
  std::memcpy(start, hop.header, hop.link_length);
  p.length += uint32_t(p.data - start);
  p.data = start;
  p.trim(hop.link_length + total);
  return &lanes[hop.out_port];
}

// Puts a packet that was not forwarded behind the others.  When the complete path may
// yet forward it, nothing behind it in the vector may overtake it on the same path.
[[gnu::noinline]] void Fusion::leave(InPort& in, Packet& p, Pvec& left) const {
  if (Lane* const lane = lane_of(in, p)) lane->open = nullptr;
  left.push_back(PacketPtr(&p));
}

// The lane that the routing table names for a packet; null when it ends here anyway.
Fusion::Lane* Fusion::lane_of(InPort& in, const Packet& p) const {
  const uint32_t at = link_length(in.link);
  uint8_t front[flow::kEthernetHeader + kIp6Header];
  const uint32_t there = read_bytes(p, 0, front, at + kIp6Header);
  const uint8_t* const ip = front + at;
  if (there < at + plain::Ip4::kLength) return nullptr;
  if (in.link == Link::kEthernet && !for_us(front, in.mac)) return nullptr;
  const bool is_ip6 = ip[0] >> 4 == 6;
  if (is_ip6 && there < at + kIp6Header) return nullptr;
  if (ip[is_ip6 ? 7 : 8] <= 1) return nullptr;
  const NextHop& hop = fib_.next_hops[is_ip6 ? fib_.ip6.find(ip + 24) : fib_.ip4.find(ip + 16)];
  std::vector<Lane>& lanes = in.lanes[is_ip6 ? kIp6 : kIp4];
  return hop.kind == NextHop::kForward && hop.out_port < lanes.size() ? &lanes[hop.out_port] : nullptr;
}

// --- tuples -------------------------------------------------------------------

bool Fusion::claimed_ip4(const InPort& in, Packet& p, uint32_t at) const {
  if (narrow_.empty()) return false;
  PacketFields f;
  if (!flow::read_ip4(p, at, p.length - at, f)) return true;
  f.narrow.in_port = in.number;
  return narrow_.find(f.narrow) != narrow_.kNone;
}

bool Fusion::claimed_ip6(const InPort& in, Packet& p, uint32_t at) const {
  if (wide_.empty()) return false;
  PacketFields f;
  if (!flow::read_ip6(p, at, p.length - at, f)) return true;
  f.wide.in_port = in.number;
  return wide_.find(f.wide) != wide_.kNone;
}

}  // namespace weft
