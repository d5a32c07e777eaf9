// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/cpu_bound.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <thread>

#include "modules/flow.h"
#include "nodeos_api/credential.h"
#include "paths/policy_round_robin.h"

namespace weft {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kPercent = 20;
constexpr uint64_t kMillisecond = 1'000'000;

// Two principals whose events want all the time that there is: one may have a fifth of a CPU.
class CpuBoundTest : public ::testing::Test {
 protected:
  void SetUp() override {
    worker_.start();
    bounded_ = domain("bounded", kPercent);
    free_ = domain("free", 0);
  }
  void TearDown() override {
    worker_.stop();
    node_.reset();
  }

  an_Domain domain(const char* name, uint32_t percent) {
    EXPECT_TRUE(node_->principals().add({.name = name, .limits = {.cpu = percent}}, geni_, clock_.now_ns()));
    const Credential* cred = credential_for(*node_, {.principal = node_->principals().named(name)});
    return an_domainCreate(nullptr, node_->root().handle(), cred->handle(), nullptr, nullptr, nullptr,
                           nullptr, nullptr, nullptr);
  }
  static void spin(void*) {
    const uint64_t until = an_timeGet(AN_TIME_MONOTONIC) + kMillisecond;
    while (an_timeGet(AN_TIME_MONOTONIC) < until) {
    }
  }
  void keep_busy(an_Domain domain) {
    ASSERT_NE(an_eventSchedule(nullptr, domain, 0, kMillisecond / 2, spin, nullptr), nullptr);
  }
  uint64_t used(const char* name) { return node_->principals().named(name)->quota.account().cycles(); }

  // What share of a CPU both use for a while.
  struct Shares {
    double bounded, free;
  };
  Shares shares(std::chrono::milliseconds time) {
    const uint64_t start = cycles(), bounded = used("bounded"), free = used("free");
    std::this_thread::sleep_for(time);
    const auto all = double(cycles() - start);
    return {double(used("bounded") - bounded) / all, double(used("free") - free) / all};
  }

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
  an_Domain bounded_ = nullptr, free_ = nullptr;
};

TEST_F(CpuBoundTest, KeepsAPrincipalToItsShare) {
  keep_busy(bounded_);
  std::this_thread::sleep_for(100ms);
  const Shares all = shares(1000ms);
  EXPECT_LT(all.bounded, 0.01 * kPercent + 0.02);  // and what it ran ahead at the end
  EXPECT_GT(all.bounded, 0.005 * kPercent);
}

TEST_F(CpuBoundTest, WhoHasNoBoundTakesTheRest) {
  keep_busy(free_);
  keep_busy(bounded_);
  const Shares all = shares(1000ms);
  EXPECT_LT(all.bounded, 0.01 * kPercent + 0.02);
  EXPECT_GT(all.free, 2 * all.bounded);
}

TEST_F(CpuBoundTest, WhoUsesLittleIsNotHeldUp) {
  ASSERT_NE(an_eventSchedule(nullptr, bounded_, 0, 20 * kMillisecond, spin, nullptr), nullptr);
  EXPECT_GT(shares(500ms).bounded, 0.03);  // of 0.05
  EXPECT_FALSE(node_->principals().named("bounded")->quota.over_cpu());
}

}  // namespace
}  // namespace weft
