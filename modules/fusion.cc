// SPDX-License-Identifier: Apache-2.0
#include "modules/fusion.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "base/clock.h"
#include "modules/flow.h"
#include "modules/packet_edit.h"
#include "modules/plain_ip.h"
#include "partner/pool.h"

namespace weft {

namespace {

constexpr size_t kIp4Header = 20;
constexpr size_t kIp6Header = 40;
constexpr uint8_t kHopByHop = 0;

// How far ahead the CPU is asked for a packet, and for its entry of the table.
constexpr size_t kPacketAhead = Pvec::kLookahead;
constexpr size_t kEntryAhead = 12;

constexpr uint64_t kMacMask = 0x0000ffffffffffff;

constexpr size_t link_length(Link link) { return link == Link::kEthernet ? flow::kEthernetHeader : 0; }

// A packet whose first Seg may be written in place, and whose bytes are as they were
// on the wire.
inline bool in_place(const Packet& p) {
  constexpr uint16_t kUnusual = Packet::kShares | Packet::kForeign | Packet::kOffload;
  if ((p.flags & kUnusual) == 0 && p.references == 1) [[likely]]
    return true;
  return (p.flags & Packet::kOffload) == 0 && p.writable();
}

inline void write_link_header(uint8_t* at, const NextHop& hop) {
  if (hop.link_length == flow::kEthernetHeader) [[likely]] {
    store(at, load<uint64_t>(hop.header));
    store(at + 6, load<uint64_t>(hop.header + 6));
  } else {
    std::memcpy(at, hop.header, hop.link_length);
  }
}

enum Family : size_t { kIp4, kIp6, kFamilies };

// The module between the links.
Family family_of(const Path& path) { return path.spec().near.chain.back().name == "ip6" ? kIp6 : kIp4; }

}  // namespace

// One fused path, and what passed on it since it was last settled.
struct Fusion::Lane {
  Path* path = nullptr;    // null: not fused, or closed
  Path* closed = nullptr;  // what `path` will be again when the pass is over
  OutPort* out = nullptr;
  uint64_t packets = 0;
  uint64_t in_bytes = 0;
  uint64_t out_bytes = 0;

  // Whether a packet may pass without overtaking.
  bool open() const {
    return path != nullptr && path->in_queue(End::kNear).empty() && path->out_queue(End::kFar).empty();
  }
  // Lets nothing pass until reopen().
  void close() {
    if (path != nullptr) closed = std::exchange(path, nullptr);
  }
  void reopen() {
    if (closed != nullptr) path = std::exchange(closed, nullptr);
  }
  // Takes over a finished packet.
  void send(Packet& p, uint32_t in_length, uint32_t out_length) {
    if (!out->append(&p)) [[unlikely]] {
      wait(p, in_length);
      return;
    }
    ++packets;
    in_bytes += in_length;
    out_bytes += out_length;
  }
  // The device refused it: it goes to the out queue, and others behind it.
  void wait(Packet& p, uint32_t in_length) {
    Pvec one;
    one.push_back(PacketPtr(&p));
    path->count_in(1, in_length);
    path->leave(End::kFar, one);
  }
  // Tells the path what passed.
  void settle(uint64_t cycles_per_packet) {
    path->count_fused(packets, in_bytes, out_bytes);
    path->account().charge_cycles(packets * cycles_per_packet);
    path->account().charge_bits(out_bytes * 8);
    packets = in_bytes = out_bytes = 0;
  }
};

struct Fusion::InPort {
  std::string name;
  uint16_t number;
  Link link;
  uint64_t mac;  // as the first bytes of a frame are loaded
  OutPort* out;
  std::vector<Lane> lanes;  // by out port and family, see index()
  size_t fused = 0;         // lanes that have a path
  uint64_t touched = 0;     // bit i: some lane i, i + 64, ... has something to settle
  bool any_closed = false;  // some lane is

  static size_t index(uint16_t out_port, Family family) { return size_t{out_port} * kFamilies + family; }

