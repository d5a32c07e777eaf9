// SPDX-License-Identifier: Apache-2.0
#include "modules/flow.h"

#include <algorithm>
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

// Routes packets of one vector.
template <Link kLink>
class Router {
 public:
  explicit Router(const Transit& transit)
      : ip4_(transit.fib.ip4.reader()),
        ip6_(transit.fib.ip6.reader()),
        narrow_(transit.narrow),
        wide_(transit.wide) {}

  // For a packet that comes later: asks for the entry that it will need.
  [[gnu::always_inline]] void look_ahead(const Packet& p) const {
    if (p.length >= kAt + kHeader4) ip4_.prefetch(p.data + kAt + 16);
  }

  // Routes four packets of IPv4 without options, each in its own slot.  False when one is
  // something else, or may be wanted by a tuple; all are then unchanged.
  [[gnu::always_inline]] bool route_four(Packet* const* p, Glance* glances) const {
    using namespace plain;
    const FourPackets four(p);
    if (!everywhere(four.plain<Packet::kLocal>() & above(four.length(), all_of(kAt + kHeader4 - 1))))
      return false;
    const uint8_t* const ip[] = {p[0]->data + kAt, p[1]->data + kAt, p[2]->data + kAt, p[3]->data + kAt};
    const Words first_octets = words_at(ip, 16) & 0xff;
    if (!everywhere(bring_ip4(ip) & ~above(first_octets, all_of(kFirstGroup4 - 1)))) return false;
    if (!narrow_.none() && flow::may_want_any_ip4(narrow_, ip)) return false;
    const auto route_one = [&](size_t k) __attribute__((always_inline)) {
      glances[k] = go_on(*p[k], p[k]->room(), ip[k], kHeader4, {Glance::kNarrow, ip4_.find(ip[k] + 16)});
    };
    route_one(0);
    route_one(1);
    route_one(2);
    route_one(3);
    return true;
  }

  // What the link says of the protocol of a packet, which route() told of.
  static uint32_t protocol_word(const Packet& p) { return load<uint32_t>(p.data + kAt + kProtocolAt); }

  // Four packets that the link says are of that protocol, which is not routed, each in its own
  // slot.  What a glance at another told, it tells of them.  False when one is something else;
  // all are then unchanged.
  [[gnu::always_inline]] bool pass_four(Packet* const* p, uint32_t protocol, Glance told,
                                        Glance* glances) const {
    using namespace plain;
    const FourPackets four(p);
    if (!everywhere(four.plain<0>() & above(four.length(), all_of(kAt + kHeader4 - 1)))) return false;
    const uint8_t* const ip[] = {p[0]->data + kAt, p[1]->data + kAt, p[2]->data + kAt, p[3]->data + kAt};
    if (!everywhere(Mask(((words_at(ip, kProtocolAt) ^ protocol) & kProtocolBits) == 0))) return false;
    for (size_t k = 0; k < 4; ++k) {
      set_headers(*p[k], p[k]->room(), ip[k], 0);
      glances[k] = told;
    }
    return true;
  }

  [[gnu::always_inline]] Glance route(Packet& p) const {
    if (p.length < kAt + kHeader4) return {};
    const uint8_t* const ip = p.data + kAt;
    const uint16_t protocol = link_protocol(ip);
    if (protocol == flow::kIp4) [[likely]] {
      if (ip[0] != 0x45 || ip[16] >= kFirstGroup4) return {};
      if (!narrow_.none() && flow::may_want_ip4(narrow_, ip)) return {};
      p.flags &= uint16_t(~Packet::kLocal);
      return go_on(p, p.window(), ip, kHeader4, {Glance::kNarrow, ip4_.find(ip + 16)});
    }
    if (protocol == flow::kIp6) {
      if (ip[0] >> 4 != 6 || p.length < kAt + kHeader6 || ip[24] == kGroup6) return {};
      if (!wide_.none() && flow::may_want_ip6(wide_, ip)) return {};
      p.flags &= uint16_t(~Packet::kLocal);
      return go_on(p, p.window(), ip, kHeader6, {Glance::kWide, ip6_.find(ip + 24)});
    }
    set_headers(p, p.window(), ip, 0);
    return {Glance::kOther, protocol};
  }

 private:
  static constexpr uint32_t kAt = kLink == Link::kEthernet ? flow::kEthernetHeader : 0;
  static constexpr uint32_t kHeader4 = 20, kHeader6 = 40;
  static constexpr uint8_t kFirstGroup4 = 224, kGroup6 = 0xff;
  // The word in which the link says what a packet is, from the network header on, and the bits there.
  static constexpr ptrdiff_t kProtocolAt = kLink == Link::kEthernet ? -2 : 0;
  static constexpr uint32_t kProtocolBits = kLink == Link::kEthernet ? 0xffff : 0xf0;

