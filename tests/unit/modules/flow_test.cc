// SPDX-License-Identifier: Apache-2.0
#include "modules/flow.h"

#include <gtest/gtest.h>

#include <random>

#include "partner/pool.h"
#include "paths/tuple_table.h"

namespace weft {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Bytes be16(unsigned n) { return {uint8_t(n >> 8), uint8_t(n)}; }

Bytes ethernet(unsigned type) { return Bytes(12, 0x02) + be16(type); }

Bytes ip4(uint8_t protocol, const Bytes& payload, unsigned fragment = 0, size_t options = 0) {
  Bytes h{uint8_t(0x45 + options / 4), 0};
  h = h + be16(unsigned(20 + options + payload.size())) + Bytes{0, 1} + be16(fragment) +
      Bytes{64, protocol, 0, 0};
  return h + Bytes{10, 0, 0, 1, 10, 0, 0, 2} + Bytes(options, 1) + payload;
}

Bytes ip6(uint8_t next, const Bytes& payload) {
  Bytes h{0x60, 0, 0, 0};
  h = h + be16(unsigned(payload.size())) + Bytes{next, 64};
  Bytes source(16, 0x20), destination(16, 0x30);
  return h + source + destination + payload;
}

Bytes udp(const Bytes& payload) {
  return be16(4000) + be16(7) + be16(unsigned(8 + payload.size())) + Bytes{0, 0} + payload;
}
Bytes tcp(uint8_t words, const Bytes& rest) {
  return be16(4000) + be16(80) + Bytes(8) + Bytes{uint8_t(words << 4), 0} + Bytes(6) + rest;
}

struct Read {
  PacketFields f;
  int l3, l4;  // from the first byte
};

// The bytes lie in memory of exactly their size, so that a sanitizer sees what is
// read outside.
class FlowTest : public testing::Test {
 protected:
  Read read(Link link, const Bytes& bytes) {
    std::unique_ptr<uint8_t[]> exact(new uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    Foreign foreign{.release = [](Foreign*) {}};
    PacketPtr p = pool_->attach(foreign, exact.get(), uint32_t(bytes.size()));
    Read r;
    FlowReader().read(link, *p, r.f);
    const int window = int(p->data - p->window());
    r.l3 = p->l3 - window;
    r.l4 = p->l4 - window;
    p.reset();
    EXPECT_EQ(foreign.references, 0u);
    return r;
  }
  Read read_raw(const Bytes& bytes) { return read(Link::kRaw, bytes); }
  Read read_ethernet(const Bytes& bytes) { return read(Link::kEthernet, bytes); }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 16, .pages = PageKind::k4K});
};

uint16_t port(uint16_t field) { return swap_be(field); }

TEST_F(FlowTest, UdpOverIp4OverEthernet) {
  Read r = read_ethernet(ethernet(0x0800) + ip4(17, udp({'h', 'i'})));
  EXPECT_EQ(r.f.kind, PacketFields::kNarrow);
  EXPECT_EQ(r.f.link_protocol, 0x0800);
  EXPECT_EQ(load_be32(r.f.narrow.source), 0x0a000001u);
  EXPECT_EQ(load_be32(r.f.narrow.destination), 0x0a000002u);
  EXPECT_EQ(port(r.f.narrow.source_port), 4000);
  EXPECT_EQ(port(r.f.narrow.destination_port), 7);
  EXPECT_EQ(r.f.narrow.protocol, 17);
  EXPECT_EQ(r.f.narrow.local, 0);
  EXPECT_EQ(r.f.narrow.in_port, 0);
  EXPECT_EQ(r.l3, 14);
  EXPECT_EQ(r.l4, 34);
  EXPECT_EQ(r.f.payload, 42u);
  EXPECT_EQ(r.f.end, 44u);
  EXPECT_FALSE(r.f.fragment);
  EXPECT_FALSE(r.f.to_node);
}

