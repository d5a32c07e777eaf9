// SPDX-License-Identifier: Apache-2.0
#include "paths/end_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "paths/pool_share.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

class EndQueueTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(pool_->in_use(), 0u); }
  // False when it does not fit; `p` is then still the caller's.
  static bool push_back(EndQueue& q, PacketPtr& p) {
    Packet* const raw = p.get();
    if (q.append({&raw, 1}, kPath) == 0) return false;
    EXPECT_EQ(p.release()->path, kPath);
    return true;
  }
  static constexpr uint16_t kPath = 7;
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 512, .pages = PageKind::k4K});
};

TEST_F(EndQueueTest, IsBoundedInPackets) {
  EndQueue q({.packets = 2, .bytes = 1000});
  for (const char* text : {"a", "b"}) {
    PacketPtr p = test::packet(*pool_, text);
    EXPECT_TRUE(push_back(q, p));
  }
  PacketPtr third = test::packet(*pool_, "c");
  EXPECT_FALSE(push_back(q, third));
  EXPECT_NE(third, nullptr);
  EXPECT_EQ(test::bytes_of(*q.pop_front()), "a");
  EXPECT_TRUE(push_back(q, third));
}

TEST_F(EndQueueTest, IsBoundedInBytes) {
  EndQueue q({.packets = 16, .bytes = 10});
  PacketPtr p = test::packet(*pool_, "1234567");
  EXPECT_TRUE(push_back(q, p));
  PacketPtr r = test::packet(*pool_, "1234");
  EXPECT_FALSE(push_back(q, r));
  EXPECT_EQ(q.bytes(), 7u);
}

// Fills it with packets of so many bytes.  Returns how many it took.
size_t fill(EndQueue& queue, Pool& pool, size_t bytes) {
  for (size_t n = 0;; ++n) {
    PacketPtr p = test::packet(pool, std::string(bytes, 'a'));
    Packet* const raw = p.get();
    if (raw == nullptr || queue.append({&raw, 1}, 0) == 0) return n;
    (void)p.release();
  }
}

// In packets of one Seg and of more, emptied in all ways.
TEST_F(EndQueueTest, ThoseThatDrawOnAShareFillAQuarterOfThePoolTogether) {
  PoolShare share(*pool_);
  EndQueue q({.packets = 512}), r({.packets = 512});
  q.draw_on(share);
  r.draw_on(share);
  const size_t singles = fill(q, *pool_, 10);
  EXPECT_EQ(share.held(), singles);
  EXPECT_NEAR(double(singles), 512.0 / 4, 1);
  EXPECT_FALSE(q.fits(1));
  EXPECT_FALSE(r.fits(1));
  EXPECT_EQ(fill(r, *pool_, 10), 0u);

  Pvec v;
  q.pop_into(v);
  EXPECT_EQ(share.held(), singles - Pvec::kCapacity);
  q.put_back(v);
  EXPECT_EQ(share.held(), singles);
  while (!q.empty()) q.pop_front();
  EXPECT_EQ(share.held(), 0u);

  const size_t long_ones = fill(r, *pool_, 5000);
  const uint64_t segs = r.pop_front()->segs;
  EXPECT_GT(segs, 1u);
  EXPECT_EQ(share.held(), segs * (long_ones - 1));
  EXPECT_NEAR(double(share.held()), 512.0 / 4, 2 * double(segs));
  while (!r.empty()) {
    Pvec some;
    r.pop_into(some);
    some.clear();
    EXPECT_EQ(share.held(), segs * r.size());
  }
}

