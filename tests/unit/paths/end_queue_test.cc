// SPDX-License-Identifier: Apache-2.0
#include "paths/end_queue.h"

#include <gtest/gtest.h>

#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

class EndQueueTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(pool_->in_use(), 0u); }
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 64, .pages = PageKind::k4K});
};

TEST_F(EndQueueTest, IsBoundedInPackets) {
  EndQueue q({.packets = 2, .bytes = 1000});
  for (const char* text : {"a", "b"}) {
    PacketPtr p = test::packet(*pool_, text);
    EXPECT_TRUE(q.push_back(p));
  }
  PacketPtr third = test::packet(*pool_, "c");
  EXPECT_FALSE(q.push_back(third));
  EXPECT_NE(third, nullptr);
  EXPECT_EQ(test::bytes_of(*q.pop_front()), "a");
  EXPECT_TRUE(q.push_back(third));
}

TEST_F(EndQueueTest, IsBoundedInBytes) {
  EndQueue q({.packets = 16, .bytes = 10});
  PacketPtr p = test::packet(*pool_, "1234567");
  EXPECT_TRUE(q.push_back(p));
  PacketPtr r = test::packet(*pool_, "1234");
  EXPECT_FALSE(q.push_back(r));
  EXPECT_EQ(q.bytes(), 7u);
}

TEST_F(EndQueueTest, PutBackRestoresOrder) {
  EndQueue q({.packets = 4, .bytes = 1000});
  for (const char* text : {"a", "b", "c", "d"}) {
    PacketPtr p = test::packet(*pool_, text);
    q.push_back(p);
  }
  Pvec v;
  q.pop_into(v);
  v.pop_front();
  q.put_back(v);
  EXPECT_EQ(q.size(), 3u);
  EXPECT_EQ(q.bytes(), 3u);
  EXPECT_EQ(q.accepted(), 4u);
  EXPECT_EQ(test::bytes_of(*q.pop_front()), "b");
  EXPECT_EQ(test::bytes_of(*q.pop_front()), "c");
}

TEST_F(EndQueueTest, KeepsOrderAndCountsAroundItsEnd) {
  EndQueue q({.packets = 8, .bytes = 1000});
  char next_in = 'a', next_out = 'a';
  for (int turn = 0; turn < 6; ++turn) {
    for (int i = 0; i < 5; ++i) {
      PacketPtr p = test::packet(*pool_, std::string(1, next_in++));
      ASSERT_TRUE(q.push_back(p));
    }
    EXPECT_EQ(test::bytes_of(*q.pop_front()), std::string(1, next_out++));
    Pvec v;
    q.pop_into(v);
    EXPECT_EQ(v.size(), 4u);
    while (!v.empty()) EXPECT_EQ(test::bytes_of(*v.pop_front()), std::string(1, next_out++));
    EXPECT_EQ(q.bytes(), 0u);
  }
  EXPECT_EQ(q.accepted(), 30u);
  EXPECT_EQ(q.accepted_bytes(), 30u);
}

TEST_F(EndQueueTest, FreesWhatItHolds) {
  {
    EndQueue q({});
    PacketPtr p = test::packet(*pool_, "x");
    q.push_back(p);
  }
  EXPECT_EQ(pool_->in_use(), 0u);
}

}  // namespace
}  // namespace weft