TEST_F(FlowTest, PaddingIsBehindTheEnd) {
  Read r = read_ethernet(ethernet(0x0800) + ip4(17, udp({})) + Bytes(18));
  EXPECT_EQ(r.f.payload, 42u);
  EXPECT_EQ(r.f.end, 42u);
  // What the padding says are not ports.
  Bytes short_total = ip4(17, {}) + udp({});
  r = read_raw(short_total);
  EXPECT_EQ(r.f.narrow.destination_port, 0);
  EXPECT_EQ(r.f.payload, 20u);
}

TEST_F(FlowTest, OptionsMoveTheTransportHeader) {
  Read r = read_raw(ip4(17, udp({1}), 0, 40));
  EXPECT_EQ(r.l4, 60);
  EXPECT_EQ(port(r.f.narrow.destination_port), 7);
  EXPECT_EQ(r.f.payload, 68u);
}

TEST_F(FlowTest, FragmentsHaveNoPorts) {
  for (unsigned fragment : {0x2000u, 0x2001u, 0x0001u, 0x1fffu}) {
    Read r = read_raw(ip4(17, udp({1, 2}), fragment));
    EXPECT_TRUE(r.f.fragment) << fragment;
    EXPECT_EQ(r.f.kind, PacketFields::kNarrow);
    EXPECT_EQ(r.f.narrow.source_port, 0);
    EXPECT_EQ(r.f.narrow.destination_port, 0);
    EXPECT_EQ(r.f.narrow.protocol, 17);
    EXPECT_EQ(r.f.payload, 20u);
  }
  for (unsigned whole : {0x0000u, 0x4000u, 0x8000u}) {
    EXPECT_FALSE(read_raw(ip4(17, udp({1, 2}), whole)).f.fragment) << whole;
  }
}

TEST_F(FlowTest, TransportProtocols) {
  EXPECT_EQ(read_raw(ip4(6, tcp(5, {1}))).f.payload, 40u);
  EXPECT_EQ(read_raw(ip4(6, tcp(8, Bytes(12)))).f.payload, 52u);
  EXPECT_EQ(read_raw(ip4(6, tcp(4, {1}))).f.payload, 20u) << "a data offset below 5";
  EXPECT_EQ(read_raw(ip4(6, tcp(15, {1}))).f.payload, 20u) << "a data offset past the end";
  EXPECT_EQ(read_raw(ip4(136, udp({}))).f.payload, 28u);
  for (uint8_t protocol : {6, 17, 33, 132, 136}) {
    EXPECT_EQ(port(read_raw(ip4(protocol, udp({}))).f.narrow.destination_port), 7) << int(protocol);
  }
  for (uint8_t protocol : {1, 2, 47, 50, 58, 89}) {
    Read r = read_raw(ip4(protocol, udp({})));
    EXPECT_EQ(r.f.narrow.destination_port, 0) << int(protocol);
    EXPECT_EQ(r.f.payload, 20u);
  }
}

TEST_F(FlowTest, GroupsThatTheNodeTakes) {
  auto to = [&](Bytes address) {
    Bytes p = ip4(17, udp({}));
    std::copy(address.begin(), address.end(), p.begin() + 16);
    return read_raw(p).f.to_node;
  };
  EXPECT_TRUE(to({224, 0, 0, 1}));
  EXPECT_TRUE(to({224, 0, 0, 255}));
  EXPECT_TRUE(to({255, 255, 255, 255}));
  EXPECT_FALSE(to({224, 0, 1, 1}));
  EXPECT_FALSE(to({239, 0, 0, 1}));
  EXPECT_FALSE(to({10, 255, 255, 255}));
  Bytes p = ip6(17, udp({}));
  EXPECT_FALSE(read_raw(p).f.to_node);
  p[24] = 0xff;
  EXPECT_TRUE(read_raw(p).f.to_node);
}

