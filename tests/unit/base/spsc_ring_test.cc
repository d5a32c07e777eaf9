// SPDX-License-Identifier: Apache-2.0
#include "base/spsc_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace weft {
namespace {

TEST(SpscRing, IsFullAtItsCapacityAndKeepsWhatItRefuses) {
  SpscRing<std::unique_ptr<int>> ring(2);
  EXPECT_TRUE(ring.try_push(std::make_unique<int>(1)));
  EXPECT_TRUE(ring.try_push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(ring.try_push(std::move(third)));
  ASSERT_NE(third, nullptr);
  std::unique_ptr<int> out;
  EXPECT_TRUE(ring.try_pop(out));
  EXPECT_EQ(*out, 1);
  EXPECT_TRUE(ring.try_push(std::move(third)));
}

TEST(SpscRing, KeepsOrderBetweenTwoThreads) {
  constexpr int kCount = 20000;
  SpscRing<int> ring(64);
  std::thread producer([&] {
    for (int i = 0; i < kCount; ++i) {
      int v = i;
      while (!ring.try_push(std::move(v))) std::this_thread::yield();
    }
  });
  for (int expected = 0; expected < kCount;) {
    int got = -1;
    if (ring.try_pop(got)) {
      ASSERT_EQ(got, expected++);
    } else {
      std::this_thread::yield();
    }
  }
  producer.join();
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace weft
