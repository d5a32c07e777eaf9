// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "nodeos_api/packet_hold.h"
#include "tests/unit/testing/api_node.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

class EndingTest : public ::testing::Test {
 protected:
  struct Watch {
    EndingTest* test;
    std::string name;
  };
  static void hear(an_Domain, an_TermReason, void* arg) {
    auto* watch = static_cast<Watch*>(arg);
    watch->test->ended_.push_back(watch->name);
    watch->test->held_ += watch->test->node_.pool().in_use();
    delete watch;
  }
  an_Domain make(an_Domain parent, std::string name) {
    return an_domainCreate(nullptr, parent, nullptr, nullptr, nullptr, nullptr, nullptr, hear,
                           new Watch{this, std::move(name)});
  }
  static void count(void* arg) { ++*static_cast<int*>(arg); }

  test::ApiNode node_;
  std::vector<std::string> ended_;
  size_t held_ = 0;  // packets, when the functions were called
};

TEST_F(EndingTest, ChildrenEndBeforeParentsTheYoungestFirst) {
  const an_Domain top = make(nullptr, "top"), a = make(top, "a"), b = make(top, "b");
  const an_Domain c = make(a, "c");
  make(a, "d");
  make(c, "e");
  make(b, "f");
  ASSERT_EQ(an_domainDestroy(top), AN_OK);
  EXPECT_THAT(ended_, ElementsAre("f", "b", "d", "e", "c", "a", "top"));
}

TEST_F(EndingTest, PacketsOfAllAreBackBeforeTheFirstIsTold) {
  const an_Domain top = make(nullptr, "top"), other = make(nullptr, "other");
  for (int i = 0; i < 20; ++i) {
    const an_Domain child = make(top, "child");
    ASSERT_NE(an_packetAlloc(child, 3000), nullptr);
    ASSERT_NE(an_packetAlloc(child, 10), nullptr);
  }
  ASSERT_NE(an_packetAlloc(other, 10), nullptr);
  ASSERT_EQ(an_domainDestroy(top), AN_OK);
  EXPECT_EQ(ended_.size(), 21u);
  EXPECT_EQ(held_, 21u) << "but the other's one";
  EXPECT_EQ(node_.pool().in_use(), 1u);
  EXPECT_EQ(an_domainDestroy(other), AN_OK);
}

// With a worker that is waited for.
TEST_F(EndingTest, ThousandsEndTogether) {
  node_.worker().start();
  const an_Domain top = make(nullptr, "top");
  int ticks = 0;
  for (int i = 0; i < 5000; ++i) {
    const an_Domain child = make(top, "child");
    ASSERT_NE(an_eventSchedule(nullptr, child, 3'600'000'000'000, 0, count, &ticks), nullptr);
  }
  ASSERT_EQ(an_domainDestroy(top), AN_OK);
  EXPECT_EQ(ended_.size(), 5001u);
  EXPECT_EQ(ended_.front(), "child");
  EXPECT_EQ(ticks, 0);
}

TEST_F(EndingTest, AttachedMemoryHoldsTheCodeThatTakesItBack) {
  auto code = std::make_shared<int>();
  const std::weak_ptr<int> held = code;
  const an_Domain top = make(nullptr, "top");
  find<Domain>(top)->share_code(std::move(code));
  const an_Domain child = make(top, "child");
  uint8_t bytes[100] = {};
  int released = 0;
  Packet* p = from_handle(an_packetAttach(nullptr, child, bytes, sizeof bytes, 0, count, &released));
  ASSERT_NE(p, nullptr);
  let_go(*p);  // on its way
  find<Domain>(child)->ledger().held.set(0);
  PacketPtr on_its_way(p);
  ASSERT_EQ(an_domainDestroy(top), AN_OK);
  EXPECT_EQ(released, 0);
  EXPECT_FALSE(held.expired());
  on_its_way.reset();
  EXPECT_EQ(released, 1);
  EXPECT_TRUE(held.expired());
}

}  // namespace
}  // namespace weft
