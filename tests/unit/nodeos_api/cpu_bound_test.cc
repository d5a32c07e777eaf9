// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/cpu_bound.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/testing/api_node.h"

namespace weft {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kPercent = 20;
constexpr uint64_t kMillisecond = 1'000'000;
// What it may have, and what of a second it ran ahead at the end, or another program had.
constexpr double kAtMost = 0.01 * kPercent + 0.08;

// Two principals whose events want all the time that there is: one may have a fifth of a CPU.
class CpuBoundTest : public ::testing::Test {
 protected:
  CpuBoundTest() { node_.worker().start(); }

  static void spin(void*) {
    const uint64_t until = an_timeGet(AN_TIME_MONOTONIC) + kMillisecond;
    while (an_timeGet(AN_TIME_MONOTONIC) < until) {
    }
  }
  void keep_busy(an_Domain domain) {
    ASSERT_NE(an_eventSchedule(nullptr, domain, 0, kMillisecond / 2, spin, nullptr), nullptr);
  }
  Quota& quota(const char* name) { return node_.node().principals().named(name)->quota; }
  uint64_t used(const char* name) { return quota(name).account().cycles(); }

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

  test::ApiNode node_;
  const an_Domain bounded_ = node_.domain_of_principal("bounded", {.cpu = kPercent});
  const an_Domain free_ = node_.domain_of_principal("free", {});
};

TEST_F(CpuBoundTest, KeepsAPrincipalToItsShare) {
  keep_busy(bounded_);
  std::this_thread::sleep_for(100ms);
  const Shares all = shares(1000ms);
  EXPECT_LT(all.bounded, kAtMost);
  EXPECT_GT(all.bounded, 0.005 * kPercent);
}

TEST_F(CpuBoundTest, WhoHasNoBoundTakesTheRest) {
  keep_busy(free_);
  keep_busy(bounded_);
  std::this_thread::sleep_for(100ms);
  const Shares all = shares(1000ms);
  EXPECT_LT(all.bounded, kAtMost);
  EXPECT_GT(all.free, 2 * all.bounded);
}

TEST_F(CpuBoundTest, WhoUsesLittleIsNotHeldUp) {
  ASSERT_NE(an_eventSchedule(nullptr, bounded_, 0, 20 * kMillisecond, spin, nullptr), nullptr);
  EXPECT_GT(shares(500ms).bounded, 0.03);  // of 0.05
  EXPECT_FALSE(quota("bounded").over_cpu());
}

}  // namespace
}  // namespace weft
