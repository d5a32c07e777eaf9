// SPDX-License-Identifier: Apache-2.0
#include "modules/flow.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "modules/four_packets.h"

namespace weft {

namespace flow {

namespace {

constexpr uint32_t kIp6Header = 40;
constexpr int kMaxExtensionHeaders = 8;

enum Extension : uint8_t {
  kHopByHop = 0,
  kRouting = 43,
  kFragment = 44,
  kAuthentication = 51,
  kDestination = 60
};

// Length of an extension header of that kind; 0: it is none that can be skipped.
uint32_t extension_length(uint8_t kind, const uint8_t* header) {
  switch (kind) {
    case kHopByHop:
    case kRouting:
    case kDestination:
      return uint32_t(header[1]) * 8 + 8;
    case kAuthentication:  // RFC 4302 2.2: in 4-byte units, minus 2
      return uint32_t(header[1]) * 4 + 8;
    case kFragment:
      return 8;
    default:
      return 0;
  }
}

// What the first nibble of a packet stands for on a raw link; 0: nothing.
constexpr uint16_t protocol_of_nibble(uint8_t first) {
  switch (first >> 4) {
    case 4:
      return kIp4;
    case 6:
      return kIp6;
    case 0:
      return kCapsule;
    default:
      return 0;
  }
}

}  // namespace

bool read_ip6(Packet& p, uint32_t at, uint32_t room, PacketFields& f) {
  if (room < kIp6Header) return false;
  const uint8_t* ip = p.data + at;
  if ((ip[0] >> 4) != 6) return false;

  const uint32_t total = kIp6Header + load_be16(ip + 4);
  const uint32_t length = std::min(room, total);
  f.end = at + total;
  f.wide = {};
  std::memcpy(f.wide.source, ip + 8, 16);
  std::memcpy(f.wide.destination, ip + 24, 16);
  f.to_node = ip[24] == 0xff;  // multicast is not forwarded

  uint8_t protocol = ip[6];
  uint32_t l4 = kIp6Header;
  for (int skipped = 0; skipped < kMaxExtensionHeaders && l4 + 8 <= length; ++skipped) {
    const uint32_t n = extension_length(protocol, ip + l4);
    if (n == 0 || l4 + n > length) break;
    // A fragment on its own is a whole packet (RFC 6946).
    f.fragment = protocol == kFragment && (load_be16(ip + l4 + 2) & 0xfff9) != 0;
    protocol = ip[l4];
    l4 += n;
    if (f.fragment) break;
  }
  f.wide.protocol = protocol;
  f.payload = at + l4;
  p.l4 = uint16_t(p.l3 + l4);

  if (!f.fragment && length >= l4 + 4 && has_ports(protocol)) {
    f.wide.source_port = load<uint16_t>(ip + l4);
    f.wide.destination_port = load<uint16_t>(ip + l4 + 2);
    f.payload += transport_header(protocol, ip + l4, length - l4);
  }
  return true;
}

void read_any(Link link, Packet& p, PacketFields& f) {
  f.kind = PacketFields::kOther;
  f.fragment = f.to_node = false;
  f.link_protocol = 0;
  uint32_t at = 0;
  if (link == Link::kEthernet) {
    if (p.length < kEthernetHeader) {
      f.kind = PacketFields::kMalformed;
      f.payload = f.end = p.length;
      p.l3 = p.l4 = uint16_t(p.data - p.window());
      return;
    }
    at = kEthernetHeader;
    const uint16_t type = load_be16(p.data + 12);
    f.link_protocol = type < kFirstType ? 0 : type;
  } else if (p.length > 0) {
    f.link_protocol = protocol_of_nibble(p.data[0]);
  }
  const uint32_t room = p.length - at;
  p.l3 = p.l4 = uint16_t(p.data - p.window() + at);
  f.payload = at;
  f.end = UINT32_MAX;
  if (f.link_protocol == kIp4) {
    f.kind = read_ip4(p, at, room, f) ? PacketFields::kNarrow : PacketFields::kMalformed;
  } else if (f.link_protocol == kIp6) {
    f.kind = read_ip6(p, at, room, f) ? PacketFields::kWide : PacketFields::kMalformed;
  } else if (p.length == 0) {
    f.kind = PacketFields::kMalformed;
  }
}

}  // namespace flow

namespace {

// A Glance in one word, which compilers do not take apart.
constexpr uint32_t word_of(Glance glance) { return std::bit_cast<uint32_t>(glance); }
constexpr uint32_t kNothing = word_of({}), kNarrow = word_of({Glance::kNarrow}),
                   kWide = word_of({Glance::kWide});

// As far as the protocol of the link says.
constexpr uint32_t glance_of(uint16_t link_protocol) {
  if (link_protocol == flow::kIp4) return kNarrow;
  if (link_protocol == flow::kIp6) return kWide;
  return word_of({Glance::kOther, link_protocol});
}
constexpr std::array<uint32_t, 16> kGlanceOfNibble = [] {
  std::array<uint32_t, 16> all{};
  for (unsigned nibble = 0; nibble < 16; ++nibble)
    all[nibble] = glance_of(flow::protocol_of_nibble(uint8_t(nibble << 4)));
  return all;
}();

// Routes packets of one vector.
template <Link kLink>
class Router {
 public:
  explicit Router(const Fib& fib) : ip4_(fib.ip4.reader()), ip6_(fib.ip6.reader()) {}

