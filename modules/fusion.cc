// SPDX-License-Identifier: Apache-2.0
#include "modules/fusion.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/clock.h"
#include "modules/flow.h"
#include "modules/packet_edit.h"
#include "modules/plain_ip.h"
#include "modules/plain_packet.h"
#include "partner/pool.h"

namespace weft {

namespace {

constexpr uint32_t kIp6Header = 40;
constexpr uint8_t kHopByHop = 0;

// How far ahead the CPU is asked for a packet, and for its entry of the table.
constexpr size_t kPacketAhead = Pvec::kLookahead;
constexpr size_t kEntryAhead = 12;
constexpr size_t kFindAhead = 4;
// One pass in so many is timed; the others are charged by what its packets cost.
constexpr uint64_t kTimeEvery = 4;

constexpr uint8_t link_length(Link link) {
  return link == Link::kEthernet ? uint8_t{flow::kEthernetHeader} : 0;
}

// The module between the links.
bool is_ip6(const Path& path) { return path.spec().near.chain.back().name == "ip6"; }

}  // namespace

// What passed on a lane in one pass: packets, and bytes in and out, in one word, so that
// counting costs one addition.  A vector holds at most 64 packets of 65549 bytes.
class Tally {
 public:
  void add(uint32_t in_bytes, uint32_t out_bytes) {
    word_ += uint64_t{1} << 48 | uint64_t{out_bytes} << 24 | in_bytes;
  }
  uint64_t packets() const { return word_ >> 48; }
  uint64_t out_bytes() const { return word_ >> 24 & 0xffffff; }
  uint64_t in_bytes() const { return word_ & 0xffffff; }

 private:
  static_assert(Pvec::kCapacity * (0xffff + flow::kEthernetHeader) < 1 << 24);
  uint64_t word_ = 0;
};

// One path, as the loop sees it.
struct Fusion::Lane {
  OutPort* open = nullptr;  // where packets may pass to without overtaking; null: they may not
  Tally tally;
  Path* path = nullptr;  // null: not fused
  OutPort* out = nullptr;

  void begin() {
    open = path->in_queue(End::kNear).empty() && path->out_queue(End::kFar).empty() ? out : nullptr;
  }

  // Takes over a finished packet.
  void send(Packet& p, uint32_t in_length, uint32_t out_length) {
    if (!open->append(&p)) [[unlikely]]
      return wait(p, in_length);
    tally.add(in_length, out_length);
  }
  // The device refused it: it goes to the out queue, and others behind it.
  [[gnu::noinline]] void wait(Packet& p, uint32_t in_length) {
    open = nullptr;
    Pvec one;
    one.push_back(PacketPtr(&p));
    path->count_in(1, in_length);
    path->leave(End::kFar, one);
  }
  // Tells the path what passed.
  void settle(uint64_t cycles_per_packet) {
    path->count_fused(tally.packets(), tally.in_bytes(), tally.out_bytes());
    path->account().charge_cycles(tally.packets() * cycles_per_packet);
    path->account().charge_bits(tally.out_bytes() * 8);
    tally = {};
  }
};

struct Fusion::InPort {
  std::string name;
  uint16_t number;
  Link link;
  uint64_t mac;  // of the device, as the first bytes of a frame are loaded, without the rest
  OutPort* out;
  std::array<std::vector<Lane>, kFamilies> lanes;  // by out port
  uint64_t passes = 0;
  uint64_t cycles_per_packet = 0;  // of the last pass that was timed