TEST_F(FlowTest, Malformed4) {
  const Bytes good = ip4(17, udp({1}));
  for (size_t n = 1; n < 20; ++n) {
    EXPECT_EQ(read_raw(Bytes(good.begin(), good.begin() + long(n))).f.kind, PacketFields::kMalformed) << n;
  }
  Bytes bad = good;
  bad[0] = 0x44;
  EXPECT_EQ(read_raw(bad).f.kind, PacketFields::kMalformed);
  bad[0] = 0x4f;
  EXPECT_EQ(read_raw(bad).f.kind, PacketFields::kMalformed) << "options past the end";
  bad[0] = 0x65;
  EXPECT_EQ(read_ethernet(ethernet(0x0800) + bad).f.kind, PacketFields::kMalformed)
      << "version against the link";
  EXPECT_EQ(read_raw({}).f.kind, PacketFields::kMalformed);
  for (size_t n = 0; n < 14; ++n) {
    Read r = read_ethernet(Bytes(n, 8));
    EXPECT_EQ(r.f.kind, PacketFields::kMalformed);
    EXPECT_EQ(r.l3, 0);
  }
  // Shorter than the header says, but the ports are there.
  Read r = read_raw(Bytes(good.begin(), good.begin() + 24));
  EXPECT_EQ(r.f.kind, PacketFields::kNarrow);
  EXPECT_EQ(port(r.f.narrow.destination_port), 7);
  EXPECT_EQ(r.f.payload, 20u);
}

TEST_F(FlowTest, LinkProtocols) {
  EXPECT_EQ(read_ethernet(ethernet(0x0806) + Bytes(28)).f.link_protocol, 0x0806);
  EXPECT_EQ(read_ethernet(ethernet(0x0806)).f.kind, PacketFields::kOther);
  EXPECT_EQ(read_ethernet(ethernet(0x8100) + be16(5) + be16(0x0800) + ip4(17, udp({}))).f.link_protocol,
            0x8100);
  EXPECT_EQ(read_ethernet(ethernet(0x0026) + Bytes(38)).f.link_protocol, 0) << "an IEEE 802.3 length";
  EXPECT_EQ(read_ethernet(ethernet(0x88b5) + Bytes(8)).f.payload, 14u);
  EXPECT_EQ(read_raw({0x00, 1}).f.link_protocol, 0x88b5);
  EXPECT_EQ(read_raw({0x50, 1}).f.link_protocol, 0);
  EXPECT_EQ(read_raw({0x50, 1}).f.kind, PacketFields::kOther);
}

TEST_F(FlowTest, UdpOverIp6) {
  Read r = read_ethernet(ethernet(0x86dd) + ip6(17, udp({1, 2, 3})));
  EXPECT_EQ(r.f.kind, PacketFields::kWide);
  EXPECT_EQ(r.f.link_protocol, 0x86dd);
  EXPECT_EQ(r.f.wide.source[15], 0x20);
  EXPECT_EQ(r.f.wide.destination[0], 0x30);
  EXPECT_EQ(port(r.f.wide.destination_port), 7);
  EXPECT_EQ(r.f.wide.protocol, 17);
  EXPECT_EQ(r.l3, 14);
  EXPECT_EQ(r.l4, 54);
  EXPECT_EQ(r.f.payload, 62u);
  EXPECT_EQ(r.f.end, 65u);
}

Bytes extension(uint8_t next, uint8_t units) { return Bytes{next, units} + Bytes(size_t(units) * 8 + 6); }
Bytes fragment_header(uint8_t next, unsigned offset_and_more) {
  return Bytes{next, 0} + be16(offset_and_more) + Bytes(4);
}

TEST_F(FlowTest, ExtensionHeadersAreSkipped) {
  const Bytes authentication = Bytes{17, 4} + Bytes(22);  // 24 bytes
  Read r =
      read_raw(ip6(0, extension(43, 0) + extension(60, 2) + extension(51, 1) + authentication + udp({})));
  EXPECT_EQ(r.f.wide.protocol, 17);
  EXPECT_EQ(port(r.f.wide.destination_port), 7);
  EXPECT_EQ(r.l4, 40 + 8 + 24 + 16 + 24);
}

