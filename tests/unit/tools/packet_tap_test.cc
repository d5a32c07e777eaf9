// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/packet_tap.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

// An IPv4 packet in front of `payload` more bytes.
PacketPtr packet(Pool& pool, uint8_t protocol, size_t payload = 8) {
  std::vector<uint8_t> bytes(20 + payload);
  bytes[0] = 0x45;
  bytes[9] = protocol;
  PacketPtr p = pool.copy(bytes);
  p->l3 = uint16_t(p->data - p->window());
  return p;
}

class PacketTapTest : public ::testing::Test {
 protected:
  PacketTapTest() : pool_(*Pool::create({.packets = 256, .pages = PageKind::k4K})) {}

  std::unique_ptr<PacketTap> tap(TapOptions options, const std::string& filter = "") {
    return std::make_unique<PacketTap>(options, PacketTap::Ends{Link::kRaw, Link::kRaw}, 2, *pool_,
                                       *PacketFilter::compile(filter));
  }
  static std::vector<TapRecord> records(PacketTap& tap) {
    std::vector<TapRecord> all;
    TapRecord record;
    std::string bytes;
    while (tap.ring().take(record, bytes)) {
      EXPECT_EQ(bytes.size(), record.captured);
      all.push_back(record);
    }
    return all;
  }

  std::unique_ptr<Pool> pool_;
};

TEST_F(PacketTapTest, FollowsAPacketFromGateToGate) {
  auto t = tap({.limit = 1});
  Pvec v;
  v.push_back(packet(*pool_, 17));
  v.push_back(packet(*pool_, 17));
  for (size_t gate : {0, 1, 2}) t->see(gate, Dir::kForward, v);
  const auto seen = records(*t);
  ASSERT_EQ(seen.size(), 3u);
  for (size_t gate : {0, 1, 2}) {
    EXPECT_EQ(seen[gate].place, gate);
    EXPECT_EQ(seen[gate].packet, 1u);
    EXPECT_EQ(seen[gate].length, 28u);
  }
  EXPECT_TRUE(t->limit_reached());
  v.clear();
}

TEST_F(PacketTapTest, TellsWhatThePacketBeginsWithAtEachGate) {
  PacketTap t({.limit = 4}, PacketTap::Ends{Link::kEthernet, std::nullopt}, 2, *pool_,
              *PacketFilter::compile(""));
  Pvec v;
  v.push_back(packet(*pool_, 17));
  Packet& p = *v[0];
  p.l3 = uint16_t(p.data - p.window());
  p.push(14);
  t.see(0, Dir::kForward, v);  // a frame
  p.pop(14);
  t.see(1, Dir::kForward, v);  // IP
  p.pop(28);
  t.see(2, Dir::kForward, v);  // what an EE gets
  const auto seen = records(t);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_TRUE(seen[0].link_header && !seen[0].payload);
  EXPECT_TRUE(!seen[1].link_header && !seen[1].payload);
  EXPECT_TRUE(!seen[2].link_header && seen[2].payload);
  v.clear();
}

TEST_F(PacketTapTest, TheFilterChoosesAtTheFirstGate) {
  auto t = tap({}, "udp");
  Pvec v;
  for (uint8_t protocol : {6, 17, 1, 17}) v.push_back(packet(*pool_, protocol));
  t->see(0, Dir::kForward, v);
  t->see(1, Dir::kForward, v);
  EXPECT_EQ(records(*t).size(), 4u);
  EXPECT_EQ(t->chosen(), 2u);
  v.clear();
}

TEST_F(PacketTapTest, ASlotThatCarriesAnotherPacketIsAnotherPacket) {
  auto t = tap({});
  for (uint32_t expected : {1u, 2u}) {
    Pvec v;
    v.push_back(packet(*pool_, 17));  // the slot of the last one: the free list is a stack
    t->see(0, Dir::kForward, v);
    EXPECT_EQ(records(*t).at(0).packet, expected);
    v.clear();
  }
}

TEST_F(PacketTapTest, ALossIsTheLastRecord) {
  auto t = tap({});
  Pvec v;
  v.push_back(packet(*pool_, 17));
  t->see(0, Dir::kForward, v);
  t->lost(1, *v[0], DropReason::kTtlExpired);
  t->lost(1, *v[0], DropReason::kTtlExpired);  // no longer followed
  const auto seen = records(*t);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].kind, TapRecord::kLost);
  EXPECT_EQ(seen[1].reason, DropReason::kTtlExpired);
  v.clear();
}

TEST_F(PacketTapTest, ACaptureSeesItsGateOnly) {
  auto near = tap({.gates = {GateChoice::kGate, 0}});
  auto stage = tap({.gates = {GateChoice::kStage, 1}});
  Pvec v;
  v.push_back(packet(*pool_, 17));
  for (PacketTap* t : {near.get(), stage.get()}) {
    for (size_t gate : {0, 1, 2}) t->see(gate, Dir::kForward, v);
    for (size_t gate : {2, 1, 0}) t->see(gate, Dir::kBackward, v);
  }
  const auto at_near = records(*near);
  ASSERT_EQ(at_near.size(), 2u);
  EXPECT_TRUE(at_near[0].place == 0 && at_near[1].place == 0);
  // Stage 1 stands between gates 1 and 2: entered forward at 1, backward at 2.
  const auto at_stage = records(*stage);
  ASSERT_EQ(at_stage.size(), 2u);
  EXPECT_TRUE(at_stage[0].place == 1 && at_stage[0].dir == Dir::kForward);
  EXPECT_TRUE(at_stage[1].place == 2 && at_stage[1].dir == Dir::kBackward);
  v.clear();
}

TEST_F(PacketTapTest, SnapsAndGathersChains) {
  auto t = tap({.snap = 5000});
  Pvec v;
  v.push_back(packet(*pool_, 17, 6000));
  ASSERT_GT(v[0]->segs, 1);
  t->see(0, Dir::kForward, v);
  const auto seen = records(*t);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].captured, 5000u);
  EXPECT_EQ(seen[0].length, 6020u);
  v.clear();
}

TEST_F(PacketTapTest, AFullRingLosesAndCounts) {
  auto t = tap({.ring_bytes = 200});
  Pvec v;
  for (int i = 0; i < 10; ++i) v.push_back(packet(*pool_, 17));
  t->see(0, Dir::kForward, v);
  const auto seen = records(*t);
  EXPECT_EQ(seen.size() + t->ring().lost(), 10u);
  EXPECT_GT(t->ring().lost(), 0u);
  v.clear();
}

TEST_F(PacketTapTest, TheLimitCountsWhatIsRecorded) {
  auto t = tap({.gates = {GateChoice::kGate, 0}, .limit = 12, .ring_bytes = 200});
  Pvec v;
  for (int i = 0; i < 10; ++i) v.push_back(packet(*pool_, 17));
  size_t recorded = 0;
  for (int turns = 0; !t->limit_reached() && turns < 100; ++turns) {
    t->see(0, Dir::kForward, v);
    recorded += records(*t).size();
  }
  EXPECT_EQ(recorded, 12u);
  EXPECT_EQ(t->chosen(), 12u);
  EXPECT_GT(t->ring().lost(), 0u);
  v.clear();
}

TEST(PacketFilter, SaysWhatIsWrong) {
  const auto filter = PacketFilter::compile("udp prot 7");
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().sentence.substr(0, 21), "filter 'udp prot 7': ");
}

}  // namespace
}  // namespace weft
