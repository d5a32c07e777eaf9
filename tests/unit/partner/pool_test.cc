// SPDX-License-Identifier: Apache-2.0
#include "partner/pool.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "partner/drop.h"
#include "tests/unit/testing/frames.h"

namespace weft {
namespace {

using testing::content;

class PoolTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(pool_->in_use(), 0u); }

  std::vector<uint8_t> bytes(size_t n) {
    std::vector<uint8_t> b(n);
    std::iota(b.begin(), b.end(), uint8_t{1});
    return b;
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 16, .pages = PageKind::k4K});
};

TEST_F(PoolTest, RefusesSizesOutOfRange) {
  EXPECT_FALSE(Pool::create({.packets = 0}));
  EXPECT_FALSE(Pool::create({.packets = size_t{1} << 25}));
}

TEST_F(PoolTest, SaysWhichPagesItGot) {
  auto huge = *Pool::create({.packets = 16, .pages = PageKind::k2M});
  EXPECT_EQ(huge->pages() == PageKind::k2M, huge->pages_reason().empty());
  EXPECT_EQ(pool_->pages(), PageKind::k4K);
  EXPECT_EQ(pool_->pages_reason(), "");
}

TEST_F(PoolTest, FreshPacketsAreCleanAndAligned) {
  PacketPtr p = pool_->alloc();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(p.get()) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(p->data) % 64, 0u);
  EXPECT_EQ(p->length, 0u);
  EXPECT_EQ(p->headroom(), Packet::kHeadroom - Packet::kReserved);
  EXPECT_EQ(&Pool::of(p.get()), pool_.get());
}

TEST_F(PoolTest, AFreshPacketKnowsNothingOfTheSlotsLastUser) {
  Pvec v;
  const auto expect_fresh = [](const Packet& p) {
    EXPECT_EQ(p.timestamp, 0u);
    EXPECT_EQ(p.l3, 0);
    EXPECT_EQ(p.l4, 0);
    EXPECT_EQ(p.flags, 0);
    EXPECT_EQ(p.next_hop, Packet::kNoNextHop);
    EXPECT_EQ(p.in_port, Packet::kNoPort);
  };
  const auto use_all = [&] {
    pool_->alloc(v, pool_->capacity());
    for (Packet* p : v) {
      p->timestamp = p->next_hop = p->l3 = p->l4 = p->in_port = 7;
      p->flags = Packet::kOrigin;
    }
    v.clear();
  };
  use_all();
  expect_fresh(*pool_->alloc());
  expect_fresh(*pool_->copy(bytes(10)));
  pool_->alloc(v, 1);
  expect_fresh(*v[0]);
  v.clear();
}

TEST_F(PoolTest, ExhaustionIsCountedAndRecovers) {
  Pvec v;
  EXPECT_EQ(pool_->alloc(v, 20), 16u);
  EXPECT_EQ(pool_->alloc(), nullptr);
  EXPECT_EQ(pool_->exhausted(), 5u);
  v.clear();
  EXPECT_NE(pool_->alloc(), nullptr);
}

TEST_F(PoolTest, CopyChainsWhatDoesNotFitOneSlot) {
  const auto b = bytes(5000);
  PacketPtr p = pool_->copy(b);
  EXPECT_EQ(p->segs, 3);
  EXPECT_EQ(p->total_length(), 5000u);
  EXPECT_EQ(content(*p), b);
  EXPECT_EQ(pool_->bytes_copied(), 5000u);
}

TEST_F(PoolTest, ACloneSharesBytesAndEitherMayDieFirst) {
  const auto b = bytes(3000);
  PacketPtr p = pool_->copy(b);
  const uint64_t copied = pool_->bytes_copied();
  PacketPtr c = pool_->clone(*p);
  EXPECT_EQ(c->data, p->data);
  EXPECT_FALSE(p->writable());
  EXPECT_FALSE(c->writable());
  p.reset();
  EXPECT_EQ(content(*c), b);
  EXPECT_EQ(pool_->bytes_copied(), copied);
  EXPECT_GT(pool_->in_use(), 2u);  // the owners wait for the clone
}

