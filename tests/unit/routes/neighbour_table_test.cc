// SPDX-License-Identifier: Apache-2.0
#include "routes/neighbour_table.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace weft {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr MacAddress kMac{2, 0, 0, 0, 0, 1};
constexpr MacAddress kOther{2, 0, 0, 0, 0, 2};

NeighbourKey host(uint32_t n, uint16_t port = 0) { return {port, 4, {10, 0, uint8_t(n >> 8), uint8_t(n)}}; }

class NeighbourTableTest : public ::testing::Test, public LinkAsker, public NeighbourListener {
 protected:
  NeighbourTableTest() {
    table.add_port(0, false);
    table.add_port(1, true);
  }
  void ask(uint16_t, uint8_t, const Address&, unsigned attempt, const MacAddress* known) override {
    asked.push_back(attempt);
    alone.push_back(known == nullptr ? MacAddress{} : *known);
  }
  void neighbour_up(const NeighbourKey& who, const MacAddress& mac) override { up[who] = mac; }
  void neighbour_gone(const NeighbourKey& who) override { up.erase(who); }
  void neighbour_failed(const NeighbourKey& who) override {
    up.erase(who);
    failed.push_back(who);
  }
  uint64_t now() const { return clock.now_ns(); }
  // Turns the clock, stopping wherever the table has something to do.
  void pass(uint64_t ns) {
    const uint64_t end = now() + ns;
    while (table.next_due_ns() <= end) {
      if (table.next_due_ns() > now()) clock.advance_ns(table.next_due_ns() - now());
      table.on_timer(now());
    }
    clock.advance_ns(end - now());
  }
  NeighbourState state(const NeighbourKey& who) const {
    for (const auto& v : table.view()) {
      if (v.who == who) return v.state;
    }
    ADD_FAILURE() << "not in the table";
    return NeighbourState::kFailed;
  }

  ManualClock clock;
  NeighbourTable table{*this, *this};
  std::vector<unsigned> asked;
  std::vector<MacAddress> alone;  // who was asked, each time; zero: everyone
  std::map<NeighbourKey, MacAddress> up;
  std::vector<NeighbourKey> failed;
};

