// SPDX-License-Identifier: Apache-2.0
#include "modules/fusion.h"

#include <random>

#include "tests/unit/modules/fusion_fixture.h"
#include "tests/unit/testing/allocations.h"

namespace weft {
namespace {

using test::bytes_of;
using test::TestPartner;

TEST_F(FusionTest, CleanPacketLeavesWithItsHeadersRewritten) {
  Path& path = add_a_to_b();
  sort(ethernet(0x0800) + std::string(Ip4{}));
  EXPECT_EQ(sent(kB), kToB + forwarded(Ip4{}));
  EXPECT_TRUE(slow.packets.empty());
  EXPECT_EQ(path.fused_packets(), 1u);
  EXPECT_EQ(path.ledger().in_packets, 1u);
  EXPECT_EQ(path.ledger().out_packets, 1u);
  EXPECT_EQ(path.ledger().in_bytes, 64u);
  EXPECT_EQ(path.ledger().out_bytes, 64u);
  EXPECT_EQ(path.account().bits(), 64u * 8);
  EXPECT_GT(path.account().cycles(), 0u);
}

// Four at once are counted as four by themselves are.
TEST_F(FusionTest, PaddingOfFourAtOnceIsCutOffAndCounted) {
  Path& path = add_a_to_b();
  const std::string ip = Ip4{.payload = "x"};
  Pvec v;
  for (size_t padding : {25, 0, 1, 1}) v.push_back(packet(ethernet(0x0800) + ip + std::string(padding, 'p')));
  fusion.sort(kA, v);
  flush();
  ASSERT_EQ(devices[kB]->taken().size(), 4u);
  for (auto& p : devices[kB]->taken()) EXPECT_EQ(test::bytes_of(*p), kToB + forwarded(ip));
  devices[kB]->lose_all();
  EXPECT_EQ(path.ledger().in_bytes, 4 * (14 + ip.size()) + 27);
  EXPECT_EQ(path.ledger().out_bytes, 4 * (14 + ip.size()));
}

TEST_F(FusionTest, LinkPaddingIsCutOff) {
  Path& path = add_a_to_b();
  Ip4 ip;
  ip.payload = "x";
  sort(ethernet(0x0800) + std::string(ip) + std::string(25, '\0'));
  EXPECT_EQ(sent(kB), kToB + forwarded(ip));
  EXPECT_EQ(path.ledger().in_bytes, 60u);
  EXPECT_EQ(path.ledger().out_bytes, 35u);
}

TEST_F(FusionTest, BetweenLinksWithAndWithoutAHeader) {
  Path& loses = add_path("a/ip -> raw", {"eth", "ip"});
  Path& gains = add_path("raw/ip -> b", {"ip", "eth"});
  Ip4 to_raw;
  to_raw.destination = {10, 3, 0, 1};
  sort(ethernet(0x0800) + std::string(to_raw));
  EXPECT_EQ(sent(kRaw), forwarded(to_raw));
  sort(std::string(Ip4{}), kRaw);
  EXPECT_EQ(sent(kB), kToB + forwarded(Ip4{}));
  const uint64_t length = std::string(Ip4{}).size();
  EXPECT_EQ(loses.ledger().in_bytes, length + 14);
  EXPECT_EQ(loses.ledger().out_bytes, length);
  EXPECT_EQ(gains.ledger().in_bytes, length);
  EXPECT_EQ(gains.ledger().out_bytes, length + 14);
  EXPECT_TRUE(slow.packets.empty());

  PacketPtr at_the_edge = packet(std::string(20, ' ') + std::string(Ip4{}));
  at_the_edge->pop(20);
  at_the_edge->data =
      std::copy_n(at_the_edge->data, at_the_edge->length, at_the_edge->room() + 40) - at_the_edge->length;
  sort(std::move(at_the_edge), kRaw);  // 8 bytes of headroom are not enough
  EXPECT_EQ(left(), std::string(Ip4{}));
}

TEST_F(FusionTest, BackOutOfTheSamePort) {
  add_path("a/ip -> a", {"eth", "ip", "eth"});
  Ip4 ip;
  ip.destination = {10, 4, 0, 1};
  sort(ethernet(0x0800) + std::string(ip));
  EXPECT_EQ(sent(kA), ethernet(0x0800, kNeighbour, kMacs[kA]) + forwarded(ip));
}

TEST_F(FusionTest, EveryTtl) {
  add_a_to_b();
  for (int ttl = 0; ttl < 256; ++ttl) {
    Ip4 ip;
    ip.ttl = uint8_t(ttl);
    sort(ethernet(0x0800) + std::string(ip));
    if (ttl <= 1) {
      EXPECT_EQ(left(), ethernet(0x0800) + std::string(ip));
    } else {
      EXPECT_EQ(sent(kB), kToB + forwarded(ip));
    }
  }
}

TEST_F(FusionTest, WhatIsNotPlainIsLeftUnchanged) {
  add_a_to_b();
  const std::string good = ethernet(0x0800) + std::string(Ip4{});
  const auto with = [&](auto change) {
    Ip4 ip;
    change(ip);
    return ethernet(0x0800) + std::string(ip);
  };
  const auto edited = [&](auto change) {
    std::string ip = Ip4{};
    change(ip);
    write_ip4_checksum(ip);
    return ethernet(0x0800) + ip;
  };
  for (size_t n = 0; n < 34; ++n) expect_left(good.substr(0, n), "shorter than its headers");
  expect_left(good.substr(0, 60), "shorter than it says");
  expect_left(ethernet(0x0800, kMacs[kB]) + std::string(Ip4{}), "MAC of another");
  expect_left(ethernet(0x0800, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) + std::string(Ip4{}), "broadcast");
  expect_left(ethernet(0x0806) + std::string(Ip4{}), "ARP");
  expect_left(ethernet(0x8100) + std::string(Ip4{}), "VLAN tag");
  expect_left(ethernet(0) + std::string(Ip4{}), "an 802.3 length");
  expect_left(edited([](std::string& ip) { ip[0] = 0x55; }), "version 5");
  expect_left(edited([](std::string& ip) { ip[0] = 0x46; }), "options");
  expect_left(edited([](std::string& ip) { ip[0] = 0x44; }), "header of 16 bytes");
  expect_left(edited([](std::string& ip) { ip.replace(2, 2, be16(19)); }), "total length below the header");
  expect_left(edited([](std::string& ip) { ip.replace(2, 2, be16(51)); }), "total length past the end");
  std::string bad = good;
  bad[14 + 10] ^= 1;
  expect_left(bad, "bad checksum");
  for (int first : {0, 127, 224, 239, 240, 255}) {
    expect_left(with([&](Ip4& ip) { ip.source = {char(first), 1, 1, 1}; }), "martian source");
    insert4({uint8_t(first)}, 8, 1);
    expect_left(with([&](Ip4& ip) { ip.destination = {char(first), 1, 1, 1}; }), "martian destination");
  }
  expect_left(with([](Ip4& ip) { ip.destination = {11, 0, 0, 1}; }), "no route");
  expect_left(with([](Ip4& ip) { ip.destination = {10, 5, 0, 1}; }), "local");
  expect_left(with([](Ip4& ip) { ip.destination = {10, 6, 0, 1}; }), "unresolved");
  expect_left(with([](Ip4& ip) { ip.destination = {10, 7, 0, 1}; }), "a port without lanes");
  expect_left(with([](Ip4& ip) { ip.destination = {10, 3, 0, 1}; }), "a path that is not there");
  expect_left(with([](Ip4& ip) { ip.payload = std::string(1481, 'x'); }), "larger than the MTU");
  sort(with([](Ip4& ip) { ip.payload = std::string(1480, 'x'); }));
  EXPECT_EQ(sent(kB).size(), 1514u);
}

// RFC 1812 section 5.3.7: a packet that claims to come from the node itself, or from all
// on one of its links.
TEST_F(FusionTest, OwnAndBroadcastSourcesAreLeft) {
  add_a_to_b();
  const auto from = [](int last) {
    return ethernet(0x0800) + std::string(Ip4{.source = {10, 1, 0, char(last)}});
  };
  const auto passes = [&](int last) {
    sort(from(last));
    EXPECT_EQ(sent(kB), kToB + forwarded(Ip4{.source = {10, 1, 0, char(last)}})) << last;
  };
  for (int last : {0, 1, 3, 255}) passes(last);
  addresses.set({{.family = 4, .port = kA, .address = {10, 1, 0, 1}, .length = 24},
                 {.family = 4, .port = kB, .address = {10, 1, 0, 3}, .length = 32}});
  for (int last = 0; last < 256; ++last) {
    if (last == 0 || last == 1 || last == 3 || last == 255) {
      expect_left(from(last), "own or broadcast");
    } else {
      passes(last);
    }
  }
  addresses.set({});
  passes(1);
}

// What the complete path will forward is not overtaken by what stands behind it.
TEST_F(FusionTest, NothingOvertakesWhatWasLeft) {
  add_a_to_b();
  Path& to_raw = add_path("a/ip -> raw", {"eth", "ip"});
  add_path("a/ip6 -> b", {"eth", "ip6", "eth"});
  const auto frame = [](uint8_t net, uint8_t ttl, const char* payload) {
    return ethernet(0x0800) +
           std::string(Ip4{.ttl = ttl, .destination = {10, char(net), 0, 1}, .payload = payload});
  };
  const auto with_options = [](uint8_t net, uint8_t ttl = 64) {
    std::string ip = Ip4{.ttl = ttl, .destination = {10, char(net), 0, 1}, .payload = "\1\1\1\1"};
    ip[0] = 0x46;
    write_ip4_checksum(ip);
    return ethernet(0x0800) + ip;
  };
  const auto in_two = [&](const std::string& bytes) {
    PacketPtr p = packet(bytes.substr(0, 20));
    PacketPtr rest = packet(bytes.substr(20));
    p->next = rest.release();
    p->segs = 2;
    return p;
  };
  const std::string six = ethernet(0x86dd) + std::string(Ip6{});
  // What is sorted at once, and what of it is left: "l", or passes: "p".
  const auto expect = [&](std::vector<PacketPtr> all, const std::string& verdicts) {
    std::vector<std::string> expected;
    ASSERT_EQ(all.size(), verdicts.size());
    Pvec v;
    size_t pass = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (verdicts[i] == 'l') expected.push_back(bytes_of(*all[i]));
      pass += verdicts[i] == 'p';
      v.push_back(std::move(all[i]));
    }
    fusion.sort(kA, v);
    std::vector<std::string> seen;
    for (auto& p : slow.packets) seen.push_back(bytes_of(*p));
    EXPECT_EQ(seen, expected) << verdicts;
    flush();
    size_t out = 0;
    for (auto& device : devices) {
      out += device->taken().size();
      device->lose_all();
    }
    EXPECT_EQ(out, pass) << verdicts;
    slow.packets.clear();
  };
  const auto list = [&](std::initializer_list<std::string> frames) {
    std::vector<PacketPtr> all;
    for (const std::string& f : frames) all.push_back(packet(f));
    return all;
  };
  expect(list({frame(2, 64, "1"), with_options(2), frame(2, 64, "2"), frame(3, 64, "3"), six,
               frame(2, 64, "4")}),
         "pllppl");
  // It is open again in the next pass, and counts what it passed.
  expect(list({frame(2, 64, "1"), frame(3, 64, "2")}), "pp");
  EXPECT_EQ(to_raw.fused_packets(), 2u);
  // What will not be forwarded is not waited for.
  std::string to_other = with_options(2);
  to_other[5] ^= 1;
  expect(list({frame(2, 1, "1"), with_options(2, 1), to_other, with_options(9), with_options(5),
               ethernet(0x0806) + "arp", ethernet(0x86dd) + std::string(Ip6{.hop_limit = 1}),
               frame(2, 64, "2"), six}),
         "lllllllpp");
  expect(list({ethernet(0x86dd) + std::string(Ip6{.next = 0}), frame(2, 64, "1"), six}), "lpl");
  std::vector<PacketPtr> chained;
  chained.push_back(in_two(frame(2, 64, "1")));
  chained.push_back(packet(frame(2, 64, "2")));
  expect(std::move(chained), "ll");
  expect(list({frame(2, 64, "1")}), "p");
}

TEST_F(FusionTest, SharedForeignAndOffloadedPackets) {
  add_a_to_b();
  const std::string good = ethernet(0x0800) + std::string(Ip4{});
  PacketPtr original = packet(good);
  sort(pool->clone(*original));
  EXPECT_EQ(left(), good);
  PacketPtr clone = pool->clone(*original);
  sort(std::move(original));  // its bytes are shared
  EXPECT_EQ(left(), good);
  EXPECT_EQ(bytes_of(*clone), good);
  clone.reset();

  PacketPtr super = packet(good);
  super->flags |= Packet::kOffload;
  super->offload() = {.segment_size = 8, .headers_length = 42, .kind = Offload::kUdp};
  sort(std::move(super));
  EXPECT_EQ(left(), good);

  std::string ring = good, read_only = good;
  Foreign writable{.release = [](Foreign*) {}, .writable = true}, fixed{.release = [](Foreign*) {}};
  sort(pool->attach(writable, reinterpret_cast<uint8_t*>(ring.data()), uint32_t(ring.size())));
  EXPECT_EQ(sent(kB), kToB + forwarded(Ip4{}));
  sort(pool->attach(fixed, reinterpret_cast<uint8_t*>(read_only.data()), uint32_t(read_only.size())));
  EXPECT_EQ(left(), good);
}

TEST_F(FusionTest, ChainsAreForwardedWhenTheFirstSegHoldsTheHeaders) {
  Path& path = add_a_to_b();
  const std::string good = ethernet(0x0800) + std::string(Ip4{});
  for (size_t first = 1; first <= good.size(); ++first) {
    PacketPtr p = packet(good.substr(0, first));
    PacketPtr rest = packet(good.substr(first) + "padding");
    p->next = rest.release();
    p->segs = 2;
    sort(std::move(p));
    if (first < 34) {
      EXPECT_EQ(left(), good + "padding");
    } else {
      EXPECT_EQ(sent(kB), kToB + forwarded(Ip4{}));
    }
  }
  EXPECT_EQ(path.ledger().in_bytes, path.fused_packets() * (good.size() + 7));
  EXPECT_EQ(path.ledger().out_bytes, path.fused_packets() * good.size());
}

TEST_F(FusionTest, Ip6) {
  Path& path = add_path("a/ip6 -> b", {"eth", "ip6", "eth"});
  add_a_to_b();
  const auto frame = [](const Ip6& ip) { return ethernet(0x86dd) + std::string(ip); };
  sort(frame({}) + "padding");
  EXPECT_EQ(sent(kB), kToB + forwarded(Ip6{}));  // the type is the next hop's
  EXPECT_EQ(path.fused_packets(), 1u);
  const std::string good = frame({});
  for (size_t n = 0; n < good.size(); ++n) expect_left(good.substr(0, n), "short");
  expect_left(frame({.hop_limit = 1}), "hop limit");
  expect_left(frame({.hop_limit = 0}), "hop limit");
  expect_left(frame({.next = 0}), "hop-by-hop options");
  expect_left(frame({.source = std::string(16, '\0')}), "unspecified source");
  expect_left(frame({.source = "\xff\x02" + std::string(14, '\0')}), "multicast source");
  expect_left(frame({.source = "\xfe\x80" + std::string(14, '\0')}), "link-local source");
  expect_left(frame({.destination = "\xff\x0e" + std::string(14, '\0')}), "multicast");
  expect_left(frame({.destination = "\xfe\x80" + std::string(14, '\0')}), "link-local");
  expect_left(frame({.destination = "\x20\x03" + std::string(14, '\0')}), "no route");
  expect_left(frame({.payload = std::string(1461, 'x')}), "larger than the MTU");
  expect_left(ethernet(0x86dd) + std::string(Ip4{}), "not its version");
  expect_left(ethernet(0x0800) + std::string(Ip6{}), "not its version");
  expect_left(ethernet(0) + std::string(Ip6{}), "an 802.3 length");
  const Address loopback = [] {
    Address a{};
    a[15] = 1;
    return a;
  }();
  ASSERT_TRUE(fib.ip6.insert(loopback.data(), 128, 1));
  expect_left(frame({.destination = std::string(15, '\0') + "\x01"}), "loopback");
}

TEST_F(FusionTest, TuplesAreFoundFirst) {
  add_a_to_b();
  add_path("a/ip6 -> b", {"eth", "ip6", "eth"});
  NarrowFields port7{.destination_port = swap_be(uint16_t{7}), .protocol = 17};
  ASSERT_TRUE(narrow.insert(port7, {.destination_port = 0xffff, .protocol = 0xff}, 1));
  WideFields wide_port7{.destination_port = swap_be(uint16_t{7}), .protocol = 17};
  ASSERT_TRUE(wide.insert(wide_port7, {.destination_port = 0xffff, .protocol = 0xff}, 1));
  expect_left(ethernet(0x0800) + std::string(Ip4{}), "bound");
  expect_left(ethernet(0x86dd) + std::string(Ip6{}), "bound");
  const auto passes = [&](const Ip4& ip, const char* why) {
    sort(ethernet(0x0800) + std::string(ip));
    EXPECT_EQ(sent(kB), kToB + forwarded(ip)) << why;
  };
  passes({.payload = be16(4000) + be16(8) + "x"}, "other port");
  passes({.protocol = 6}, "other protocol");
  passes({.fragment = 0x2000}, "a fragment has no ports");
  passes({.payload = be16(4000)}, "too short for ports");
  const std::string other = Ip6{.payload = be16(4000) + be16(8) + "x"};
  sort(ethernet(0x86dd) + other);
  EXPECT_EQ(sent(kB), kToB + forwarded(other));

  narrow.erase(port7, {.destination_port = 0xffff, .protocol = 0xff});
  ASSERT_TRUE(narrow.insert({.in_port = kB}, {.in_port = 0xffff}, 1));
  passes({}, "bound at another port");
  ASSERT_TRUE(narrow.insert({.local = 1}, {.local = 1}, 1));
  passes({}, "bound for the node itself");
}

TEST_F(FusionTest, GuardTakesOnlyPlainForwarding) {
  const std::vector<std::string> plain = {"eth", "ip", "eth"};
  const auto guard = [&](const std::string& text, std::vector<std::string> stages) {
    return fusion.guard(add_path(text, std::move(stages), false));
  };
  EXPECT_TRUE(guard("a/ip -> b", plain));
  EXPECT_TRUE(guard("a/eth/ip -> b/eth", plain));
  EXPECT_TRUE(guard("a/ip6 -> b", {"eth", "ip6", "eth"}));
  EXPECT_TRUE(guard("raw/ip -> raw", {"ip"}));
  EXPECT_FALSE(guard("a/ip", {"eth", "ip"}));
  EXPECT_FALSE(guard("a/ip (src=10.0.0.0/8) -> b", plain));
  EXPECT_FALSE(guard("a/ip -> b (ttl=9)", plain));
  EXPECT_FALSE(guard("a/ip/udp -> b", {"eth", "ip", "udp", "eth"}));
  EXPECT_FALSE(guard("a -> b", {}));
  EXPECT_FALSE(guard("a -> b", {"eth", "eth"}));
  EXPECT_FALSE(guard("a/ip -> unknown", plain));
  EXPECT_FALSE(guard("unknown/ip -> b", plain));
  EXPECT_FALSE(guard("raw/ip -> b", plain));
}

TEST_F(FusionTest, UndoneWhileTapped) {
  class Nothing final : public Tap {
    void see(size_t, Dir, const Pvec&) override {}
  } tap;
  Path& path = add_a_to_b();
  fusion.undo(path);
  path.set_tap(&tap);
  EXPECT_FALSE(fusion.guard(path));
  expect_left(ethernet(0x0800) + std::string(Ip4{}), "tapped");
  path.set_tap(nullptr);
  ASSERT_TRUE(fusion.guard(path));
  fusion.rewrite(path);
  sort(ethernet(0x0800) + std::string(Ip4{}));
  EXPECT_EQ(sent(kB), kToB + forwarded(Ip4{}));
}

// What the device refuses waits in the path, and what comes later does not overtake.
TEST_F(FusionTest, RefusedPacketsKeepTheirOrder) {
  Path& path =
      add_path("a/ip -> b", {"eth", "ip", "eth"}, true, {.in = {.packets = 16}, .out = {.packets = 16}});
  const auto numbered = [](int n) { return Ip4{.payload = "packet " + std::to_string(n)}; };
  const int batch = int(Pvec::kCapacity);
  devices[kB]->room = 0;
  for (int n = 0; n < batch + 3; ++n) sort(ethernet(0x0800) + std::string(numbered(n)));
  EXPECT_EQ(outs[kB]->waiting(), Pvec::kCapacity);
  // One was refused after its work was done; from then on packets go the whole path.
  EXPECT_EQ(path.out_queue(End::kFar).size(), 1u);
  EXPECT_EQ(slow.packets.size(), 2u);
  EXPECT_EQ(path.held(), 1u);
  EXPECT_EQ(path.ledger().in_packets, path.ledger().out_packets + path.held());

  devices[kB]->room = SIZE_MAX;
  for (auto& p : slow.packets) {  // as the demux would
    p->pop(14);
    path.enqueue(End::kNear, std::move(p));
  }
  slow.packets.clear();
  EXPECT_TRUE(path.flush());
  sort(ethernet(0x0800) + std::string(numbered(batch + 3)));
  EXPECT_EQ(slow.packets.size(), 1u) << "its in queue is not empty";
  slow.packets.clear();
  path.run();
  sort(ethernet(0x0800) + std::string(numbered(batch + 4)));
  EXPECT_TRUE(slow.packets.empty());
  flush();
  int expected = 0;
  for (auto& p : devices[kB]->taken()) {
    if (expected == batch + 3) ++expected;
    EXPECT_NE(bytes_of(*p).find("packet " + std::to_string(expected++)), std::string::npos);
  }
  EXPECT_EQ(expected, batch + 5);
  EXPECT_EQ(path.ledger().in_packets, path.ledger().out_packets);
}

// The same for whole vectors, of which the device takes as many as it likes.
TEST_F(FusionTest, VectorsToABusyDeviceKeepTheirOrder) {
  Path& path = add_a_to_b();
  std::mt19937 rng(11);
  int next_in = 0, next_out = 0;
  const auto leave = [&] {
    fusion.settle();
    outs[kB]->flush();
    path.flush();
    outs[kB]->flush();
    for (auto& p : devices[kB]->taken()) {
      const std::string bytes = bytes_of(*p);
      EXPECT_EQ(bytes.substr(bytes.find('#')), "#" + std::to_string(next_out++));
    }
    devices[kB]->lose_all();
    EXPECT_EQ(path.ledger().in_packets, path.ledger().out_packets + path.held());
  };
  for (int round = 0; round < 300; ++round) {
    Pvec v;
    for (size_t n = rng() % (Pvec::kCapacity + 1); n > 0; --n) {
      v.push_back(packet(ethernet(0x0800) + std::string(Ip4{.payload = "#" + std::to_string(next_in++)})));
    }
    devices[kB]->room = path.held() > 100 ? SIZE_MAX : rng() % 100;
    fusion.sort(kA, v);
    for (auto& p : slow.packets) {  // as the demux and the complete path would
      Pvec one;
      path.count_in(1, p->length);
      one.push_back(std::move(p));
      path.leave(End::kFar, one);
    }
    slow.packets.clear();
    leave();
  }
  devices[kB]->room = SIZE_MAX;
  leave();
  EXPECT_EQ(next_in, next_out);
  EXPECT_EQ(path.ledger().in_packets, uint64_t(next_in));
  EXPECT_EQ(path.ledger().in_bytes, path.ledger().out_bytes);
}

// Whole vectors of every size, good and bad mixed: nothing is lost or copied, and both
// kinds keep their order.  With a tuple that wants some of them, and without.
class FusionMixture : public FusionTest, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Tuples, FusionMixture, ::testing::Bool());