TEST_F(FlowTest, AtMostEightExtensionHeaders) {
  auto chain = [](int n) {
    Bytes b;
    for (int i = 0; i < n; ++i) b = b + extension(i + 1 < n ? 60 : 17, 0);
    return ip6(60, b + udp({}));
  };
  EXPECT_EQ(port(read_raw(chain(8)).f.wide.destination_port), 7);
  Read r = read_raw(chain(9));
  EXPECT_EQ(r.f.kind, PacketFields::kWide);
  EXPECT_EQ(r.f.wide.protocol, 60);
  EXPECT_EQ(r.f.wide.destination_port, 0);
}

TEST_F(FlowTest, Fragments6) {
  for (unsigned bits : {0x0001u, 0x0008u, 0xfff8u}) {
    Read r = read_raw(ip6(44, fragment_header(17, bits) + udp({})));
    EXPECT_TRUE(r.f.fragment) << bits;
    EXPECT_EQ(r.f.wide.protocol, 17);
    EXPECT_EQ(r.f.wide.destination_port, 0);
    EXPECT_EQ(r.l4, 48);
  }
  Read atomic = read_raw(ip6(44, fragment_header(17, 0) + udp({})));
  EXPECT_FALSE(atomic.f.fragment);
  EXPECT_EQ(port(atomic.f.wide.destination_port), 7);
}

TEST_F(FlowTest, Malformed6) {
  const Bytes good = ip6(17, udp({1}));
  for (size_t n = 1; n < 40; ++n) {
    EXPECT_EQ(read_raw(Bytes(good.begin(), good.begin() + long(n))).f.kind, PacketFields::kMalformed) << n;
  }
  // An extension header past the end: what is known stays known.
  Read r = read_raw(ip6(60, Bytes{17, 200} + Bytes(30)));
  EXPECT_EQ(r.f.kind, PacketFields::kWide);
  EXPECT_EQ(r.f.wide.protocol, 60);
  EXPECT_EQ(r.f.wide.destination_port, 0);
}

// Every truncation and many mutations of good packets: offsets stay inside.
TEST_F(FlowTest, LyingBytesNeverLeadOutside) {
  std::mt19937 random(3);
  const Bytes seeds[] = {
      ip4(17, udp({1, 2, 3})),
      ip4(6, tcp(8, Bytes(20)), 0, 12),
      ip6(0, extension(44, 1) + fragment_header(60, 0) + extension(17, 0) + udp({1})),
      ip6(51, Bytes{6, 2} + Bytes(14) + tcp(5, {})),
  };
  for (int i = 0; i < 40000; ++i) {
    const Bytes& seed = seeds[random() % std::size(seeds)];
    Bytes b = random() % 2 == 0 ? seed : ethernet(seed[0] >> 4 == 4 ? 0x0800 : 0x86dd) + seed;
    const Link link = b.size() == seed.size() ? Link::kRaw : Link::kEthernet;
    for (unsigned n = random() % 4; n > 0; --n) b[random() % b.size()] = uint8_t(random());
    b.resize(random() % (b.size() + 1));
    const Read r = read(link, b);
    ASSERT_LE(r.l3, int(b.size()));
    ASSERT_LE(r.l4, int(b.size()));
    ASSERT_LE(r.l3, r.l4);
    ASSERT_LE(r.f.payload, b.size());
  }
}

