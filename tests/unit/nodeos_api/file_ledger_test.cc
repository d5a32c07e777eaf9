// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/file_ledger.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr FileQuota kQuota{.bytes = 100, .files = 3, .open = 2};

TEST(FileLedger, TakesWhatFitsAndNothingElse) {
  FileLedger ledger(kQuota, {});
  EXPECT_TRUE(ledger.take_bytes(60));
  const auto refused = ledger.take_bytes(41);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kLimit);
  EXPECT_EQ(refused.error().sentence, "the quota of 100 bytes has 40 left, and 41 were wanted");
  EXPECT_TRUE(ledger.take_bytes(40));
  EXPECT_TRUE(ledger.take_bytes(0));
  EXPECT_FALSE(ledger.take_bytes(UINT64_MAX));
  EXPECT_EQ(ledger.use(), (FileUse{.bytes = 100}));
}

TEST(FileLedger, CountsFiles) {
  FileLedger ledger(kQuota, {});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ledger.take_file());
  EXPECT_FALSE(ledger.take_file());
  ledger.give_file();
  EXPECT_TRUE(ledger.take_file());
}

TEST(FileLedger, WhatIsThereMayBeAboveTheQuota) {
  FileLedger ledger(kQuota, {.bytes = 500, .files = 9});
  EXPECT_FALSE(ledger.take_bytes(1));
  EXPECT_TRUE(ledger.take_bytes(0));
  EXPECT_FALSE(ledger.take_file());
  ledger.give_bytes(401);
  EXPECT_TRUE(ledger.take_bytes(1));
  EXPECT_FALSE(ledger.take_bytes(1));
}

// Somebody outside removed it first.
TEST(FileLedger, GivesNoMoreThanWasTaken) {
  FileLedger ledger(kQuota, {});
  ledger.give_file();
  ledger.give_bytes(1);
  EXPECT_EQ(ledger.use(), FileUse{});
}

TEST(FileLedger, SettlesOnWhatTheFileHas) {
  FileLedger ledger(kQuota, {});
  ASSERT_TRUE(ledger.take_bytes(80));
  ledger.settle_bytes(80, 30);  // the disk took less
  EXPECT_EQ(ledger.use().bytes, 30u);
  ledger.settle_bytes(30, 50);  // somebody outside made it longer
  EXPECT_EQ(ledger.use().bytes, 30u);
}

TEST(FileLedger, KnowsTheLastOpening) {
  FileLedger ledger(kQuota, {});
  const FileId id{1, 2}, other{1, 3};
  ledger.opened(id);
  EXPECT_TRUE(ledger.may_open());
  ledger.opened(id);
  EXPECT_FALSE(ledger.may_open());
  EXPECT_TRUE(ledger.is_open(id));
  EXPECT_FALSE(ledger.is_open(other));
  EXPECT_FALSE(ledger.closed(id));
  EXPECT_TRUE(ledger.closed(id));
  EXPECT_FALSE(ledger.is_open(id));
  EXPECT_EQ(ledger.use().open, 0u);
}

}  // namespace
}  // namespace weft