  template <typename F>
  void each_fused(F f) {
    for (std::vector<Lane>& of_family : lanes) {
      for (Lane& lane : of_family) {
        if (lane.path != nullptr) f(lane);
      }
    }
  }
  void settle();
};

// Tells each lane's path what passed.
void Fusion::InPort::settle() {
  each_fused([this](Lane& lane) {
    if (lane.tally.packets() != 0) lane.settle(cycles_per_packet);
  });
}

// --- the transform -----------------------------------------------------------

Fusion::Fusion(const Fib& fib, const LocalAddresses& addresses, Sorter& slow,
               const TupleTable<NarrowFields>& narrow, const TupleTable<WideFields>& wide)
    : fib_(fib), addresses_(addresses), slow_(slow), narrow_(narrow), wide_(wide) {}

Fusion::~Fusion() = default;

void Fusion::add_port(const Port& port, OutPort& out) {
  if (ports_.size() <= port.number) ports_.resize(size_t{port.number} + 1);
  uint64_t mac = 0;
  std::memcpy(&mac, port.info.mac.data(), port.info.mac.size());
  ports_[port.number] =
      std::make_unique<InPort>(InPort{port.name, port.number, port.info.link, mac, &out, {}});
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
  lane(path).path = nullptr;
  lane(path).open = nullptr;
}

// --- the loop ----------------------------------------------------------------

// One pass over a vector.
//
// What it reads for every packet it keeps a copy of: the bytes that are written into
// packets could, for all that the compiler knows, be anything else.
template <Link kLink, bool kTuples, bool kLarge>
class Fusion::Loop {
 public:
  Loop(const Fusion& fusion, InPort& in)
      : fusion_(fusion),
        in_(in),
        ip4_(fusion.fib_.ip4.reader()),
        ip6_(fusion.fib_.ip6.reader()),
        hops_(fusion.fib_.next_hops.data()),
        addresses_(fusion.addresses_),
        narrow_(fusion.narrow_),
        lanes_{in.lanes[kIp4].data(), in.lanes[kIp6].data()},
        lane_count_{in.lanes[kIp4].size(), in.lanes[kIp6].size()},
        mac_(in.mac),
        shapes_(narrow_.filter().at_port(in.number)) {}

  // Forwards plain IPv4 in plain memory.  Takes all packets: what it leaves is in
  // `left`, in order.
  [[gnu::always_inline]] void pass_plain(Pvec& v, Pvec& left) {
    in_.each_fused([](Lane& lane) { lane.begin(); });
    v.guard_end();
    Packet* const* const packets = v.begin();
    const size_t n = v.size();
    for (size_t i = 0; i < kPacketAhead; ++i) Packet::prefetch(packets[i]);
    for (size_t i = 0; i < kEntryAhead; ++i) look_ahead(*packets[i]);
    uint16_t found[Pvec::kCapacity + kFindAhead];  // by ip4_
    for (size_t i = 0; i < kFindAhead; ++i) found[i] = find(*packets[i]);
    for (size_t i = 0; i < n; ++i) {
      Packet::prefetch(packets[i + kPacketAhead]);
      look_ahead(*packets[i + kEntryAhead]);
      found[i + kFindAhead] = find(*packets[i + kFindAhead]);
      if (!forward_plain(*packets[i], found[i])) [[unlikely]]
        fusion_.leave(in_, *packets[i], left);
    }
    v.release_all();
  }

  // The same for what that left: IPv6, and unusual memory.
  [[gnu::always_inline]] void pass_other(Pvec& v, Pvec& left) {
    in_.each_fused([](Lane& lane) { lane.begin(); });
    Packet* const* const packets = v.begin();
    const size_t n = v.size();
    for (size_t i = 0; i < n; ++i) {
      if (!forward_other(*packets[i])) fusion_.leave(in_, *packets[i], left);
    }
    v.release_all();
  }

 private:
  static constexpr uint8_t kAt = link_length(kLink);  // where the IP header begins

  // Asks for the entry of the table that an IPv4 packet's destination will need.  Few
  // routes stay in the cache by themselves.
  [[gnu::always_inline]] void look_ahead(const Packet& p) const {
    if (kLarge && p.length >= kAt + plain::Ip4::kLength) ip4_.prefetch(p.data + kAt + 16);
  }

  // The table's answer for an IPv4 packet.
  [[gnu::always_inline]] uint16_t find(const Packet& p) const {
    return p.length < kAt + plain::Ip4::kLength ? 0 : ip4_.find(p.data + kAt + 16);
  }