// What few instructions read is what the complete reader reads.
TEST_F(FlowTest, ThePlainWayAgreesWithTheCompleteOne) {
  std::mt19937 random(5);
  const Bytes seeds[] = {ip4(17, udp(Bytes(20))), ip4(6, tcp(5, Bytes(6))), ip4(6, tcp(6, Bytes(4))),
                         ip4(17, udp({}))};
  size_t plain = 0;
  for (int i = 0; i < 40000; ++i) {
    Bytes b = seeds[random() % std::size(seeds)] + Bytes(random() % 20);
    if (random() % 2 == 0) b[random() % b.size()] = uint8_t(random());
    if (random() % 4 == 0) b.resize(random() % b.size() + 1);
    PacketPtr p = pool_->copy(b);
    PacketFields one, all;
    if (!flow::read_plain<Link::kRaw>(*p, one)) continue;
    ++plain;
    const uint16_t l3 = p->l3, l4 = p->l4;
    flow::read_any(Link::kRaw, *p, all);
    ASSERT_EQ(p->l3, l3);
    ASSERT_EQ(p->l4, l4);
    ASSERT_EQ(one.kind, all.kind);
    ASSERT_EQ(one.fragment, all.fragment);
    ASSERT_EQ(one.to_node, all.to_node);
    ASSERT_EQ(one.link_protocol, all.link_protocol);
    ASSERT_EQ(one.payload, all.payload);
    ASSERT_EQ(one.end, all.end);
    ASSERT_EQ(std::memcmp(&one.narrow, &all.narrow, sizeof one.narrow), 0);
  }
  EXPECT_GT(plain, 10000u);
}

// Four are looked at together where they are alike: what is seen of each is what is seen of it alone.
TEST_F(FlowTest, AGlanceAtAVectorIsAGlanceAtEach) {
  std::mt19937 random(7);
  const Fib fib;
  const TupleTable<NarrowFields> narrow;
  const TupleTable<WideFields> wide;
  const Transit transit{fib, narrow.filter().at_port(3), wide.filter().at_port(3), 3};
  const Bytes tail = Bytes(40);
  for (const Link link : {Link::kRaw, Link::kEthernet}) {
    const auto on_link = [&](unsigned type, const Bytes& b) {
      return link == Link::kEthernet ? ethernet(type) + b : b;
    };
    const Bytes kinds[] = {on_link(0x88b5, Bytes{0x01} + tail), on_link(0x88b5, Bytes{0x0f} + tail),
                           on_link(0x0806, Bytes{0x51} + tail), on_link(0x0100, Bytes{0x11} + tail),
                           on_link(0x0800, ip4(17, udp({}))),   on_link(0x86dd, ip6(17, udp({}))),
                           on_link(0x88b5, {0x01, 0x00})};
    size_t others = 0;
    for (int round = 0; round < 2000; ++round) {
      Pvec v;
      size_t kind = random() % std::size(kinds);
      for (int i = 0; i < 8; ++i) {
        if (random() % 8 == 0) kind = random() % std::size(kinds);
        v.push_back(pool_->copy(kinds[kind]));
      }
      Glance seen[8];
      FlowReader().glance(link, v, transit, seen);
      for (size_t i = 0; i < 8; ++i) {
        const Packet& p = *v[i];
        Pvec alone;
        alone.push_back(pool_->copy(Bytes(p.data, p.data + p.length)));
        Glance glance;
        FlowReader().glance(link, alone, transit, &glance);
        ASSERT_EQ(seen[i], glance);
        ASSERT_EQ(p.in_port, 3);
        others += glance.kind() == Glance::kOther;
        if (glance.kind() != Glance::kNothing) {
          ASSERT_EQ(p.l3, alone[0]->l3);
          ASSERT_EQ(p.l4, alone[0]->l4);
        }
        alone.clear();
      }
      v.clear();
    }
    EXPECT_GT(others, 1000u);
  }
}

