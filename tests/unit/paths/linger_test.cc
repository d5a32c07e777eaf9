// SPDX-License-Identifier: Apache-2.0
#include "paths/linger.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(LingerTest, LooksShorterWhenItLookedInVainAndLongerWhenItWouldHavePaid) {
  Linger linger(16'000);
  EXPECT_EQ(linger.ns(), 16'000u);
  linger.slept(16'000);
  EXPECT_EQ(linger.ns(), 8'000u);
  for (int i = 0; i < 10; ++i) linger.slept(1'000'000);
  EXPECT_EQ(linger.ns(), 1'000u);
  linger.slept(15'999);
  EXPECT_EQ(linger.ns(), 2'000u);
  for (int i = 0; i < 10; ++i) linger.slept(0);
  EXPECT_EQ(linger.ns(), 16'000u);
}

TEST(LingerTest, NeverLooksOnWhenItMayNot) {
  Linger linger(0);
  linger.slept(0);
  EXPECT_EQ(linger.ns(), 0u);
}

}  // namespace
}  // namespace weft
