// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/transfer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "paths/end_queue.h"
#include "tests/unit/testing/api_node.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

constexpr size_t kMayHold = 10;  // packets

// A domain whose principal may hold few packets, and that keeps all that it gets.
class TransferTest : public ::testing::Test {
 protected:
  ~TransferTest() override { free_all(); }
  static void keep(void* self, an_Packet* packets, size_t count) {
    auto& kept = static_cast<TransferTest*>(self)->kept_;
    kept.insert(kept.end(), packets, packets + count);
  }
  void free_all() {
    for (an_Packet p : kept_) an_packetFree(p);
    kept_.clear();
  }
  void deliver(size_t first, size_t count) {
    Pvec v;
    for (size_t i = 0; i < count; ++i) v.push_back(test::packet(node_.pool(), std::to_string(first + i)));
    delivery_.deliver(domain(), v);
    EXPECT_TRUE(v.empty());
  }
  Domain& domain() { return *find<Domain>(domain_); }

  test::ApiNode node_;
  const an_Domain domain_ = node_.domain_of_principal("poor", {.memory = kMayHold * Packet::kStride});
  const Delivery delivery_{&TransferTest::keep, this};
  std::vector<an_Packet> kept_;
};

TEST_F(TransferTest, WhatIsMoreThanThePrincipalMayHoldIsDroppedFromTheBack) {
  deliver(0, 7);
  EXPECT_EQ(kept_.size(), 7u);
  deliver(7, 7);
  ASSERT_EQ(kept_.size(), kMayHold);
  for (size_t i = 0; i < kMayHold; ++i) {
    EXPECT_EQ(test::bytes_of(*from_handle(kept_[i])), std::to_string(i));
  }
  deliver(14, 5);
  EXPECT_EQ(kept_.size(), kMayHold) << "its function is not called for none";
  EXPECT_EQ(domain().ledger().received.value(), 19u);
  EXPECT_EQ(domain().ledger().held.value(), kMayHold);
  EXPECT_EQ(domain().ledger().drops[DropReason::kAccountEmpty], 9u);
  free_all();
  deliver(19, 3);
  EXPECT_EQ(kept_.size(), 3u);
}

TEST_F(TransferTest, WhatAChannelHasNoRoomForStillKnowsWhatItCameBy) {
  deliver(0, 1);
  Packet& p = *from_handle(kept_[0]);
  p.path = 3;
  EndQueue small({.packets = 8, .bytes = p.total_length() - 1});
  const auto enqueue = [&](Pvec& v) { v.release_front(small.append({v.begin(), v.size()}, 7)); };
  EXPECT_EQ(hand_over(p, domain(), enqueue), AN_EQFULL);
  EXPECT_EQ(p.path, 3);
  EXPECT_TRUE(holds(domain(), p));
  EXPECT_EQ(domain().ledger().held.value(), 1u);
}

}  // namespace
}  // namespace weft