TEST_P(FusionMixture, KeepsOrder) {
  if (GetParam()) {
    ASSERT_TRUE(narrow.insert({.protocol = 6}, {.protocol = 0xff}, 1));
  }
  Path& to_b = add_a_to_b();
  Path& to_raw = add_path("a/ip -> raw", {"eth", "ip"});
  std::mt19937 rng(7);
  uint64_t in = 0, left_over = 0, out[kPorts] = {};
  for (size_t size = 1; size <= Pvec::kCapacity; ++size) {
    Pvec v;
    std::vector<std::string> expected_left, expected[kPorts];
    bool closed[kPorts]{};  // behind what was left
    for (size_t i = 0; i < size; ++i) {
      const bool ends_here = rng() % 8 == 0, wanted = rng() % 16 == 0;
      const uint16_t to = rng() % 8 == 0 ? kRaw : kB;
      Ip4 ip{.ttl = uint8_t(ends_here ? 1 : 2 + rng() % 200),
             .protocol = uint8_t(wanted ? 6 : 17),
             .payload = std::to_string(rng())};
      if (to == kRaw) ip.destination = {10, 3, 0, 1};
      closed[to] |= GetParam() && wanted && !ends_here;
      const std::string bytes = ethernet(0x0800) + std::string(ip);
      if (ends_here || closed[to]) {
        expected_left.push_back(bytes);
      } else {
        expected[to].push_back((to == kB ? kToB : "") + forwarded(ip));
      }
      v.push_back(packet(bytes));
    }
    in += size;
    const uint64_t copied = pool->bytes_copied();
    slow.packets.clear();
    fusion.sort(kA, v);
    EXPECT_EQ(pool->bytes_copied(), copied);
    flush();
    left_over += slow.packets.size();
    std::vector<std::string> got;
    for (auto& p : slow.packets) got.push_back(bytes_of(*p));
    EXPECT_EQ(got, expected_left);
    for (uint16_t port : {kB, kRaw}) {
      got.clear();
      for (auto& p : devices[port]->taken()) got.push_back(bytes_of(*p));
      EXPECT_EQ(got, expected[port]);
      out[port] += got.size();
      devices[port]->lose_all();
    }
  }
  EXPECT_EQ(in, left_over + out[kB] + out[kRaw]);
  EXPECT_EQ(to_b.ledger().out_packets, out[kB]);
  EXPECT_EQ(to_raw.ledger().out_packets, out[kRaw]);
}