  // For a packet that comes later: asks for the entry that it will need.
  [[gnu::always_inline]] void look_ahead(const Packet& p) const {
    if (p.length >= kAt + kHeader4) ip4_.prefetch(p.data + kAt + 16);
  }

  // Routes four packets of IPv4 without options, each in its own slot.  False when one is
  // something else; all are then unchanged.
  [[gnu::always_inline]] bool route_four(Packet* const* p) const {
    using namespace plain;
    const FourPackets four(p);
    if (!everywhere(four.plain<Packet::kLocal>() & above(four.length(), all_of(kAt + kHeader4 - 1))))
      return false;
    const uint8_t* const frame[] = {p[0]->data, p[1]->data, p[2]->data, p[3]->data};
    const Words first_octets = words_at(frame, kAt + 16) & 0xff;
    if (!everywhere(bring_ip4(frame) & ~above(first_octets, all_of(kFirstGroup4 - 1)))) return false;
    const auto route_one = [&](size_t k) __attribute__((always_inline)) {
      p[k]->next_hop = ip4_.find(frame[k] + kAt + 16);
      set_headers(*p[k], p[k]->room(), frame[k] + kAt, kHeader4);
    };
    route_one(0);
    route_one(1);
    route_one(2);
    route_one(3);
    return true;
  }

  // Four packets that the link says are of one protocol, which is not IP, each in its own slot.
  // False when one is something else; all are then unchanged.
  [[gnu::always_inline]] bool pass_four(Packet* const* p, uint32_t protocol) const {
    using namespace plain;
    const FourPackets four(p);
    if (!everywhere(four.plain<0>() & above(four.length(), all_of(kAt + kHeader4 - 1)))) return false;
    const uint8_t* const frame[] = {p[0]->data, p[1]->data, p[2]->data, p[3]->data};
    if (!everywhere(Mask(protocols(frame) == protocol))) return false;
    for (size_t k = 0; k < 4; ++k) set_headers(*p[k], p[k]->room(), frame[k] + kAt, 0);
    return true;
  }
  // What pass_four() takes for the protocol of a packet like this.  REQUIRES: route() knew it
  static uint32_t protocol_of(const Packet& p) {
    return load<uint32_t>(p.data + kProtocolAt) & kProtocolMask;
  }

  [[gnu::always_inline]] uint32_t route(Packet& p) const {
    if (p.length < kAt + kHeader4) return kNothing;
    uint8_t* const ip = p.data + kAt;
    const uint32_t said = what_the_link_says(ip);
    if (said == kNarrow) [[likely]] {
      if (ip[0] != 0x45 || ip[16] >= kFirstGroup4) return kNothing;
      p.next_hop = ip4_.find(ip + 16);
      p.flags &= uint16_t(~Packet::kLocal);
      set_headers(p, p.window(), ip, kHeader4);
    } else if (said == kWide) {
      if (ip[0] >> 4 != 6 || p.length < kAt + kHeader6 || ip[24] == kGroup6) return kNothing;
      p.next_hop = ip6_.find(ip + 24);
      p.flags &= uint16_t(~Packet::kLocal);
      set_headers(p, p.window(), ip, kHeader6);
    } else {
      set_headers(p, p.window(), ip, 0);
    }
    return said;
  }

 private:
  static constexpr uint32_t kAt = kLink == Link::kEthernet ? flow::kEthernetHeader : 0;
  static constexpr uint32_t kHeader4 = 20, kHeader6 = 40;
  static constexpr uint8_t kFirstGroup4 = 224, kGroup6 = 0xff;
  // Where the link says what a packet is, and in which bits of the word there.
  static constexpr uint32_t kProtocolAt = kLink == Link::kEthernet ? kAt - 2 : 0;
  static constexpr uint32_t kProtocolMask = kLink == Link::kEthernet ? 0xffff : 0xf0;

