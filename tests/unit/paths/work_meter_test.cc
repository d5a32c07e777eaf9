// SPDX-License-Identifier: Apache-2.0
#include "paths/work_meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace weft {
namespace {

constexpr uint64_t kLong = 200'000;  // cycles; others take far fewer

// Works on so many packets for so many cycles, at least.  Returns what the account was charged for it.
uint64_t charged_for(WorkMeter& meter, const Account& account, uint64_t work, uint64_t packets = 1) {
  const uint64_t before = account.cycles();
  meter.begin();
  for (const uint64_t start = cycles(); cycles() - start < work;) {
  }
  meter.end(packets);
  return account.cycles() - before;
}

// Of 40 pieces, all are long but those at `short_ones`.
std::array<uint64_t, 40> charged(Account& account, std::initializer_list<size_t> short_ones) {
  WorkMeter meter(account);
  std::array<uint64_t, 40> all;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool is_short = std::ranges::find(short_ones, i) != short_ones.end();
    all[i] = charged_for(meter, account, is_short ? 0 : kLong);
  }
  return all;
}

TEST(WorkMeterTest, TimesTwoOfSixteenAndChargesTheOthersAsTheSecond) {
  Account account;
  const auto all = charged(account, {1});
  EXPECT_GE(all[0], kLong);
  for (size_t i = 2; i < 16; ++i) EXPECT_EQ(all[i], all[1]);
  EXPECT_GE(all[16], kLong);
  EXPECT_GE(all[17], kLong);
  for (size_t i = 18; i < 32; ++i) EXPECT_EQ(all[i], all[17]);
}

TEST(WorkMeterTest, ChargesByThePacket) {
  Account account;
  WorkMeter meter(account);
  charged_for(meter, account, 0);
  const uint64_t of_four = charged_for(meter, account, kLong, 4);
  EXPECT_EQ(charged_for(meter, account, 0, 1), of_four / 4);
  EXPECT_EQ(charged_for(meter, account, 0, 64), of_four / 4 * 64);
  EXPECT_EQ(charged_for(meter, account, 0, 0), 0u);
}

TEST(WorkMeterTest, SaysWhichPieceIsTheFirstOfSixteen) {
  Account account;
  WorkMeter meter(account);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(meter.begin(), i % 16 == 0) << i;
    meter.end(1);
  }
}

// Else it would rest when it is timed, and work when it is not.
TEST(WorkMeterTest, TimesEachPieceOfWhoIsBounded) {
  Account principal;
  principal.set_bounded();
  Account domain(&principal);
  const auto all = charged(domain, {0, 1, 16, 17});
  for (size_t i = 2; i < 16; ++i) EXPECT_GE(all[i], kLong) << i;
  EXPECT_EQ(principal.cycles(), domain.cycles());
}

}  // namespace
}  // namespace weft