TEST_F(NeighbourTableTest, AsksAndIsAnswered) {
  table.wanted(host(1), now());
  EXPECT_EQ(asked, std::vector<unsigned>{1});
  table.wanted(host(1), now());
  EXPECT_EQ(asked.size(), 1u);  // already asked
  table.heard(host(1), kMac, true, false, now());
  EXPECT_EQ(up.at(host(1)), kMac);
  ASSERT_NE(table.mac(host(1)), nullptr);
  table.wanted(host(1), now());
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(NeighbourTableTest, AsksThreeTimesASecondApartThenIsSilentForAWhile) {
  table.wanted(host(1), now());
  pass(kSecond);
  EXPECT_EQ(asked, (std::vector<unsigned>{1, 2}));
  pass(kSecond);
  EXPECT_EQ(asked, (std::vector<unsigned>{1, 2, 3}));
  EXPECT_TRUE(failed.empty());
  pass(kSecond);
  EXPECT_EQ(failed, std::vector<NeighbourKey>{host(1)});
  table.wanted(host(1), now());  // known not to answer
  EXPECT_EQ(asked.size(), 3u);
  EXPECT_EQ(failed.size(), 2u);
  pass(NeighbourTable::kSilenceNs);
  EXPECT_EQ(table.size(), 0u);
  table.wanted(host(1), now());
  EXPECT_EQ(asked.size(), 4u);
}

TEST_F(NeighbourTableTest, ConfirmsBeforeItGrowsOld) {
  table.wanted(host(1), now());
  table.heard(host(1), kMac, true, false, now());
  asked.clear();
  pass(NeighbourTable::kConfirmNs);
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_EQ(state(host(1)), NeighbourState::kProbe);
  EXPECT_TRUE(up.contains(host(1)));  // usable meanwhile
  table.heard(host(1), kMac, true, false, now());
  EXPECT_EQ(state(host(1)), NeighbourState::kReachable);
  pass(NeighbourTable::kConfirmNs + 3 * kSecond);  // now it is silent
  EXPECT_FALSE(up.contains(host(1)));
  EXPECT_EQ(failed, std::vector<NeighbourKey>{host(1)});
}

TEST_F(NeighbourTableTest, WhoIsKnownIsAskedAloneFirst) {
  table.wanted(host(1), now());
  table.heard(host(1), kMac, true, false, now());
  pass(NeighbourTable::kConfirmNs + kSecond);
  EXPECT_EQ(alone, (std::vector<MacAddress>{{}, kMac, {}}));
  table.heard(host(1), kMac, true, false, now());
  alone.clear();
  // Somebody else says that he has the address: whoever has it may answer.
  table.heard(host(1), kOther, false, true, now());
  EXPECT_EQ(alone, std::vector<MacAddress>{MacAddress{}});
}

// RFC 4861 section 7.2.5: without the override flag, what is known stays.
TEST_F(NeighbourTableTest, AnAnswerThatDoesNotOverride) {
  table.wanted(host(1), now());
  table.heard(host(1), kMac, true, false, now(), false);
  EXPECT_EQ(up.at(host(1)), kMac);  // nothing was known
  table.heard(host(1), kOther, true, false, now(), false);
  EXPECT_EQ(up.at(host(1)), kMac);
  EXPECT_EQ(state(host(1)), NeighbourState::kProbe);
  table.heard(host(1), kOther, true, false, now(), false);
  EXPECT_EQ(state(host(1)), NeighbourState::kProbe);
  table.heard(host(1), kMac, true, false, now(), false);
  EXPECT_EQ(state(host(1)), NeighbourState::kReachable);
  table.heard(host(2), kMac, false, true, now());
  table.heard(host(2), kOther, false, true, now(), false);
  table.wanted(host(2), now());
  EXPECT_EQ(up.at(host(2)), kMac);
}

TEST_F(NeighbourTableTest, AGatewayIsAskedForAtOnceAndAgainAfterEachFailure) {
  table.keep(host(1), now());
  EXPECT_EQ(asked.size(), 1u);
  pass(3 * kSecond);
  EXPECT_EQ(failed.size(), 1u);
  pass(NeighbourTable::kSilenceNs);
  EXPECT_EQ(asked.size(), 4u);
  EXPECT_EQ(table.size(), 1u);
  table.heard(host(1), kMac, true, false, now());
  EXPECT_TRUE(up.contains(host(1)));
}

TEST_F(NeighbourTableTest, StrangersAreNotLearned) {
  table.heard(host(9), kMac, false, false, now());
  table.heard(host(9), kMac, true, false, now());
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(NeighbourTableTest, WhoAskedForUsIsKnownWhenWanted) {
  table.heard(host(1), kMac, false, true, now());
  EXPECT_TRUE(up.empty());
  table.wanted(host(1), now());
  EXPECT_EQ(up.at(host(1)), kMac);
  EXPECT_EQ(asked.size(), 1u);  // and is confirmed
}

TEST_F(NeighbourTableTest, AnotherMacHasToAnswerFirst) {
  table.wanted(host(1), now());
  table.heard(host(1), kMac, true, false, now());
  asked.clear();
  table.heard(host(1), kOther, false, true, now());
  EXPECT_EQ(up.at(host(1)), kMac);
  EXPECT_EQ(asked.size(), 1u);
  table.heard(host(1), kOther, false, true, now());
  EXPECT_EQ(asked.size(), 1u);
  table.heard(host(1), kOther, true, false, now());
  EXPECT_EQ(up.at(host(1)), kOther);
}

TEST_F(NeighbourTableTest, FloodsStayBoundedAndPushOutNothingThatIsUsed) {
  table.wanted(host(1), now());
  table.heard(host(1), kMac, true, false, now());
  table.keep(host(2), now());
  table.heard(host(2), kMac, true, false, now());
  for (uint32_t n = 0; n < 6000; ++n) {
    table.heard({0, 4, {172, 16, uint8_t(n >> 8), uint8_t(n)}}, kOther, false, true, now());
  }
  EXPECT_EQ(table.size(), NeighbourTable::kMaxOnLink);
  EXPECT_TRUE(up.contains(host(1)) && up.contains(host(2)));
  for (uint32_t n = 10; n < 6000; ++n) table.wanted(host(n), now());  // a scan
  EXPECT_EQ(table.size(), NeighbourTable::kMaxOnLink);
  EXPECT_TRUE(up.contains(host(2)));  // the gateway stays
  // All in use or asked for: a stranger finds no room.
  table.heard({0, 4, {172, 16, 0, 1}}, kOther, false, true, now());
  EXPECT_EQ(table.size(), NeighbourTable::kMaxOnLink);
}

TEST_F(NeighbourTableTest, TheKernelIsFollowedAndToldOfUse) {
  const NeighbourKey who = host(1, 1);
  table.wanted(who, now());
  EXPECT_EQ(asked.size(), 1u);
  table.kernel_incomplete(who, now());
  table.kernel_usable(who, kMac, false, now());
  EXPECT_EQ(up.at(who), kMac);
  asked.clear();
  pass(NeighbourTable::kRefreshNs);
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_TRUE(up.contains(who));
  table.kernel_usable(who, kMac, true, now());  // suspect
  pass(0);
  EXPECT_EQ(asked.size(), 2u);
  table.kernel_failed(who, now());
  EXPECT_TRUE(up.empty());
  EXPECT_EQ(failed.size(), 1u);
}

TEST_F(NeighbourTableTest, AKernelThatSaysNothingFails) {
  table.wanted(host(1, 1), now());
  pass(NeighbourTable::kKernelNs);
  EXPECT_EQ(failed, std::vector<NeighbourKey>{host(1, 1)});
}

TEST_F(NeighbourTableTest, WhatTheKernelForgetsIsWithdrawn) {
  table.kernel_usable(host(1, 1), kMac, false, now());
  table.keep(host(2, 1), now());
  table.kernel_usable(host(2, 1), kMac, false, now());
  EXPECT_EQ(table.of_kernel().size(), 2u);
  asked.clear();
  table.kernel_forgot(host(1, 1), now());
  table.kernel_forgot(host(2, 1), now());
  EXPECT_TRUE(up.empty());
  EXPECT_EQ(asked.size(), 1u);  // for the gateway
  EXPECT_EQ(table.size(), 1u);
}

}  // namespace
}  // namespace weft