  [[gnu::always_inline]] static Words words_at(const uint8_t* const* frame, size_t at) {
    return Words{load<uint32_t>(frame[0] + at), load<uint32_t>(frame[1] + at), load<uint32_t>(frame[2] + at),
                 load<uint32_t>(frame[3] + at)};
  }
  [[gnu::always_inline]] static Words protocols(const uint8_t* const* frame) {
    return words_at(frame, kProtocolAt) & kProtocolMask;
  }
  // Which carry IPv4 without options, as the link and the first byte of each say.
  [[gnu::always_inline]] static Mask bring_ip4(const uint8_t* const* frame) {
    constexpr uint32_t kFirst = 0x45;
    if constexpr (kLink == Link::kEthernet) {
      return Mask((words_at(frame, kAt - 2) & 0xffffff) == (swap_be(flow::kIp4) | kFirst << 16));
    } else {
      return Mask((words_at(frame, 0) & 0xff) == kFirst);
    }
  }
  static uint32_t what_the_link_says(const uint8_t* ip) {
    if (kLink != Link::kEthernet) return kGlanceOfNibble[ip[0] >> 4];
    const uint16_t type = load_be16(ip - 2);
    return glance_of(type < flow::kFirstType ? 0 : type);
  }
  static void set_headers(Packet& p, const uint8_t* window, const uint8_t* ip, uint32_t length) {
    p.l3 = uint16_t(ip - window);
    p.l4 = uint16_t(p.l3 + length);
  }

  const Lpm<4>::Reader ip4_;
  const Lpm<16>::Reader ip6_;
};

// `kLarge`: the routing table is so large that its entries should be asked for in time.
template <Link kLink, bool kLarge>
bool glance_all(uint16_t in_port, const Pvec& v, const Fib& fib, Glance* glances) {
  constexpr size_t kFour = 4, kPacketAhead = Pvec::kLookahead - kFour, kEntryAhead = 8;
  const Router<kLink> router(fib);
  Packet* const* const packets = v.begin();
  const size_t n = v.size();
  for (size_t i = 0; i < kPacketAhead; ++i) Packet::prefetch(packets[i]);
  for (size_t i = 0; kLarge && i < std::min(kEntryAhead, n); ++i) router.look_ahead(*packets[i]);
  uint32_t differing = 0;
  const auto route = [&](size_t i) __attribute__((always_inline)) {
    packets[i]->in_port = in_port;
    const uint32_t word = router.route(*packets[i]);
    glances[i] = std::bit_cast<Glance>(word);
    differing |= word ^ word_of(glances[0]);
  };
  // Four are asked whether they are what came last.
  constexpr uint32_t kNone = UINT32_MAX;
  Glance last{Glance::kNarrow};
  uint32_t other = kNone;  // the protocol, if it is not IP
  size_t i = 0;
  for (; n - i >= kFour; i += kFour) {
    for (size_t k = 0; k < kFour; ++k) Packet::prefetch(packets[i + kPacketAhead + k]);
    for (size_t k = i + kEntryAhead; kLarge && k < std::min(i + kEntryAhead + kFour, n); ++k)
      router.look_ahead(*packets[k]);
    if ((last.kind == Glance::kNarrow && router.route_four(packets + i)) ||
        (other != kNone && router.pass_four(packets + i, other))) {
      for (size_t k = i; k < i + kFour; ++k) packets[k]->in_port = in_port;
      std::fill_n(glances + i, kFour, last);
      differing |= word_of(last) ^ word_of(glances[0]);
    } else {
      for (size_t k = i; k < i + kFour; ++k) route(k);
      last = glances[i + kFour - 1];
      other = last.kind == Glance::kOther ? router.protocol_of(*packets[i + kFour - 1]) : kNone;
    }
  }
  for (; i < n; ++i) route(i);
  return differing == 0;
}
template <Link kLink>
bool glance_all(uint16_t in_port, const Pvec& v, const Fib& fib, Glance* glances) {
  return fib.ip4.large() ? glance_all<kLink, true>(in_port, v, fib, glances)
                         : glance_all<kLink, false>(in_port, v, fib, glances);
}

// Calls f(packet, i) for all of `v`, with the packets asked for in time.
template <typename F>
[[gnu::always_inline]] inline void each(const Pvec& v, F f) {
  constexpr size_t kAhead = 12;
  static_assert(kAhead <= Pvec::kLookahead);
  Packet* const* const packets = v.begin();
  const size_t n = v.size();
  for (size_t i = 0; i < std::min(kAhead, n); ++i) Packet::prefetch(packets[i]);
  for (size_t i = 0; i < n; ++i) {
    Packet::prefetch(packets[i + kAhead]);
    f(*packets[i], i);
  }
}

}  // namespace

void FlowReader::read(Link link, const Pvec& v, PacketFields* fields) const {
  if (link == Link::kEthernet) {
    each(v, [&](Packet& p, size_t i) { flow::read<Link::kEthernet>(p, fields[i]); });
  } else {
    each(v, [&](Packet& p, size_t i) { flow::read<Link::kRaw>(p, fields[i]); });
  }
}

void FlowReader::read(Link link, Packet& p, PacketFields& fields) const { flow::read_any(link, p, fields); }

bool FlowReader::glance(Link link, uint16_t in_port, const Pvec& v, const Fib& fib, Glance* glances) const {
  return link == Link::kEthernet ? glance_all<Link::kEthernet>(in_port, v, fib, glances)
                                 : glance_all<Link::kRaw>(in_port, v, fib, glances);
}

}  // namespace weft
