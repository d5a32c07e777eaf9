// SPDX-License-Identifier: Apache-2.0
#include "paths/round_clock.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft {
namespace {

// Goes on by itself between two idle rounds, and counts who looks at it.
class SteppingClock final : public Clock {
 public:
  uint64_t now_ns() const override {
    ++readings;
    return now;
  }
  uint64_t now = 1'000;
  mutable uint64_t readings = 0;
};

class RoundClockTest : public testing::Test {
 protected:
  // So many idle rounds, each of which takes so long.  Returns how old the time was at most.
  uint64_t idle(int rounds, uint64_t ns) {
    uint64_t oldest = 0;
    for (int i = 0; i < rounds; ++i) {
      clock_.now += ns;
      oldest = std::max(oldest, clock_.now - time_.now_ns());
      time_.idle_round();
    }
    return oldest;
  }

  SteppingClock clock_;
  RoundClock time_{clock_};
};

TEST_F(RoundClockTest, ReadsRarelyWhileIdleRoundsAreShort) {
  idle(1'000, 10);
  clock_.readings = 0;
  EXPECT_LE(idle(3'200, 10), RoundClock::kStale);
  EXPECT_EQ(clock_.readings, 3'200u / 32);
}

TEST_F(RoundClockTest, IsNotStaleWhereARoundEntersTheKernel) {
  idle(1'000, 10);
  EXPECT_GT(idle(32, 2'000), 2'000u);  // that a round takes so long had not been seen
  clock_.readings = 0;
  EXPECT_EQ(idle(100, 2'000), 2'000u);
  EXPECT_EQ(clock_.readings, 100u);
}

TEST_F(RoundClockTest, NeverWaitsForMoreThanItsMostRounds) {
  EXPECT_EQ(idle(10'000, 1), RoundClock::kMostRounds);
  time_.read();
  EXPECT_EQ(idle(int(RoundClock::kMostRounds), 3'000), RoundClock::kMostRounds * 3'000);
}

TEST_F(RoundClockTest, WhatWasReadInBetweenTellsNothingOfIdleRounds) {
  idle(1'000, 10);
  clock_.now += 1'000'000;
  time_.read();
  EXPECT_EQ(time_.now_ns(), clock_.now);
  clock_.readings = 0;
  idle(320, 10);
  EXPECT_EQ(clock_.readings, 10u);
}

}  // namespace
}  // namespace weft