  [[gnu::always_inline]] static Words words_at(const uint8_t* const* ip, ptrdiff_t at) {
    return Words{load<uint32_t>(ip[0] + at), load<uint32_t>(ip[1] + at), load<uint32_t>(ip[2] + at),
                 load<uint32_t>(ip[3] + at)};
  }
  // Which are IPv4 without options, as the link and the first byte of each say.
  [[gnu::always_inline]] static Mask bring_ip4(const uint8_t* const* ip) {
    constexpr uint32_t kFirst = 0x45;
    if constexpr (kLink == Link::kEthernet) {
      return Mask((words_at(ip, kProtocolAt) & 0xffffff) == (swap_be(flow::kIp4) | kFirst << 16));
    } else {
      return Mask((words_at(ip, 0) & 0xff) == kFirst);
    }
  }
  static uint16_t link_protocol(const uint8_t* ip) {
    if (kLink != Link::kEthernet) return flow::protocol_of_nibble(ip[0]);
    const uint16_t type = load_be16(ip - 2);
    return type < flow::kFirstType ? 0 : type;
  }
  [[gnu::always_inline]] static Glance go_on(Packet& p, const uint8_t* window, const uint8_t* ip,
                                             uint32_t length, Glance glance) {
    p.next_hop = glance.what();
    set_headers(p, window, ip, length);
    return glance;
  }
  [[gnu::always_inline]] static void set_headers(Packet& p, const uint8_t* window, const uint8_t* ip,
                                                 uint32_t length) {
    p.l3 = uint16_t(ip - window);
    p.l4 = uint16_t(p.l3 + length);
  }

  const Lpm<4>::Reader ip4_;
  const Lpm<16>::Reader ip6_;
  const TupleFilter::AtPort narrow_, wide_;
};

// `kLarge`: the routing table is so large that its entries should be asked for in time.
template <Link kLink, bool kLarge>
void glance_all(const Pvec& v, const Transit& transit, Glance* glances) {
  constexpr size_t kFour = 4, kPacketAhead = Pvec::kLookahead - kFour, kEntryAhead = 8;
  const Router<kLink> router(transit);
  Packet* const* const packets = v.begin();
  const size_t n = v.size();
  for (size_t i = 0; i < std::min(n, kPacketAhead); ++i) Packet::prefetch(packets[i]);
  for (size_t i = 0; kLarge && i < std::min(kEntryAhead, n); ++i) router.look_ahead(*packets[i]);
  Glance last(Glance::kNarrow, 0);  // four are asked whether they are as what came last
  uint32_t protocol = 0;            // of that
  size_t i = 0;
  for (; n - i >= kFour; i += kFour) {
    for (size_t k = 0; k < kFour; ++k) {
      Packet::prefetch(packets[i + kPacketAhead + k]);
      packets[i + k]->in_port = transit.in_port;
    }
    for (size_t k = i + kEntryAhead; kLarge && k < std::min(i + kEntryAhead + kFour, n); ++k)
      router.look_ahead(*packets[k]);
    if (last.kind() == Glance::kNarrow && router.route_four(packets + i, glances + i)) continue;
    if (last.kind() == Glance::kOther && router.pass_four(packets + i, protocol, last, glances + i)) continue;
    for (size_t k = i; k < i + kFour; ++k) glances[k] = router.route(*packets[k]);
    last = glances[i + kFour - 1];
    if (last.kind() == Glance::kOther) protocol = router.protocol_word(*packets[i + kFour - 1]);
  }
  for (; i < n; ++i) {
    packets[i]->in_port = transit.in_port;
    glances[i] = router.route(*packets[i]);
  }
}
template <Link kLink>
void glance_all(const Pvec& v, const Transit& transit, Glance* glances) {
  return transit.fib.ip4.large() ? glance_all<kLink, true>(v, transit, glances)
                                 : glance_all<kLink, false>(v, transit, glances);
}

}  // namespace

void FlowReader::read(Link link, Packet& p, PacketFields& fields) const {
  link == Link::kEthernet ? flow::read<Link::kEthernet>(p, fields) : flow::read<Link::kRaw>(p, fields);
}

void FlowReader::glance(Link link, const Pvec& v, const Transit& transit, Glance* glances) const {
  link == Link::kEthernet ? glance_all<Link::kEthernet>(v, transit, glances)
                          : glance_all<Link::kRaw>(v, transit, glances);
}

}  // namespace weft