  // Forwards a plain IPv4 packet to a link like its own.  False: it is unchanged, and
  // still the caller's.
  [[gnu::always_inline]] bool forward_plain(Packet& p, uint16_t found) const {
    const Front front(p);
    if (front.length() < kAt + plain::Ip4::kLength || !front.plain<Packet::kOffload>() || p.references != 1)
        [[unlikely]]
      return false;
    uint8_t* const start = p.data;
    uint8_t* const at = start + kAt;
    const plain::Ip4 ip(at);
    if (!for_us(start) || !is(start, flow::kIp4) || !ip.without_options()) [[unlikely]]
      return false;
    const uint32_t total = ip.total_length();
    if (!passable(ip, front.length() - kAt)) [[unlikely]]
      return false;
    if (!addresses_.plainly_may_forward(ip.source(), ip.destination())) [[unlikely]]
      return false;
    const NextHop& hop = hops_[found];
    const Lead lead(hop);
    if (!lead.forwards(kAt) || total > lead.mtu()) [[unlikely]]
      return false;
    if constexpr (kTuples) {
      const auto& filter = narrow_.filter();
      if ((filter.candidates(ip.source_octet(2), ip.destination_octet(2), ip.protocol()) & shapes_) != 0 &&
          claimed(p)) {
        return false;
      }
    }
    Lane* const lane = open_lane(kIp4, lead.out_port());
    if (lane == nullptr) [[unlikely]]
      return false;

    p.length = kAt + total;  // without the link's padding
    if constexpr (kAt != 0) copy_ethernet_header(start, hop);
    ip.decrement_ttl(at);
    lane->send(p, front.length(), kAt + total);
    return true;
  }

  // Whether a tuple may want a packet, so that the demux must decide.
  bool claimed(const Packet& p) const {
    NarrowFields tuple;
    return !flow::read_ip4_tuple(p, kAt, in_.number, tuple) || narrow_.find(tuple) != narrow_.kNone;
  }

  // RFC 1812 sections 5.2.1 to 5.3.1, for a header without options, but for its addresses;
  // `length` bytes of the packet are there.
  [[gnu::always_inline]] static bool passable(const plain::Ip4& ip, uint32_t length) {
    return ip.total_length() - ip.kLength <= length - ip.kLength &&  // neither shorter than its header
           ip.checksum_good() && ip.ttl() > 1;
  }
  // RFC 8200 sections 3 and 4: and no header that the nodes on the way must read.
  static bool passable_ip6(const uint8_t* ip, uint32_t length) {
    return kIp6Header + load_be16(ip + 4) <= length && ip[6] != kHopByHop && ip[7] > 1 &&
           plain::ip6_ordinary(ip + 8) && plain::ip6_ordinary(ip + 24);
  }

  // Forwards IP of either version, in any memory, to any link.
  bool forward_other(Packet& p) const {
    if (p.length < kAt + plain::Ip4::kLength || (p.flags & Packet::kOffload) || !p.writable()) return false;
    if (!for_us(p.data)) return false;
    uint8_t* const ip = p.data + kAt;
    const uint32_t frame = p.total_length();
    if (ip[0] == 0x45 && is(p.data, flow::kIp4)) {
      const plain::Ip4 header(ip);
      if (!passable(header, frame - kAt)) return false;
      if (!addresses_.may_forward(header.source(), header.destination())) return false;
      const NextHop& hop = hops_[ip4_.find(ip + 16)];
      if (fusion_.claimed_ip4(in_, p, kAt)) return false;
      Lane* const lane = change_link(p, hop, kIp4, header.total_length());
      if (lane == nullptr) return false;
      header.decrement_ttl(ip);
      lane->send(p, frame, p.total_length());
      return true;
    }
    if (ip[0] >> 4 == 6 && is(p.data, flow::kIp6) && p.length >= kAt + kIp6Header) {
      if (!passable_ip6(ip, frame - kAt)) return false;
      const NextHop& hop = hops_[ip6_.find(ip + 24)];
      if (fusion_.claimed_ip6(in_, p, kAt)) return false;
      Lane* const lane = change_link(p, hop, kIp6, kIp6Header + load_be16(ip + 4));
      if (lane == nullptr) return false;
      --ip[7];
      lane->send(p, frame, p.total_length());
      return true;
    }
    return false;
  }