TEST_F(PoolTest, AnOverlayOfACloneOutlivesBoth) {
  const auto b = bytes(3000);
  PacketPtr p = pool_->copy(b);
  PacketPtr c = pool_->clone(*p);
  PacketPtr o = pool_->overlay(*c, 1900, 200);  // across two Segs
  p.reset();
  c.reset();
  EXPECT_EQ(content(*o), std::vector<uint8_t>(b.begin() + 1900, b.begin() + 2100));
}

TEST_F(PoolTest, WritingToSharedBytesCopiesOnlyTheFront) {
  const auto b = bytes(1000);
  PacketPtr p = pool_->copy(b);
  PacketPtr c = pool_->clone(*p);
  const uint64_t copied = pool_->bytes_copied();
  ASSERT_TRUE(pool_->unshare_front(c, 40));
  EXPECT_EQ(pool_->bytes_copied() - copied, 40u);
  ASSERT_TRUE(c->writable());
  c->data[0] = 0xff;
  EXPECT_EQ(p->data[0], b[0]);
  EXPECT_EQ(c->total_length(), 1000u);
  EXPECT_EQ(content(*c)[40], b[40]);
}

TEST_F(PoolTest, UnshareMakesASplitHeaderContiguous) {
  PacketPtr p = pool_->copy(bytes(10));
  PacketPtr q = pool_->copy(bytes(30));
  p->segs = 2;
  p->next = q.release();
  ASSERT_TRUE(pool_->unshare_front(p, 20));
  EXPECT_GE(p->length, 20u);
  EXPECT_EQ(p->total_length(), 40u);
  EXPECT_FALSE(pool_->unshare_front(p, 41));
}

TEST_F(PoolTest, AnExhaustedPoolLeavesThePacketAsItWas) {
  PacketPtr p = pool_->copy(bytes(100));
  PacketPtr c = pool_->clone(*p);
  Pvec rest;
  pool_->alloc(rest, 14);
  EXPECT_FALSE(pool_->unshare_front(c, 10));
  EXPECT_EQ(c->total_length(), 100u);
  rest.clear();
}

struct Block : Foreign {
  uint8_t bytes[256] = {};
  int released = 0;
};

TEST_F(PoolTest, ForeignMemoryIsReleasedOnceByTheLastSeg) {
  Block block;
  block.release = [](Foreign* f) { ++static_cast<Block*>(f)->released; };
  PacketPtr a = pool_->attach(block, block.bytes, 100);
  PacketPtr b = pool_->attach(block, block.bytes + 100, 100);
  PacketPtr c = pool_->clone(*a);
  EXPECT_FALSE(a->writable());
  a.reset();
  b.reset();
  EXPECT_EQ(block.released, 0);
  c.reset();
  EXPECT_EQ(block.released, 1);
}

TEST_F(PoolTest, ForeignMemoryMayBeWritable) {
  Block block;
  block.release = [](Foreign*) {};
  block.writable = true;
  PacketPtr a = pool_->attach(block, block.bytes + 20, 100);
  EXPECT_TRUE(a->writable());
  a->pop(14);
  EXPECT_EQ(a->headroom(), 14u);
}

TEST_F(PoolTest, TrimFreesSegs) {
  PacketPtr p = pool_->copy(bytes(5000));
  p->trim(100);
  EXPECT_EQ(p->segs, 1);
  EXPECT_EQ(p->total_length(), 100u);
  EXPECT_EQ(pool_->in_use(), 1u);
}

TEST_F(PoolTest, DropCountsByReason) {
  DropCounters drops;
  drop(pool_->alloc(), DropReason::kTtlExpired, drops);
  Pvec v;
  pool_->alloc(v, 3);
  drop(v, DropReason::kNoRoute, drops);
  EXPECT_EQ(drops[DropReason::kTtlExpired], 1u);
  EXPECT_EQ(drops[DropReason::kNoRoute], 3u);
  EXPECT_EQ(drops.total(), 4u);
  EXPECT_STREQ(name(DropReason::kTtlExpired), "ttl_expired");
}

}  // namespace
}  // namespace weft