// One after the other takes what it can get, and keeps it.
TEST_F(EndQueueTest, WhatDisplacesTakesTheSlotsOfTheOldestHoweverMuchOthersHold) {
  PoolShare share(*pool_);
  EndQueue q({.packets = 512, .drop_head = true}), other({.packets = 512});
  q.draw_on(share);
  other.draw_on(share);
  for (const char* text : {"a", "b", "c"}) {
    PacketPtr p = test::packet(*pool_, text);
    EXPECT_TRUE(push_back(q, p));
  }
  fill(other, *pool_, 10);
  std::vector<PacketPtr> elsewhere;  // takes from the share what it had
  while (pool_->available() > 10) elsewhere.push_back(pool_->alloc());
  const uint64_t held = share.held();
  ASSERT_EQ(share.room(), 0u);
  PacketPtr fourth = test::packet(*pool_, "d");
  EXPECT_FALSE(push_back(q, fourth));
  EXPECT_EQ(test::bytes_of(*q.displace()), "a");
  EXPECT_EQ(share.held(), held);
  EXPECT_TRUE(push_back(q, fourth));
  EXPECT_EQ(share.held(), held);
  PacketPtr fifth = test::packet(*pool_, "e");
  EXPECT_FALSE(push_back(q, fifth)) << "one takes the place of one";
  for (const char* text : {"b", "c", "d"}) EXPECT_EQ(test::bytes_of(*q.pop_front()), text);
  EXPECT_EQ(share.held(), held - 3);
}

TEST_F(EndQueueTest, ManySharesLeaveAnEighthOfThePoolAndEachHasSomething) {
  std::vector<std::unique_ptr<PoolShare>> shares;
  std::vector<std::unique_ptr<EndQueue>> queues;
  for (int i = 0; i < 64; ++i) {
    shares.push_back(std::make_unique<PoolShare>(*pool_));
    queues.push_back(std::make_unique<EndQueue>(QueueLimit{.packets = 512}));
    queues.back()->draw_on(*shares.back());
    EXPECT_GE(fill(*queues.back(), *pool_, 10), shares.back()->least());
  }
  EXPECT_GE(pool_->available(), 512u / 8);
  queues.clear();
}

TEST_F(EndQueueTest, PutBackRestoresOrder) {
  EndQueue q({.packets = 4, .bytes = 1000});
  for (const char* text : {"a", "b", "c", "d"}) {
    PacketPtr p = test::packet(*pool_, text);
    push_back(q, p);
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
      ASSERT_TRUE(push_back(q, p));
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

// Many at once, against one by one in a list.
TEST_F(EndQueueTest, TakesVectorsUpToTheFirstThatDoesNotFit) {
  EndQueue q({.packets = 32, .bytes = 200});
  std::deque<std::string> model;
  uint64_t bytes = 0;
  std::mt19937 rng(3);
  for (int turn = 0, number = 0; turn < 2000; ++turn) {
    std::vector<Packet*> packets;
    for (size_t n = rng() % 40; n > 0; --n) {
      packets.push_back(
          test::packet(*pool_, std::to_string(number++) + std::string(rng() % 12, '.')).release());
    }
    const size_t taken = q.append(packets, kPath);
    for (size_t i = 0; i < packets.size(); ++i) {
      PacketPtr p(packets[i]);
      const std::string text = test::bytes_of(*p);
      if (i >= taken) {
        EXPECT_TRUE(i > taken || model.size() == 32 || bytes + text.size() > 200);
        continue;
      }
      p.release();
      model.push_back(text);
      bytes += text.size();
    }
    ASSERT_LE(model.size(), 32u);
    ASSERT_LE(bytes, 200u);
    for (size_t n = rng() % 40; n > 0 && !q.empty(); --n) {
      EXPECT_EQ(test::bytes_of(*q.pop_front()), model.front());
      bytes -= model.front().size();
      model.pop_front();
    }
    EXPECT_EQ(q.size(), model.size());
    EXPECT_EQ(q.bytes(), bytes);
  }
}

TEST_F(EndQueueTest, FreesWhatItHolds) {
  {
    EndQueue q({});
    PacketPtr p = test::packet(*pool_, "x");
    push_back(q, p);
  }
  EXPECT_EQ(pool_->in_use(), 0u);
}

}  // namespace
}  // namespace weft