  // Null when nothing may pass there.
  [[gnu::always_inline]] Lane* open_lane(Family family, uint16_t out_port) const {
    if (out_port >= lane_count_[family]) return nullptr;
    Lane& lane = lanes_[family][out_port];
    return lane.open != nullptr ? &lane : nullptr;
  }

  // Gives a packet of `total` bytes of IP the link header of its next hop.  Null when it
  // can't have it; it is then unchanged.
  Lane* change_link(Packet& p, const NextHop& hop, Family family, uint32_t total) const {
    if (hop.kind != NextHop::kForward || total > hop.mtu) return nullptr;
    if (hop.link_length > kAt && p.headroom() < size_t{hop.link_length} - kAt) return nullptr;
    Lane* const lane = open_lane(family, hop.out_port);
    if (lane == nullptr) return nullptr;
    uint8_t* const start = p.data + kAt - hop.link_length;
    std::memcpy(start, hop.header, hop.link_length);
    p.length += uint32_t(p.data - start);
    p.data = start;
    p.trim(hop.link_length + total);
    return lane;
  }

  static void copy_ethernet_header(uint8_t* at, const NextHop& hop) {
    store(at, load<uint64_t>(hop.header));
    store(at + 6, load<uint64_t>(hop.header + 6));
  }

  // Whether the link brought a frame to this node.
  [[gnu::always_inline]] bool for_us(const uint8_t* frame) const {
    return kLink != Link::kEthernet || (load<uint64_t>(frame) ^ mac_) << 16 == 0;
  }
  // Whether it carries that protocol; a raw link does not say.
  [[gnu::always_inline]] static bool is(const uint8_t* frame, uint16_t protocol) {
    return kLink != Link::kEthernet || load<uint16_t>(frame + 12) == swap_be(protocol);
  }

  const Fusion& fusion_;
  InPort& in_;
  const Lpm<4>::Reader ip4_;
  const Lpm<16>::Reader ip6_;
  const NextHop* const hops_;
  const LocalAddresses& addresses_;
  const TupleTable<NarrowFields>& narrow_;
  Lane* const lanes_[kFamilies];
  const size_t lane_count_[kFamilies];
  const uint64_t mac_;
  const TupleFilter::Shapes shapes_;  // that may match what comes in here
};

// Two loops, each small enough for the registers: the second is for what the first leaves.
template <Link kLink, bool kTuples, bool kLarge>
[[gnu::noinline]] void Fusion::pass_plain(InPort& in, Pvec& v, Pvec& left) const {
  Loop<kLink, kTuples, kLarge>(*this, in).pass_plain(v, left);
}
template <Link kLink>
[[gnu::noinline]] void Fusion::pass_other(InPort& in, Pvec& v, Pvec& left) const {
  Loop<kLink, true, true>(*this, in).pass_other(v, left);
}
// Forwards what it may; the rest stays in `v`, in order.
template <Link kLink>
void Fusion::pass(InPort& in, Pvec& v) const {
  const bool large = fib_.ip4.large();
  Pvec left;
  if (narrow_.filter().at_port(in.number) == 0) {
    large ? pass_plain<kLink, false, true>(in, v, left) : pass_plain<kLink, false, false>(in, v, left);
  } else {
    large ? pass_plain<kLink, true, true>(in, v, left) : pass_plain<kLink, true, false>(in, v, left);
  }
  if (!left.empty()) pass_other<kLink>(in, left, v);
}

void Fusion::sort(uint16_t in_port, Pvec& v) {
  InPort& in = *ports_[in_port];
  const size_t packets = v.size();
  const bool timed = in.passes++ % kTimeEvery == 0;
  const uint64_t start = timed ? cycles() : 0;
  in.link == Link::kEthernet ? pass<Link::kEthernet>(in, v) : pass<Link::kRaw>(in, v);
  if (timed && packets > v.size()) in.cycles_per_packet = (cycles() - start) / (packets - v.size());
  in.settle();
  if (!v.empty()) slow_.sort(in_port, v);
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
  if (in.link == Link::kEthernet && (load<uint64_t>(front) ^ in.mac) << 16 != 0) return nullptr;
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
