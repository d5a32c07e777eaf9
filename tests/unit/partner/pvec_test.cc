// SPDX-License-Identifier: Apache-2.0
#include "partner/pvec.h"

#include <gtest/gtest.h>

#include "partner/pool.h"

namespace weft {
namespace {

class PvecTest : public ::testing::Test {
 protected:
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 256, .pages = PageKind::k4K});
};

TEST_F(PvecTest, KeepsOrderAcrossTakingAndAppending) {
  Pvec v;
  pool_->alloc(v, Pvec::kCapacity);
  for (size_t i = 0; i < v.size(); ++i) v[i]->next_hop = uint32_t(i);
  for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(v.pop_front()->next_hop, i);
  EXPECT_EQ(v.room(), 10u);
  PacketPtr p = pool_->alloc();
  p->next_hop = 64;
  v.push_back(std::move(p));  // needs the gap in front
  for (size_t i = 0; i < v.size(); ++i) EXPECT_EQ(v[i]->next_hop, i + 10);
  v.clear();
}

TEST_F(PvecTest, AppendTakesWhatFits) {
  Pvec a, b;
  pool_->alloc(a, 60);
  pool_->alloc(b, 10);
  Packet* fifth = b[4];
  a.append(b);
  EXPECT_TRUE(a.full());
  EXPECT_EQ(b.size(), 6u);
  EXPECT_EQ(b[0], fifth);
  a.clear();
  b.clear();
}

TEST_F(PvecTest, LooksBehindAGuardedEndFindAnEmptyPacket) {
  for (size_t n : {size_t{0}, size_t{1}, Pvec::kCapacity - 1, Pvec::kCapacity}) {
    Pvec v;
    pool_->alloc(v, n);
    v.guard_end();
    for (size_t i = 0; i < Pvec::kLookahead; ++i) EXPECT_EQ(v[n + i]->length, 0u) << n << " " << i;
    v.clear();
  }
}

TEST_F(PvecTest, MovingEmptiesTheSource) {
  Pvec a;
  pool_->alloc(a, 3);
  Pvec b(std::move(a));
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.size(), 3u);
  b.clear();
  EXPECT_EQ(pool_->in_use(), 0u);
}

}  // namespace
}  // namespace weft
