// SPDX-License-Identifier: Apache-2.0
#include "modules/neighbours.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

class NeighboursTest : public ::testing::Test, public NeighbourUser {
 protected:
  ~NeighboursTest() override {
    neighbours_.forget(*this);
    EXPECT_EQ(pool_->in_use(), 0u);
  }
  void resolved(PacketPtr p) override {
    EXPECT_EQ(p->next_hop, 77u);
    ++resolved_;
  }
  void failed(PacketPtr, DropReason reason) override {
    ++failed_;
    last_ = reason;
  }
  static Address address(uint32_t n) {
    Address a{10};
    std::memcpy(a.data() + 1, &n, 3);
    return a;
  }
  void hold(uint32_t n, uint16_t port = 0) { neighbours_.hold(*this, port, 4, address(n), pool_->alloc()); }
  bool readable() const {
    pollfd p{neighbours_.event_fd(), POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 8192, .pages = PageKind::k4K});
  Neighbours neighbours_;
  int resolved_ = 0, failed_ = 0;
  DropReason last_{};
};

TEST_F(NeighboursTest, AsksOnceAndLetsAllGo) {
  EXPECT_FALSE(readable());
  for (int i = 0; i < 5; ++i) hold(1);
  EXPECT_TRUE(readable());
  NeighbourEvent event;
  ASSERT_TRUE(neighbours_.take_event(event));
  EXPECT_EQ(event.kind, NeighbourEvent::kWanted);
  EXPECT_EQ(event.address, address(1));
  EXPECT_FALSE(neighbours_.take_event(event));
  EXPECT_FALSE(readable());
  neighbours_.resolved(1, 4, address(1), 77);  // another port
  neighbours_.resolved(0, 4, address(2), 77);  // another address
  EXPECT_EQ(resolved_, 0);
  neighbours_.resolved(0, 4, address(1), 77);
  EXPECT_EQ(resolved_, 5);
}

TEST_F(NeighboursTest, PacketsPerAddressAreBounded) {
  constexpr int kMost = Neighbours::kPacketsPerAddress;
  static_assert(kMost >= 46, "a datagram of 65535 bytes, in pieces of an Ethernet");
  for (int i = 0; i < kMost + 4; ++i) hold(1);
  EXPECT_EQ(failed_, 4);
  EXPECT_EQ(last_, DropReason::kNeighbourPending);
  neighbours_.failed(0, 4, address(1));
  EXPECT_EQ(failed_, kMost + 4);
  EXPECT_EQ(last_, DropReason::kNeighbourFailed);
}

TEST_F(NeighboursTest, PacketsAreBoundedTogetherAndTheFirstOfEachWaits) {
  constexpr int kMost = Neighbours::kPackets;
  constexpr uint32_t kFull = kMost / (Neighbours::kPacketsPerAddress - 1) + 1;
  const auto fill = [&](int failed_before) {
    for (uint32_t a = 0; a < kFull; ++a) {
      for (size_t i = 0; i < Neighbours::kPacketsPerAddress; ++i) hold(a);
    }
    EXPECT_EQ(failed_, failed_before + int(kFull * Neighbours::kPacketsPerAddress) - int(kFull) - kMost);
  };
  fill(0);
  const int full = failed_;
  for (uint32_t a = kFull; a < Neighbours::kAddresses; ++a) hold(a);
  EXPECT_EQ(failed_, full);
  hold(kFull);
  EXPECT_EQ(failed_, full + 1);
  neighbours_.forget(*this);
  for (uint32_t a = 0; a < Neighbours::kAddresses; ++a) neighbours_.resolved(0, 4, address(a), 77);
  EXPECT_EQ(resolved_, 0);
  NeighbourEvent event;
  while (neighbours_.take_event(event)) {
  }
  fill(failed_);
  for (uint32_t a = 0; a < kFull; ++a) neighbours_.resolved(0, 4, address(a), 77);
  EXPECT_EQ(resolved_, kMost + int(kFull)) << "there is room again for as many";
}

TEST_F(NeighboursTest, AddressesAreBoundedAndComeBack) {
  for (uint32_t i = 0; i < 400; ++i) hold(i);
  EXPECT_EQ(failed_, 400 - int(Neighbours::kAddresses));
  for (uint32_t i = 0; i < 400; i += 2) neighbours_.resolved(0, 4, address(i), 77);
  for (uint32_t i = 1; i < 400; i += 2) neighbours_.failed(0, 4, address(i));
  EXPECT_EQ(resolved_ + failed_, 400);
  for (uint32_t i = 1000; i < 1256; ++i) hold(i);
  EXPECT_EQ(resolved_ + failed_, 400) << "there is room again for all";
}

TEST_F(NeighboursTest, NobodyAsksWhenTheEventsAreNotRead) {
  for (int i = 0; i < 5000; ++i) neighbours_.learned({.kind = NeighbourEvent::kLearned});
  hold(1);
  EXPECT_EQ(failed_, 1) << "a packet must not wait for an answer to no question";
  NeighbourEvent event;
  while (neighbours_.take_event(event)) {
  }
  hold(1);
  EXPECT_EQ(failed_, 1);
  ASSERT_TRUE(neighbours_.take_event(event));
  EXPECT_EQ(event.kind, NeighbourEvent::kWanted);
}

TEST_F(NeighboursTest, ForgetsOnlyThatUser) {
  struct Other : NeighbourUser {
    int n = 0;
    void resolved(PacketPtr) override { ++n; }
    void failed(PacketPtr, DropReason) override {}
  } other;
  hold(1);
  neighbours_.hold(other, 0, 4, address(1), pool_->alloc());
  hold(1);
  neighbours_.forget(*this);
  EXPECT_EQ(failed_, 2);
  EXPECT_EQ(last_, DropReason::kPathClosed);
  neighbours_.resolved(0, 4, address(1), 77);
  EXPECT_EQ(other.n, 1);
}

TEST_F(NeighboursTest, HoldDoesNotAllocate) {
  const uint64_t before = testing::allocations();
  for (uint32_t i = 0; i < 100; ++i) hold(i % 10);
  EXPECT_EQ(testing::allocations(), before);
}

}  // namespace
}  // namespace weft
