// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp_limit.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

int taken(TokenBucket& bucket, uint64_t now, int tries) {
  int n = 0;
  for (int i = 0; i < tries; ++i) n += bucket.take(now);
  return n;
}

TEST(TokenBucketTest, BurstThenRate) {
  TokenBucket bucket(10, 5);
  EXPECT_EQ(taken(bucket, kSecond, 100), 5);
  EXPECT_EQ(taken(bucket, kSecond + kSecond / 10 - 1, 100), 0);
  EXPECT_EQ(taken(bucket, kSecond + kSecond / 10, 100), 1);
  EXPECT_EQ(taken(bucket, kSecond + kSecond * 3 / 10, 100), 2);
}

TEST(TokenBucketTest, NeverFillsPastItsBurst) {
  TokenBucket bucket(1000, 50);
  EXPECT_EQ(taken(bucket, 1, 100), 50);
  EXPECT_EQ(taken(bucket, UINT64_MAX / 2, 1000), 50);
  EXPECT_EQ(taken(bucket, UINT64_MAX, 1000), 50);
}

TEST(TokenBucketTest, AverageOverManySmallSteps) {
  TokenBucket bucket(1000, 1);
  int n = 0;
  for (uint64_t now = kSecond; now < 2 * kSecond; now += 777) n += bucket.take(now);
  EXPECT_NEAR(n, 1000, 2);
}

TEST(TokenBucketTest, ZeroIsNoLimit) {
  TokenBucket bucket(0, 1);
  EXPECT_EQ(taken(bucket, 1, 1000), 1000);
}

TEST(IcmpLimitTest, KindsAreApart) {
  IcmpLimit limit(1, 1);
  EXPECT_TRUE(limit.allow(IcmpLimit::kTooBig, kSecond));
  EXPECT_FALSE(limit.allow(IcmpLimit::kTooBig, kSecond));
  EXPECT_TRUE(limit.allow(IcmpLimit::kTimeExceeded, kSecond));
}

}  // namespace
}  // namespace weft