// A glance routes what the fields would route, and nothing that a tuple wants.
TEST_F(FlowTest, AGlanceAgreesWithTheFields) {
  const auto fib = std::make_unique<Fib>();
  const uint8_t ten[16] = {10}, twenty[16] = {0x20};
  ASSERT_TRUE(fib->ip4.insert(ten, 8, 3) && fib->ip6.insert(twenty, 3, 4));
  TupleTable<NarrowFields> narrow;
  TupleTable<WideFields> wide;
  const auto add_tcp_to_80 = [](auto& table, auto fields) {
    auto mask = fields;
    fields.protocol = 6;
    fields.destination_port = swap_be(uint16_t{80});
    fields.in_port = mask.in_port = 7;
    mask.protocol = 0xff;
    mask.destination_port = mask.in_port = 0xffff;
    ASSERT_TRUE(table.insert(fields, mask, 1));
  };
  add_tcp_to_80(narrow, NarrowFields{});
  add_tcp_to_80(wide, WideFields{});

  std::mt19937 random(6);
  const Bytes behind_option = Bytes{6, 0, 1, 2, 0, 0, 0, 0} + tcp(5, {});
  const Bytes seeds[] = {ip4(17, udp({})),   ip4(17, udp({})),      ip4(17, udp({})), ip4(6, tcp(5, {})),
                         ip6(6, tcp(5, {})), ip6(0, behind_option), ip6(17, udp({})), ip4(17, udp({}), 0, 4)};
  size_t routed[2] = {}, wanted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const uint16_t in_port = random() % 4 == 0 ? 8 : 7;
    const size_t kinds = random() % 2 == 0 ? 3 : std::size(seeds);
    Pvec v;
    for (int k = 0; k < 5; ++k) {
      Bytes b = ethernet(0);
      const Bytes& seed = seeds[random() % kinds];
      store_be16(&b[12], seed[0] >> 4 == 4 ? flow::kIp4 : flow::kIp6);
      b = b + seed;
      if (random() % 4 == 0) b[12 + random() % (b.size() - 12)] = uint8_t(random());
      v.push_back(pool_->copy(b));
    }
    Glance glances[5];
    const Transit transit{*fib, narrow.filter().at_port(in_port), wide.filter().at_port(in_port), in_port};
    FlowReader().glance(Link::kEthernet, v, transit, glances);
    for (int k = 0; k < 5; ++k) {
      Packet& p = *v[k];
      const uint16_t l3 = p.l3, l4 = p.l4;
      PacketFields all;
      flow::read_any(Link::kEthernet, p, all);
      all.kind == PacketFields::kWide ? all.wide.in_port = in_port : all.narrow.in_port = in_port;
      const bool is_wanted = (all.kind == PacketFields::kNarrow && narrow.find(all.narrow) != narrow.kNone) ||
                             (all.kind == PacketFields::kWide && wide.find(all.wide) != wide.kNone);
      wanted += is_wanted;
      const Glance::Kind kind = glances[k].kind();
      ASSERT_TRUE(!is_wanted || kind == Glance::kNothing);
      ASSERT_TRUE(kind != Glance::kOther || glances[k].what() == all.link_protocol);
      if (kind != Glance::kNarrow && kind != Glance::kWide) continue;
      const bool is_wide = kind == Glance::kWide;
      ++routed[is_wide];
      ASSERT_EQ(all.kind, is_wide ? PacketFields::kWide : PacketFields::kNarrow);
      ASSERT_FALSE(all.to_node);
      ASSERT_EQ(p.next_hop,
                is_wide ? fib->ip6.find(all.wide.destination) : fib->ip4.find(all.narrow.destination));
      ASSERT_EQ(glances[k].what(), p.next_hop);
      ASSERT_EQ(p.l3, l3);
      ASSERT_TRUE(is_wide || p.l4 == l4);  // extension headers are not looked behind
    }
    v.clear();
  }
  EXPECT_GT(routed[0], 10'000u);
  EXPECT_GT(routed[1], 1000u);
  EXPECT_GT(wanted, 1000u);
  EXPECT_EQ(pool_->in_use(), 0u);
}

}  // namespace
}  // namespace weft
