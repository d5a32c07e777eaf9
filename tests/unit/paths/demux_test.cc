// SPDX-License-Identifier: Apache-2.0
#include "paths/demux.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "modules/flow.h"
#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/demux_node.h"

namespace weft {
namespace {

using test::DemuxNode;
using test::Ip4;
using test::Sent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DemuxTest : public ::testing::Test {
 protected:
  // A path whose far end keeps what comes out, bound by `key`.
  size_t bind(const std::string& text, const DemuxKey& key) { return node_.bind(text, key); }
  // Sends one packet in at port 0; the texts of the paths that got it.
  std::vector<std::string> send(const Sent& s) { return node_.send(s); }

  DemuxNode node_;
};

DemuxKey link(uint16_t protocol) {
  DemuxKey k;
  k.any_protocol = false;
  k.link_protocol = protocol;
  return k;
}
DemuxKey route(uint16_t out_port, uint16_t protocol = 0x0800) {
  DemuxKey k;
  k.shape = DemuxKey::kRoute;
  k.out_port = out_port;
  k.link_protocol = protocol;
  return k;
}
DemuxKey udp(uint16_t port, bool local = true) {
  DemuxKey k;
  k.shape = DemuxKey::kNarrow;
  k.narrow.protocol = 17;
  k.narrow_mask.protocol = 0xff;
  k.narrow.destination_port = swap_be(port);
  k.narrow_mask.destination_port = 0xffff;
  k.narrow.local = k.narrow_mask.local = local;
  return k;
}
DemuxKey from(DemuxKey k, std::array<uint8_t, 4> source) {
  std::copy(source.begin(), source.end(), k.narrow.source);
  std::fill(k.narrow_mask.source, k.narrow_mask.source + 4, 0xff);
  return k;
}
DemuxKey with(DemuxKey k, uint32_t offset, std::vector<uint8_t> value, std::vector<uint8_t> mask = {}) {
  if (mask.empty()) mask.assign(value.size(), 0xff);
  k.payload.push_back({offset, std::move(value), std::move(mask)});
  return k;
}
DemuxKey shared(DemuxKey k) {
  k.share = true;
  return k;
}

TEST_F(DemuxTest, LocalPacketsGoToTheirTuple) {
  bind("a/ip/udp (dstport=7)", udp(7));
  bind("a/ip", link(0x0800));
  EXPECT_THAT(send({.port = 7}), ElementsAre("a/ip/udp (dstport=7)"));
  EXPECT_THAT(send({.port = 8}), ElementsAre("a/ip"));
  EXPECT_THAT(send({.protocol = 6, .port = 7}), ElementsAre("a/ip"));
  EXPECT_THAT(send({.destination = node_.kForwarded, .port = 7}), ElementsAre("a/ip")) << "not for the node";
}

TEST_F(DemuxTest, MetadataIsSet) {
  bind("a/ip", link(0x0800));
  send({.destination = node_.kLocal});
  EXPECT_TRUE(node_.last().local);
  EXPECT_EQ(node_.last().next_hop, node_.hop_of(node_.kLocal));
  send({.destination = node_.kUnreachable});
  EXPECT_FALSE(node_.last().local);
  EXPECT_EQ(node_.last().next_hop, node_.hop_of(node_.kUnreachable));
  EXPECT_EQ(node_.last().in_port, 0);
  send({.destination = {224, 0, 0, 5}});
  EXPECT_TRUE(node_.last().local);
  send({.destination = {255, 255, 255, 255}});
  EXPECT_TRUE(node_.last().local);
}

TEST_F(DemuxTest, ForwardedPacketsGoToTheirPairOfPorts) {
  bind("a/ip -> b", route(1));
  bind("a/ip -> c", route(2));
  bind("a/ip6 -> b", route(1, 0x86dd));
  bind("a/ip", link(0x0800));
  EXPECT_THAT(send({.destination = node_.kForwarded}), ElementsAre("a/ip -> b"));
  EXPECT_EQ(node_.last().next_hop, node_.hop_of(node_.kForwarded));
  EXPECT_THAT(send({.destination = node_.kForwarded2}), ElementsAre("a/ip -> c"));
  EXPECT_THAT(send({.destination = node_.kResolved}), ElementsAre("a/ip -> b"));
  EXPECT_THAT(send({.destination = node_.kNoRoute}), ElementsAre("a/ip"));
  EXPECT_THAT(send({.destination = node_.kBlackhole}), ElementsAre("a/ip"));
  EXPECT_THAT(send({.wide = true, .destination = node_.kForwarded}), ElementsAre("a/ip6 -> b"));
  EXPECT_THAT(send({.wide = true, .destination = node_.kForwarded2}), IsEmpty());
  EXPECT_EQ(node_.demux().drops()[DropReason::kNoPath], 1u);
}

TEST_F(DemuxTest, ReasonsWhenNobodyIsThere) {
  auto reason = [&](const Sent& s) {
    uint64_t counts[kDropReasons];
    for (size_t i = 0; i < kDropReasons; ++i) counts[i] = node_.demux().drops()[DropReason(i)];
    EXPECT_THAT(send(s), IsEmpty());
    for (size_t i = 0; i < kDropReasons; ++i) {
      if (node_.demux().drops()[DropReason(i)] != counts[i]) return std::string(name(DropReason(i)));
    }
    return std::string("none");
  };
  EXPECT_EQ(reason({.destination = node_.kLocal}), "no_listener");
  EXPECT_EQ(reason({.destination = node_.kForwarded}), "no_path");
  EXPECT_EQ(reason({.destination = node_.kNoRoute}), "no_route");
  EXPECT_EQ(reason({.destination = node_.kUnreachable}), "no_route");
  EXPECT_EQ(reason({.destination = node_.kBlackhole}), "prohibited");
  EXPECT_EQ(reason({.destination = node_.kProhibit}), "prohibited");
  EXPECT_EQ(reason({.destination = node_.kKernel}), "for_kernel");
  EXPECT_EQ(reason({.raw = {0x45, 0, 0}}), "too_short");
  EXPECT_EQ(reason({.raw = {0x50, 0, 0}}), "unknown_protocol");
}

TEST_F(DemuxTest, TheKernelsAddresses) {
  bind("a/ip", link(0x0800));
  EXPECT_THAT(send({.destination = node_.kKernel}), IsEmpty());
  EXPECT_EQ(node_.demux().drops()[DropReason::kForKernel], 1u);
  bind("a/ip/udp (dstport=7)", udp(7));
  EXPECT_THAT(send({.destination = node_.kKernel, .port = 7}), ElementsAre("a/ip/udp (dstport=7)"));
  bind("a", {});
  EXPECT_THAT(send({.destination = node_.kKernel, .port = 9}), ElementsAre("a"));
}

// As for any other that is local.
TEST_F(DemuxTest, TheKernelsAddressesWhereTheKernelDoesNotHear) {
  DemuxKey own = link(0x0800);
  own.in_port = 1;
  EXPECT_THAT(node_.send({.destination = node_.kKernel}, 1), IsEmpty());
  EXPECT_EQ(node_.demux().drops()[DropReason::kNoListener], 1u);
  bind("b/ip", own);
  EXPECT_THAT(node_.send({.destination = node_.kKernel}, 1), ElementsAre("b/ip"));
  EXPECT_TRUE(node_.last().local);
  EXPECT_EQ(node_.demux().drops()[DropReason::kForKernel], 0u);
}

TEST_F(DemuxTest, MalformedGoesToTheStageThatKnowsWhy) {
  bind("a", {});
  EXPECT_THAT(send({.raw = {0x45, 0, 0}}), ElementsAre("a"));
  bind("a/ip", link(0x0800));
  EXPECT_THAT(send({.raw = {0x45, 0, 0}}), ElementsAre("a/ip"));
  EXPECT_THAT(send({.raw = {0x00, 0, 0}}), ElementsAre("a"));
  bind("a/pan", link(0x88b5));
  EXPECT_THAT(send({.raw = {0x00, 0, 0}}), ElementsAre("a/pan"));
}

TEST_F(DemuxTest, MoreBitsWinAcrossShapes) {
  bind("a/ip/udp (dstport=7)", udp(7));
  bind("a/ip/udp (dstport=7, src=10.9.9.9)", from(udp(7), {10, 9, 9, 9}));
  EXPECT_THAT(send({.source = {10, 9, 9, 9}, .port = 7}), ElementsAre("a/ip/udp (dstport=7, src=10.9.9.9)"));
  EXPECT_THAT(send({.source = {10, 9, 9, 8}, .port = 7}), ElementsAre("a/ip/udp (dstport=7)"));
}

TEST_F(DemuxTest, ATransitTupleIsComparedWithAllPackets) {
  bind("a/ip -> b", route(1));
  bind("a/ip/udp (dstport=7) -> c", udp(7, false));
  EXPECT_THAT(send({.destination = node_.kForwarded, .port = 7}), ElementsAre("a/ip/udp (dstport=7) -> c"));
  EXPECT_THAT(send({.destination = node_.kForwarded, .port = 8}), ElementsAre("a/ip -> b"));
  EXPECT_THAT(send({.destination = node_.kNoRoute, .port = 7}), ElementsAre("a/ip/udp (dstport=7) -> c"));
  EXPECT_THAT(send({.destination = node_.kLocal, .port = 7}), ElementsAre("a/ip/udp (dstport=7) -> c"));
  // One more bit: to this node.
  bind("a/ip/udp (dstport=7)", udp(7));
  EXPECT_THAT(send({.destination = node_.kLocal, .port = 7}), ElementsAre("a/ip/udp (dstport=7)"));
  EXPECT_THAT(send({.destination = node_.kForwarded, .port = 7}), ElementsAre("a/ip/udp (dstport=7) -> c"));
}

TEST_F(DemuxTest, AFusedLoopSeesWhatTuplesWantOfTransit) {
  const auto& transit = node_.demux().narrow_transit();
  NarrowFields f{};
  EXPECT_EQ(transit.find(f), transit.kNone);
  const size_t local = bind("a/ip/udp (dstport=7)", udp(7));
  f.protocol = 17;
  f.destination_port = swap_be(uint16_t{7});
  EXPECT_EQ(transit.find(f), transit.kNone) << "the packet is not to this node";
  const size_t crossing = bind("a/ip/udp (dstport=7) -> c", udp(7, false));
  EXPECT_NE(transit.find(f), transit.kNone);
  f.in_port = 1;
  EXPECT_EQ(transit.find(f), transit.kNone) << "another port";
  f.in_port = 0;
  node_.unbind(crossing);
  EXPECT_EQ(transit.find(f), transit.kNone);
  node_.unbind(local);
}

TEST_F(DemuxTest, EqualKeysAreRefused) {
  bind("a/ip/udp (dstport=7)", udp(7));
  EXPECT_THAT(node_.refused("a/ip/udp (dstport=7, x=1)", udp(7), Code::kExists),
              HasSubstr("its packets go to the path 'a/ip/udp (dstport=7)' already"));
  node_.refused("x", shared(udp(7)), Code::kExists);
  bind("a/ip", link(0x0800));
  node_.refused("a/ip", link(0x0800), Code::kExists);
  bind("a", {});
  node_.refused("a", {}, Code::kExists);
  bind("a/ip -> b", route(1));
  node_.refused("a/ip -> b", route(1), Code::kExists);
  // Equal but for the port that it comes in at.
  DemuxKey other = udp(7);
  other.in_port = 1;
  bind("b/ip/udp (dstport=7)", other);
}

TEST_F(DemuxTest, EquallySpecificKeysAreRefused) {
  bind("a/ip/udp (dstport=7)", udp(7));
  DemuxKey k = udp(7);
  std::swap(k.narrow.source_port, k.narrow.destination_port);
  std::swap(k.narrow_mask.source_port, k.narrow_mask.destination_port);
  EXPECT_THAT(node_.refused("a/ip/udp (srcport=7)", k, Code::kExists),
              HasSubstr("as specific as the path 'a/ip/udp (dstport=7)', and some packets match both"));
  // No packet has two protocols.
  k.narrow.protocol = 6;
  bind("a/ip/tcp (srcport=7)", k);
}

TEST_F(DemuxTest, KeysThatAreNone) {
  DemuxKey k = udp(7);
  k.in_port = 9;
  node_.refused("x", k, Code::kNotFound);
  node_.refused("x", route(9), Code::kNotFound);
  node_.refused("x", route(1, 0x0806), Code::kInvalid);
  node_.refused("x", with(udp(7), 0, {1}, {0xff, 0xff}), Code::kInvalid);
  node_.refused("x", with(udp(7), 0, std::vector<uint8_t>(2000)), Code::kLimit);
  EXPECT_THAT(send({.port = 7}), IsEmpty());
}

TEST_F(DemuxTest, AtMostSixteenShapes) {
  bind("a/ip", link(0x0800));
  for (int i = 0; i < 16; ++i) {
    DemuxKey k;
    k.shape = DemuxKey::kNarrow;
    k.narrow.local = k.narrow_mask.local = 1;
    k.narrow.protocol = 100;
    k.narrow_mask.protocol = 0xff;
    // Each has one bit more than the one before.
    for (int n = 0; n < i; ++n) k.narrow_mask.source[n / 8] |= uint8_t(0x80 >> n % 8);
    bind("p" + std::to_string(i), k);
  }
  EXPECT_THAT(node_.refused("x", udp(7), Code::kLimit), HasSubstr("16 shapes"));
  EXPECT_THAT(send({.port = 7}), ElementsAre("a/ip")) << "nothing is left behind";
}

TEST_F(DemuxTest, FragmentsNeverMatchPorts) {
  bind("a/ip", link(0x0800));
  bind("a/ip/udp (dstport=7)", udp(7));
  DemuxKey zero = udp(0);  // what a fragment's port would compare equal to
  bind("a/ip/udp (dstport=0)", zero);
  EXPECT_THAT(send({.port = 7, .fragment = true}), ElementsAre("a/ip"));
  DemuxKey any = udp(0);
  any.narrow_mask.destination_port = 0;
  bind("a/ip (proto=17)", any);
  EXPECT_THAT(send({.port = 7, .fragment = true}), ElementsAre("a/ip (proto=17)"));
  EXPECT_THAT(send({.port = 7}), ElementsAre("a/ip/udp (dstport=7)"));
}

TEST_F(DemuxTest, TheLongestPayloadKeyWins) {
  bind("plain", udp(7));
  bind("one", with(udp(7), 0, {'A'}));
  bind("two", with(udp(7), 0, {'A', 'B'}));
  bind("apart", with(with(udp(7), 0, {'A', 'C'}), 4, {0xf0}, {0xf0}));
  EXPECT_THAT(send({.port = 7, .payload = {'A', 'B'}}), ElementsAre("two"));
  EXPECT_THAT(send({.port = 7, .payload = {'A', 'C', 0, 0, 0xff}}), ElementsAre("apart"));
  EXPECT_THAT(send({.port = 7, .payload = {'A', 'C', 0, 0, 0x0f}}), ElementsAre("one"));
  EXPECT_THAT(send({.port = 7, .payload = {'A'}}), ElementsAre("one"));
  EXPECT_THAT(send({.port = 7, .payload = {'B'}}), ElementsAre("plain"));
  EXPECT_THAT(send({.port = 7, .payload = {}}), ElementsAre("plain"));
  node_.refused("x", with(udp(7), 0, {'A'}), Code::kExists);
  node_.refused("x", with(udp(7), 1, {'B'}), Code::kExists);  // "AB" would match both
  bind("other", with(udp(7), 0, {'B'}));
}

TEST_F(DemuxTest, WhenNoPayloadKeyMatchesALessSpecificTupleDoes) {
  bind("keyed", with(from(udp(7), {10, 9, 9, 9}), 0, {'A'}));
  bind("wide", udp(7));
  EXPECT_THAT(send({.source = {10, 9, 9, 9}, .port = 7, .payload = {'A'}}), ElementsAre("keyed"));
  EXPECT_THAT(send({.source = {10, 9, 9, 9}, .port = 7, .payload = {'B'}}), ElementsAre("wide"));
}

TEST_F(DemuxTest, PayloadKeysOfRoutesAndLinks) {
  bind("a/ip -> b", route(1));
  bind("a/ip -> b keyed", with(route(1), 0, {'A'}));
  bind("a", with({}, 0, {'A'}));
  EXPECT_THAT(send({.destination = node_.kForwarded, .payload = {'A'}}), ElementsAre("a/ip -> b keyed"));
  EXPECT_THAT(send({.destination = node_.kForwarded, .payload = {'B'}}), ElementsAre("a/ip -> b"));
  EXPECT_THAT(send({.destination = node_.kNoRoute, .payload = {'B'}}), IsEmpty());
  EXPECT_THAT(send({.destination = node_.kNoRoute, .payload = {'A'}}), ElementsAre("a"));
}

TEST_F(DemuxTest, PayloadIsReadAcrossSegsAndNotInThePadding) {
  bind("plain", udp(7));
  bind("keyed", with(udp(7), 1, {'B', 'C', 0}));
  EXPECT_THAT(send({.port = 7, .payload = {'A', 'B', 'C', 0}}), ElementsAre("keyed"));
  for (uint32_t split = 28; split < 32; ++split) {
    EXPECT_THAT(send({.port = 7, .payload = {'A', 'B', 'C', 0}, .split = split}), ElementsAre("keyed"))
        << split;
    EXPECT_THAT(send({.port = 7, .payload = {'A', 'B', 'D', 0}, .split = split}), ElementsAre("plain"))
        << split;
  }
  EXPECT_THAT(send({.port = 7, .payload = {'A', 'B', 'C'}, .padding = 5}), ElementsAre("plain"));
  bind("far", with(udp(7), 0xffffffff, {0, 0, 0, 0}));
  EXPECT_THAT(send({.port = 7, .payload = {'A'}}), ElementsAre("plain"));
}

TEST_F(DemuxTest, SharedKeysGiveEachPathAClone) {
  bind("one", shared(udp(7)));
  const size_t two = bind("two", shared(udp(7)));
  bind("three", shared(udp(7)));
  node_.refused("four", udp(7), Code::kExists);
  EXPECT_THAT(send({.port = 7}), ElementsAre("one", "two", "three"));
  EXPECT_EQ(node_.demux().copied(), 2u);
  node_.unbind(two);
  EXPECT_THAT(send({.port = 7}), ElementsAre("one", "three"));
}

TEST_F(DemuxTest, ACloneDoesNotOvertake) {
  const DemuxKey wanted = shared(udp(7, false));
  bind("whole", wanted);
  const size_t clones = bind("clones", wanted);
  ASSERT_TRUE(node_.demux().bind(route(1), node_.path(clones)));
  Pvec v;
  v.push_back(node_.make({.destination = node_.kForwarded, .port = 8}));
  v.push_back(node_.make({.destination = node_.kResolved, .port = 7}));
  node_.demux().sort(0, v);
  EXPECT_THAT(node_.run(), ElementsAre("whole", "clones", "clones"));
  EXPECT_EQ(node_.last().next_hop, node_.hop_of(node_.kResolved));
}

TEST_F(DemuxTest, ACloneThatCannotBeMadeIsCounted) {
  bind("one", shared(udp(7)));
  bind("two", shared(udp(7)));
  std::vector<PacketPtr> taken;
  while (node_.pool().available() > 1) taken.push_back(node_.pool().alloc());
  EXPECT_THAT(send({.port = 7}), ElementsAre("one"));
  EXPECT_EQ(node_.demux().drops()[DropReason::kPoolExhausted], 1u);
  EXPECT_EQ(node_.demux().copied(), 1u);
}

TEST_F(DemuxTest, UnbindTakesEverythingAway) {
  const size_t tuple = bind("tuple", udp(7));
  const size_t protocol = bind("a/ip", link(0x0800));
  const size_t port = bind("a", {});
  const size_t routed = bind("a/ip -> b", route(1));
  EXPECT_THAT(send({.port = 7}), ElementsAre("tuple"));
  node_.unbind(tuple);
  EXPECT_THAT(send({.port = 7}), ElementsAre("a/ip"));
  node_.unbind(protocol);
  EXPECT_THAT(send({.port = 7}), ElementsAre("a"));
  EXPECT_THAT(send({.destination = node_.kForwarded}), ElementsAre("a/ip -> b"));
  node_.unbind(routed);
  EXPECT_THAT(send({.destination = node_.kForwarded}), ElementsAre("a"));
  node_.unbind(port);
  node_.unbind(port);
  EXPECT_THAT(send({.port = 7}), IsEmpty());
}

TEST_F(DemuxTest, AFullQueueDropsAtThePath) {
  const size_t path = node_.bind("a/ip", link(0x0800), {.in = {.packets = 4}});
  for (int i = 0; i < 6; ++i) node_.enqueue({});
  EXPECT_EQ(node_.path(path).dropped(DropReason::kInQueueFull), 2u);
  EXPECT_EQ(node_.path(path).held(), 4u);
}

TEST_F(DemuxTest, AVectorForSeveralPathsKeepsItsOrder) {
  bind("a/ip", link(0x0800));
  const size_t small = node_.bind("a/ip -> b", route(1), {.in = {.packets = 4}});
  bind("one", shared(udp(7)));
  bind("two", shared(udp(7)));
  const Ip4 order[] = {node_.kForwarded, node_.kForwarded, node_.kNoRoute,   node_.kForwarded, node_.kLocal,
                       node_.kForwarded, node_.kForwarded, node_.kForwarded, node_.kNoRoute};
  Pvec v;
  for (const Ip4& to : order) v.push_back(node_.make({.destination = to, .port = 7}));
  v.push_back(node_.make({.raw = {0x50}}));  // dropped
  node_.demux().sort(0, v);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(node_.path(small).held(), 4u);
  EXPECT_EQ(node_.path(small).dropped(DropReason::kInQueueFull), 2u);
  EXPECT_EQ(node_.path(small).ledger().in_packets, 6u);
  EXPECT_EQ(node_.path(small).ledger().in_bytes, 6u * 28);
  EXPECT_THAT(node_.run(),
              ElementsAre("a/ip", "a/ip", "a/ip -> b", "a/ip -> b", "a/ip -> b", "a/ip -> b", "one", "two"));
}

TEST_F(DemuxTest, SortingDoesNotAllocate) {
  bind("a/ip", link(0x0800));
  bind("keyed", with(udp(7), 0, {'A'}));
  bind("one", shared(udp(8)));
  bind("two", shared(udp(8)));
  bind("a/ip -> b", route(1));
  bind("transit", from(udp(9, false), {10, 9, 9, 9}));
  const Sent kinds[] = {{.port = 7, .payload = {'A'}},
                        {.port = 8},
                        {.destination = node_.kForwarded},
                        {.destination = node_.kNoRoute},
                        {.source = {10, 9, 9, 9}, .port = 9},
                        {.raw = {0x50}},
                        {.wide = true},
                        {.port = 7, .fragment = true}};
  for (const Sent& s : kinds) {
    Pvec v;
    for (int i = 0; i < 32; ++i) v.push_back(node_.make(s));
    const uint64_t before = testing::allocations();
    node_.demux().sort(0, v);
    EXPECT_EQ(testing::allocations(), before);
    EXPECT_TRUE(v.empty());
    node_.run();
  }
}

}  // namespace
}  // namespace weft
