// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace weft {
namespace {

TEST(Result, HoldsAValueOrAnError) {
  Result<int> value = 7;
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
  Result<int> failed = Error{Code::kLimit, "seven is too many"};
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kLimit);
  EXPECT_EQ(failed.error().sentence, "seven is too many");
}

TEST(Result, MovesWhatItOwns) {
  Result<std::unique_ptr<int>> value = std::make_unique<int>(3);
  std::unique_ptr<int> taken = *std::move(value);
  EXPECT_EQ(*taken, 3);
}

TEST(Result, SystemErrorNamesTheCause) {
  const Error e = system_error("open /dev/net/tun", EACCES);
  EXPECT_EQ(e.code, Code::kPermission);
  EXPECT_EQ(e.sentence, "open /dev/net/tun: Permission denied");
}

}  // namespace
}  // namespace weft
