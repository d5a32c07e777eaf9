// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/transfer.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <string>
#include <vector>

#include "modules/flow.h"
#include "nodeos_api/credential.h"
#include "paths/policy_round_robin.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

constexpr size_t kMayHold = 10;  // packets

// A domain whose principal may hold few packets, and that keeps all that it gets.
class TransferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(node_->principals().add({.name = "poor", .limits = {.memory = kMayHold * Packet::kStride}},
                                        geni_, clock_.now_ns()));
    const Credential* cred = credential_for(*node_, {.principal = node_->principals().named("poor")});
    handle_ = an_domainCreate(nullptr, node_->root().handle(), cred->handle(), nullptr, nullptr, nullptr,
                              nullptr, nullptr, nullptr);
    ASSERT_NE(handle_, nullptr);
    delivery_.set(nullptr, &TransferTest::keep, this);
  }
  void TearDown() override {
    free_all();
    node_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
  }
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
    for (size_t i = 0; i < count; ++i) v.push_back(test::packet(*pool_, std::to_string(first + i)));
    delivery_.deliver(domain(), v);
    EXPECT_TRUE(v.empty());
  }
  Domain& domain() { return *find<Domain>(handle_); }

  SystemClock clock_;
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 256, .pages = PageKind::k4K});
  Fib fib_;
  FlowReader reader_;
  Logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  Demux demux_{fib_, reader_, *pool_};
  Geni geni_{worker_, demux_, {}, {}};
  std::unique_ptr<GeniNode> node_ = std::make_unique<GeniNode>(
      GeniNode::Parts{.geni = geni_, .worker = worker_, .pool = *pool_, .clock = clock_, .log = log_});
  an_Domain handle_ = nullptr;
  Delivery delivery_;
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

}  // namespace
}  // namespace weft