  void reopen();
  void settle(uint64_t cycles);
};

// What a packet is due, when it is plainly to be forwarded.
struct Fusion::Verdict {
  const NextHop* hop = nullptr;  // null: leave it to the complete path
  uint32_t total = 0;            // its length as the header says it
};

void Fusion::InPort::reopen() {
  if (!std::exchange(any_closed, false)) return;
  for (Lane& lane : lanes) lane.reopen();
}

// Shares the cycles of a pass among the lanes by packets.
void Fusion::InPort::settle(uint64_t cycles) {
  const auto each_touched = [this](auto f) {
    for (uint64_t bits = touched; bits != 0; bits &= bits - 1) {
      for (size_t i = size_t(std::countr_zero(bits)); i < lanes.size(); i += 64) {
        if (lanes[i].packets != 0) f(lanes[i]);
      }
    }
  };
  uint64_t packets = 0;
  each_touched([&](const Lane& lane) { packets += lane.packets; });
  if (packets == 0) return;
  const uint64_t per_packet = cycles / packets;
  each_touched([&](Lane& lane) { lane.settle(per_packet); });
  touched = 0;
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
  if (!spec.cut() || path.tapped()) return false;
  if (!spec.near.attributes.empty() || !spec.far.attributes.empty()) return false;
  const InPort* in = find_port(spec.near.chain[0].name);
  const InPort* out = find_port(spec.far.chain[0].name);
  if (in == nullptr || out == nullptr) return false;

  std::vector<std::string_view> expected;
  if (in->link == Link::kEthernet) expected.emplace_back("eth");
  expected.emplace_back(family_of(path) == kIp6 ? "ip6" : "ip");
  if (out->link == Link::kEthernet) expected.emplace_back("eth");
  return std::equal(expected.begin(), expected.end(), path.stages().begin(), path.stages().end(),
                    [](std::string_view name, const auto& stage) { return stage->name == name; });
}

Fusion::Lane& Fusion::lane(const Path& path) const {
  InPort& in = *find_port(path.spec().near.chain[0].name);
  const InPort& out = *find_port(path.spec().far.chain[0].name);
  const size_t i = InPort::index(out.number, family_of(path));
  if (in.lanes.size() <= i) in.lanes.resize(i + 1);
  in.lanes[i].out = out.out;
  return in.lanes[i];
}

void Fusion::rewrite(Path& path) { lane(path).path = &path; }
void Fusion::undo(Path& path) { lane(path).path = nullptr; }

// --- the loop ----------------------------------------------------------------

void Fusion::sort(uint16_t in_port, Pvec& v) {
  InPort& in = *ports_[in_port];
  const uint64_t start = cycles();
  Pvec rest;
  if (in.link == Link::kEthernet) {
    pass<Link::kEthernet>(in, v, rest);
  } else {
    pass<Link::kRaw>(in, v, rest);
  }
  in.reopen();
  in.settle(cycles() - start);
  if (!rest.empty()) slow_.sort(in_port, rest);
}

template <Link kLink>
void Fusion::pass(InPort& in, Pvec& v, Pvec& rest) const {
  const size_t n = v.size();
  Packet* const* packets = v.begin();
  for (size_t i = 0; i < kPacketAhead; ++i) Packet::prefetch(packets[i]);
  for (size_t i = 0; i < std::min(n, kEntryAhead); ++i) look_ahead<kLink>(*packets[i]);
  for (size_t i = 0; i < n; ++i) {
    Packet::prefetch(packets[i + kPacketAhead]);
    look_ahead<kLink>(*packets[std::min(i + kEntryAhead, n - 1)]);
    if (forward<kLink>(in, *packets[i])) continue;
    close_lane_of<kLink>(in, *packets[i]);
    rest.push_back(PacketPtr(packets[i]));
  }
  v.release_all();
}

// Asks for the entry of the table that the packet's destination will need.
template <Link kLink>
inline void Fusion::look_ahead(const Packet& p) const {
  constexpr size_t kAt = link_length(kLink);
  if (p.length < kAt + kIp4Header) return;
  const uint8_t* ip = p.data + kAt;
  if (ip[0] >> 4 == 4) [[likely]] {
    fib_.ip4.prefetch(ip + 16);
  } else if (p.length >= kAt + kIp6Header) {
    fib_.ip6.prefetch(ip + 24);
  }
}

// Closes the lane that a packet would have taken, if the complete path may yet forward
// it there: nothing behind it in the Pvec is then fused into that path.
template <Link kLink>
[[gnu::noinline]] void Fusion::close_lane_of(InPort& in, const Packet& p) const {
  constexpr size_t kAt = link_length(kLink);
  uint8_t front[kAt + kIp6Header];
  const uint32_t there = read_bytes(p, 0, front, sizeof front);
  const uint8_t* const ip = front + kAt;
  if (there < kAt + kIp4Header) return;
  if (kLink == Link::kEthernet && (load<uint64_t>(front) & kMacMask) != in.mac) return;
  const bool is_ip6 = ip[0] >> 4 == 6;
  if (is_ip6 && there < kAt + kIp6Header) return;
  if (ip[is_ip6 ? 7 : 8] <= 1) return;
  const NextHop& hop = fib_.next_hops[is_ip6 ? fib_.ip6.find(ip + 24) : fib_.ip4.find(ip + 16)];
  const size_t index = InPort::index(hop.out_port, is_ip6 ? kIp6 : kIp4);
  if (hop.kind != NextHop::kForward || index >= in.lanes.size()) return;
  in.lanes[index].close();
  in.any_closed = true;
}

// Forwards a packet.  False: it is unchanged, and still the caller's.
template <Link kLink>
inline bool Fusion::forward(InPort& in, Packet& p) const {
  constexpr size_t kAt = link_length(kLink);
  if (p.length < kAt + kIp4Header || !in_place(p)) [[unlikely]]
    return false;
  uint8_t* const ip = p.data + kAt;
  bool is_ip4, is_ip6;
  if constexpr (kLink == Link::kEthernet) {
    if ((load<uint64_t>(p.data) & kMacMask) != in.mac) [[unlikely]]
      return false;
    const uint32_t type_and_first = load<uint32_t>(p.data + 12);  // EtherType, version, IHL
    is_ip4 = (type_and_first & 0xffffff) == 0x450008;
    is_ip6 = (type_and_first & 0xf0ffff) == 0x60dd86;
  } else {
    is_ip4 = ip[0] == 0x45;
    is_ip6 = ip[0] >> 4 == 6;
  }
  const uint32_t frame = p.segs == 1 ? p.length : p.total_length();

  Verdict verdict;
  if (is_ip4) [[likely]] {
    verdict = route_ip4(ip, frame - kAt);
  } else if (is_ip6 && p.length >= kAt + kIp6Header) {
    verdict = route_ip6(ip, frame - kAt);
  }
  if (verdict.hop == nullptr) [[unlikely]]
    return false;
  if (is_ip4 ? claimed_ip4(in, p, kAt) : claimed_ip6(in, p, kAt)) [[unlikely]]
    return false;
  const NextHop& hop = *verdict.hop;
  const size_t index = InPort::index(hop.out_port, is_ip4 ? kIp4 : kIp6);
  if (index >= in.lanes.size()) [[unlikely]]
    return false;
  Lane& lane = in.lanes[index];
  if (!lane.open()) [[unlikely]]
    return false;
  if (hop.link_length > kAt && p.headroom() < hop.link_length - kAt) [[unlikely]]
    return false;

  if (is_ip4) {
    plain::decrement_ttl(ip);
  } else {
    --ip[7];
  }
  uint8_t* const start = ip - hop.link_length;
  write_link_header(start, hop);
  const uint32_t length = hop.link_length + verdict.total;
  if (p.segs == 1) [[likely]] {
    p.data = start;
    p.length = length;  // without the link's padding
  } else {
    p.length += uint32_t(p.data - start);
    p.data = start;
    p.trim(length);
  }
  lane.send(p, frame, length);
  in.touched |= uint64_t{1} << (index % 64);
  return true;
}

// RFC 1812 sections 5.2.1 to 5.3.1, for a header of 20 bytes.  `length` bytes are there.
inline Fusion::Verdict Fusion::route_ip4(const uint8_t* ip, uint32_t length) const {
  const uint32_t total = load_be16(ip + 2);
  if (total < kIp4Header || total > length) [[unlikely]]
    return {};
  if (!plain::ip4_checksum_good(ip)) [[unlikely]]
    return {};
  if (ip[8] <= 1) [[unlikely]]
    return {};
  if (!plain::ip4_ordinary(ip[12]) || !plain::ip4_ordinary(ip[16])) [[unlikely]]
    return {};
  if (addresses_.is_martian_source(ip + 12)) [[unlikely]]
    return {};
  const NextHop& hop = fib_.next_hops[fib_.ip4.find(ip + 16)];
  if (hop.kind != NextHop::kForward || total > hop.mtu) [[unlikely]]
    return {};
  return {&hop, total};
}

// RFC 8200 sections 3 and 4: no header that the nodes on the way must read.
inline Fusion::Verdict Fusion::route_ip6(const uint8_t* ip, uint32_t length) const {
  const uint32_t total = kIp6Header + load_be16(ip + 4);
  if (total > length || ip[6] == kHopByHop || ip[7] <= 1) [[unlikely]]
    return {};
  if (!plain::ip6_ordinary(ip + 8) || !plain::ip6_ordinary(ip + 24)) [[unlikely]]
    return {};
  const NextHop& hop = fib_.next_hops[fib_.ip6.find(ip + 24)];
  if (hop.kind != NextHop::kForward || total > hop.mtu) [[unlikely]]
    return {};
  return {&hop, total};
}

// Whether some tuple matches, as the demux will read the packet; it then decides.
inline bool Fusion::claimed_ip4(const InPort& in, Packet& p, uint32_t at) const {
  if (narrow_.empty()) return false;
  PacketFields f;
  if (!flow::read_ip4(p, at, p.length - at, f)) return true;
  f.narrow.in_port = in.number;
  return narrow_.find(f.narrow) != narrow_.kNone;
}

inline bool Fusion::claimed_ip6(const InPort& in, Packet& p, uint32_t at) const {
  if (wide_.empty()) return false;
  PacketFields f;
  if (!flow::read_ip6(p, at, p.length - at, f)) return true;
  f.wide.in_port = in.number;
  return wide_.find(f.wide) != wide_.kNone;
}

}  // namespace weft
