// SPDX-License-Identifier: Apache-2.0
#include "modules/reassembly.h"

#include <gtest/gtest.h>

#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

class ReassemblyTest : public ::testing::Test, public ReassemblyUser {
 protected:
  static constexpr uint32_t kHeaders = 4;

  ~ReassemblyTest() override {
    reassembly_.forget(*this);
    EXPECT_EQ(reassembly_.fragments(), 0u);
    EXPECT_EQ(reassembly_.packets(), 0u);
    EXPECT_EQ(pool_->in_use(), 0u);
  }
  void lost(PacketPtr, bool, DropReason reason) override {
    ++lost_;
    last_ = reason;
  }
  // A fragment with `n` bytes of payload, from source `source`.
  std::optional<DropReason> add(uint32_t source, uint32_t id, uint32_t offset, uint32_t n, bool more) {
    Reassembly::Key key{.family = family_};
    std::memcpy(key.source.data(), &source, sizeof source);
    key.id = id;
    PacketPtr p =
        test::packet(*pool_, std::string(kHeaders, 'H') + std::string(n, char('a' + offset / 8 % 26)));
    return reassembly_.add(*this, key, {.headers = kHeaders, .offset = offset, .more = more, .ecn = 0}, {}, p,
                           outcome_);
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 16384, .pages = PageKind::k4K});
  ManualClock clock_;
  Timers timers_;
  Reassembly reassembly_{*pool_, clock_, timers_};
  Reassembly::Outcome outcome_;
  int lost_ = 0;
  DropReason last_{};
  uint8_t family_ = 4;
};

TEST_F(ReassemblyTest, PutsPayloadInOrder) {
  EXPECT_FALSE(add(1, 1, 16, 3, false));
  EXPECT_FALSE(add(1, 1, 8, 8, true));
  EXPECT_FALSE(outcome_.whole);
  EXPECT_FALSE(add(1, 1, 0, 8, true));
  ASSERT_TRUE(outcome_.whole);
  EXPECT_EQ(test::bytes_of(*outcome_.whole), "HHHHaaaaaaaabbbbbbbbccc");
  EXPECT_EQ(outcome_.fragments, 3u);
  EXPECT_EQ(outcome_.whole->segs, 3);
  outcome_.whole.reset();
}

TEST_F(ReassemblyTest, OneSourceCannotFillIt) {
  for (uint32_t id = 0; id < Reassembly::kPacketsPerSource; ++id) EXPECT_FALSE(add(1, id, 0, 8, true));
  EXPECT_EQ(add(1, 1000, 0, 8, true), DropReason::kReassemblyLimit);
  EXPECT_FALSE(add(2, 1000, 0, 8, true));
  EXPECT_EQ(lost_, 0);
}

TEST_F(ReassemblyTest, WhenFullTheOldestGoes) {
  for (uint32_t source = 0; source < Reassembly::kPackets; ++source) EXPECT_FALSE(add(source, 7, 0, 8, true));
  EXPECT_EQ(lost_, 0);
  EXPECT_FALSE(add(9999, 7, 0, 8, true));
  EXPECT_EQ(lost_, 1);
  EXPECT_EQ(last_, DropReason::kReassemblyLimit);
  EXPECT_EQ(reassembly_.packets(), Reassembly::kPackets);
  EXPECT_FALSE(add(0, 7, 8, 8, false));  // the first of source 0 is gone
  EXPECT_FALSE(outcome_.whole);
  EXPECT_FALSE(add(9999, 7, 8, 8, false));
  EXPECT_TRUE(outcome_.whole);
  outcome_.whole.reset();
}

TEST_F(ReassemblyTest, FragmentsOfOnePacketAreBounded) {
  for (uint32_t i = 0; i < Reassembly::kFragmentsPerPacket; ++i) EXPECT_FALSE(add(1, 1, i * 16, 8, true));
  EXPECT_EQ(add(1, 1, 60000, 8, true), DropReason::kReassemblyLimit);
}

TEST_F(ReassemblyTest, FragmentsInAllAreBounded) {
  uint32_t n = 0;
  for (uint32_t source = 0; source < 100; ++source) {
    for (uint32_t i = 0; i < 100; ++i) n += !add(source, 1, i * 16, 8, true);
  }
  EXPECT_EQ(n, 10000u);
  EXPECT_LE(reassembly_.fragments(), Reassembly::kFragments);
  EXPECT_EQ(reassembly_.fragments() + size_t(lost_), 10000u);
}

TEST_F(ReassemblyTest, ASmallPoolIsNotEatenUp) {
  auto small = *Pool::create({.packets = 64, .pages = PageKind::k4K});
  {
    Reassembly bounded(*small, clock_, timers_);
    for (uint32_t id = 0; id < 60; ++id) {
      PacketPtr p = test::packet(*small, "HHHHaaaaaaaa");
      Reassembly::Key key;
      key.source[0] = uint8_t(id);
      bounded.add(*this, key, {.headers = 4, .offset = 0, .more = true, .ecn = 0}, {}, p, outcome_);
    }
    EXPECT_EQ(small->in_use(), 16u);
    bounded.forget(*this);
  }
  EXPECT_EQ(small->in_use(), 0u);
}