TEST_F(FusionTest, AllocatesNothing) {
  add_a_to_b();
  class Device final : public Partner {
   public:
    Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{0}; }
    void close(Opening) override {}
    void push(Opening, Pvec& v) override { v.clear(); }
    void pull(Opening, Pvec&, size_t) override {}
    Result<Reply> control(Opening, const Request&) override { return Error{Code::kUnsupported, ""}; }
  } device;
  Port port = ports[kB];
  port.partner = &device;
  OutPort out(port);
  Fusion loop(fib, addresses, slow, narrow, wide);
  loop.add_port(ports[kA], *outs[kA]);
  loop.add_port(port, out);
  loop.rewrite(*paths[0]);
  const std::string bytes = ethernet(0x0800) + std::string(Ip4{});
  for (int round = 0; round < 100; ++round) {
    Pvec v;
    while (!v.full()) v.push_back(packet(bytes));
    const uint64_t copied = pool->bytes_copied();
    const uint64_t allocated = testing::allocations();
    loop.sort(kA, v);
    loop.settle();
    out.flush();
    EXPECT_EQ(testing::allocations(), allocated);
    EXPECT_EQ(pool->bytes_copied(), copied);
  }
  EXPECT_EQ(paths[0]->fused_packets(), 6400u);
}

// Random bytes and random damage: nothing is read outside, lost, or changed unless it
// is forwarded.
// In memory of exactly their size, so that a sanitizer sees what is read outside, and in a
// slot, as most packets come, by itself and with three of its kind.  What leaves is the same,
// and what is left is unchanged.
TEST_F(FusionTest, HostileBytes) {
  const Path& path = add_a_to_b();
  add_path("a/ip6 -> b", {"eth", "ip6", "eth"});
  add_path("raw/ip -> b", {"ip", "eth"});
  std::mt19937 rng(9);
  uint64_t from_slots = 0;
  for (int i = 0; i < 100'000; ++i) {
    const bool raw = rng() % 4 == 0;
    std::string bytes = rng() % 3 == 0 ? std::string(Ip6{}) : std::string(Ip4{});
    if (!raw) bytes = ethernet((bytes[0] & 0xf0) == 0x60 ? 0x86dd : 0x0800) + bytes;
    for (unsigned flips = rng() % 4; flips > 0; --flips) bytes[rng() % bytes.size()] ^= char(1u << rng() % 8);
    if (rng() % 4 == 0) bytes.resize(rng() % bytes.size());
    const auto fuse = [&](PacketPtr p) {
      sort(std::move(p), raw ? kRaw : kA);
      const std::string out = sent(kB), rest = left();
      slow.packets.clear();
      EXPECT_EQ(rest, out.empty() ? bytes : "");
      return out;
    };
    const uint64_t before = path.fused_packets();
    const std::string out = fuse(packet(bytes));
    from_slots += path.fused_packets() - before;

    Pvec four;
    while (four.size() < 4) four.push_back(packet(bytes));
    fusion.sort(raw ? kRaw : kA, four);
    flush();
    auto& ended = out.empty() ? slow.packets : devices[kB]->taken();
    EXPECT_EQ(ended.size(), 4u);
    for (auto& p : ended) EXPECT_EQ(test::bytes_of(*p), out.empty() ? bytes : out);
    slow.packets.clear();
    devices[kB]->lose_all();

    std::unique_ptr<char[]> exact(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    Foreign foreign{.release = [](Foreign*) {}, .writable = true};
    const std::string foreign_out =
        fuse(pool->attach(foreign, reinterpret_cast<uint8_t*>(exact.get()), uint32_t(bytes.size())));
    EXPECT_EQ(foreign_out, raw ? "" : out) << "without room for a link header it is left";
    ASSERT_FALSE(HasFailure()) << i;
  }
  EXPECT_GT(from_slots, 10'000u);
}

}  // namespace
}  // namespace weft
