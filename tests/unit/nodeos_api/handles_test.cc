// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/handles.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace weft {
namespace {

class HandlesTest : public ::testing::Test {
 protected:
  std::unique_ptr<HandleTable> table_ = std::make_unique<HandleTable>();
  int object_ = 0;
};

TEST_F(HandlesTest, FindsTheLivingAndKnowsTheDead) {
  const uint64_t h = table_->add(AN_DOMAIN, &object_);
  EXPECT_EQ(table_->find(h, AN_DOMAIN).object, &object_);
  EXPECT_EQ(table_->find(h, AN_INCHAN).object, nullptr);
  EXPECT_FALSE(table_->find(h, AN_INCHAN).was);
  table_->remove(h);
  EXPECT_EQ(table_->find(h, AN_DOMAIN).object, nullptr);
  EXPECT_TRUE(table_->find(h, AN_DOMAIN).was);
}

TEST_F(HandlesTest, ASlotIsNeverMistakenForItsLastObject) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t h = table_->add(AN_EVENT, &object_);
    EXPECT_TRUE(seen.insert(h).second);
    table_->remove(h);
  }
  for (uint64_t h : seen) EXPECT_EQ(table_->find(h, AN_EVENT).object, nullptr);
}

TEST_F(HandlesTest, RemoveWaitsForThoseWhoPinned) {
  const uint64_t h = table_->add(AN_HEAP, &object_);
  ASSERT_EQ(table_->pin(h, AN_HEAP).object, &object_);
  EXPECT_EQ(table_->pin(h, AN_MUTEX).object, nullptr);
  std::atomic<bool> removed{false};
  std::thread remover([&] {
    table_->remove(h);
    removed = true;
  });
  while (table_->find(h, AN_HEAP).object != nullptr) std::this_thread::yield();
  EXPECT_FALSE(removed);
  EXPECT_EQ(table_->pin(h, AN_HEAP).object, nullptr);  // too late for another
  EXPECT_TRUE(table_->pin(h, AN_HEAP).was);
  table_->unpin(h);
  remover.join();
  EXPECT_TRUE(removed);
}

TEST_F(HandlesTest, RandomNumbersAreNoHandles) {
  const uint64_t h = table_->add(AN_DOMAIN, &object_);
  for (int bit = 0; bit < 64; ++bit)
    EXPECT_EQ(table_->find(h ^ (uint64_t{1} << bit), AN_DOMAIN).object, nullptr);
  EXPECT_EQ(table_->find(0, AN_DOMAIN).object, nullptr);
  EXPECT_EQ(table_->find(UINT64_MAX, AN_DOMAIN).object, nullptr);
}

TEST_F(HandlesTest, GrowsAndKeepsEach) {
  std::vector<int> objects(5000);
  std::vector<uint64_t> handles;
  for (int& object : objects) handles.push_back(table_->add(AN_OUTCHAN, &object));
  for (size_t i = 0; i < objects.size(); ++i)
    EXPECT_EQ(table_->find(handles[i], AN_OUTCHAN).object, &objects[i]);
}

}  // namespace
}  // namespace weft