TEST_F(ReassemblyTest, EndsMustAgree) {
  EXPECT_FALSE(add(1, 1, 16, 8, false));
  EXPECT_EQ(add(1, 1, 32, 8, false), DropReason::kFragmentOverlap);  // another end
  EXPECT_EQ(reassembly_.packets(), 0u);
  EXPECT_FALSE(add(1, 1, 32, 8, true));
  EXPECT_EQ(add(1, 1, 16, 8, false), DropReason::kFragmentOverlap);  // an end before what is there
  EXPECT_EQ(reassembly_.packets(), 0u);
  EXPECT_EQ(add(1, 1, 16, 0, true), DropReason::kBadLength);
  EXPECT_EQ(add(1, 1, 16, 7, true), DropReason::kBadLength);  // nothing is left of it
}

// RFC 5722 section 4; RFC 8200 section 4.5.
TEST_F(ReassemblyTest, AnOverlapSpoilsAnIp6PacketForGood) {
  family_ = 6;
  EXPECT_FALSE(add(1, 1, 0, 16, true));
  EXPECT_EQ(add(1, 1, 0, 16, true), DropReason::kFragmentOverlap);  // only a duplicate
  EXPECT_EQ(reassembly_.fragments(), 1u);
  EXPECT_EQ(add(1, 1, 8, 8, true), DropReason::kFragmentOverlap);  // within what is there
  EXPECT_EQ(lost_, 1);
  EXPECT_EQ(reassembly_.fragments(), 0u);
  EXPECT_EQ(add(1, 1, 0, 16, true), DropReason::kFragmentOverlap);
  EXPECT_EQ(add(1, 1, 16, 8, false), DropReason::kFragmentOverlap);
  EXPECT_FALSE(outcome_.whole);
  EXPECT_FALSE(add(1, 2, 0, 16, true)) << "another packet of that source";
  clock_.advance_ns(Reassembly::kTimeoutNs);
  timers_.fire_due(clock_.now_ns());
  EXPECT_EQ(reassembly_.packets(), 0u);
  EXPECT_FALSE(add(1, 1, 0, 16, true)) << "the number may be another packet's by now";
}

TEST_F(ReassemblyTest, SpoiledPacketsCountForTheirSource) {
  family_ = 6;
  for (uint32_t id = 0; id < Reassembly::kPacketsPerSource; ++id) {
    EXPECT_FALSE(add(1, id, 0, 16, true));
    EXPECT_EQ(add(1, id, 8, 16, true), DropReason::kFragmentOverlap);
  }
  EXPECT_EQ(add(1, 1000, 0, 8, true), DropReason::kReassemblyLimit);
  EXPECT_EQ(reassembly_.packets(), Reassembly::kPacketsPerSource);
}

TEST_F(ReassemblyTest, OddMiddleFragmentsAreCutToEights) {
  EXPECT_FALSE(add(1, 1, 0, 15, true));
  EXPECT_FALSE(add(1, 1, 8, 4, false));
  ASSERT_TRUE(outcome_.whole);
  EXPECT_EQ(test::bytes_of(*outcome_.whole), "HHHHaaaaaaaabbbb");
  outcome_.whole.reset();
}

TEST_F(ReassemblyTest, TimerFiresForTheOldest) {
  EXPECT_FALSE(add(1, 1, 0, 8, true));
  clock_.advance_ns(Reassembly::kTimeoutNs / 2);
  EXPECT_FALSE(add(2, 1, 0, 8, true));
  EXPECT_EQ(timers_.next_ns(), 1 + Reassembly::kTimeoutNs);
  clock_.advance_ns(Reassembly::kTimeoutNs / 2);
  timers_.fire_due(clock_.now_ns());
  EXPECT_EQ(lost_, 1);
  EXPECT_EQ(last_, DropReason::kReassemblyTimeout);
  clock_.advance_ns(Reassembly::kTimeoutNs / 2);
  timers_.fire_due(clock_.now_ns());
  EXPECT_EQ(lost_, 2);
  EXPECT_EQ(timers_.next_ns(), UINT64_MAX);
}

TEST_F(ReassemblyTest, AddDoesNotAllocate) {
  PacketPtr a = test::packet(*pool_, "HHHHaaaaaaaa"), b = test::packet(*pool_, "HHHHbbbb");
  const Reassembly::Key key;
  const uint64_t before = testing::allocations();
  reassembly_.add(*this, key, {.headers = 4, .offset = 8, .more = false, .ecn = 0}, {}, b, outcome_);
  reassembly_.add(*this, key, {.headers = 4, .offset = 0, .more = true, .ecn = 0}, {}, a, outcome_);
  EXPECT_EQ(testing::allocations(), before);
  EXPECT_TRUE(outcome_.whole);
  outcome_.whole.reset();
}

TEST(ReassembledEcnTest, Rfc3168) {
  EXPECT_EQ(reassembled_ecn(1 << 0), 0);
  EXPECT_EQ(reassembled_ecn(1 << 2), 0);
  EXPECT_EQ(reassembled_ecn(1 << 2 | 1 << 3), 3);
  EXPECT_EQ(reassembled_ecn(1 << 3), 3);
  EXPECT_EQ(reassembled_ecn(1 << 0 | 1 << 3), std::nullopt);
  EXPECT_EQ(reassembled_ecn(1 << 0 | 1 << 2), std::nullopt);
}

}  // namespace
}  // namespace weft
