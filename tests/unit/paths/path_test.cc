// SPDX-License-Identifier: Apache-2.0
#include "paths/path.h"

#include <gtest/gtest.h>

#include "paths/pool_share.h"
#include "tests/unit/testing/path_between.h"

namespace weft {
namespace {

// Appends its letter on the way forward, drops what holds an 'x', sends an 'r' back.
class Letter final : public Stage {
 public:
  explicit Letter(char letter) : letter_(letter) {}
  void deliver(Dir dir, Pvec& v) override {
    Pvec on, back;
    while (!v.empty()) {
      PacketPtr p = v.pop_front();
      if (p->data[0] == 'x') {
        drop(std::move(p), DropReason::kBadOptions);
        continue;
      }
      p->data[p->length++] = uint8_t(letter_);
      (dir == Dir::kForward && p->data[0] == 'r' && letter_ == '2' ? back : on).push_back(std::move(p));
    }
    hand_on(dir, on);
    hand_on(Dir::kBackward, back);
  }

 private:
  char letter_;
};

class Keeper final : public Stage {
 public:
  void deliver(Dir, Pvec& v) override { kept_.append(v); }
  void close() override {
    while (!kept_.empty()) drop(kept_.pop_front(), DropReason::kPathClosed);
  }
  size_t held() const override { return kept_.size(); }

 private:
  Pvec kept_;
};

class CountingTap final : public Tap {
 public:
  void see(size_t gate, Dir dir, const Pvec& v) override {
    seen += std::to_string(gate) + (dir == Dir::kForward ? ">" : "<") + std::to_string(v.size()) + " ";
  }
  std::string seen;
};

class PathTest : public test::PathBetween {
 protected:
  PathTest() : PathBetween("a/one/two", {.in = {.packets = 4}, .out = {.packets = 2}}) {
    path_.append("one", std::make_unique<Letter>('1'));
    path_.append("two", std::make_unique<Letter>('2'));
  }
  void in(End end, std::string_view bytes) { path_.enqueue(end, test::packet(*pool_, bytes)); }
};

TEST_F(PathTest, TakesPacketsThroughItsStagesInBothDirections) {
  in(End::kNear, "a");
  in(End::kFar, "b");
  EXPECT_EQ(path_.run(), 2u);
  EXPECT_EQ(test::bytes_of(*far_.taken().at(0)), "a12");
  EXPECT_EQ(test::bytes_of(*near_.taken().at(0)), "b21");
}

// Both bounds of the queue: what is over them stays in the vector, whole and in order.
TEST(PathQueueTest, AVectorKeepsWhatDoesNotFit) {
  auto pool = *Pool::create({.packets = 16, .pages = PageKind::k4K});
  for (const QueueLimit limit : {QueueLimit{.packets = 2}, QueueLimit{.packets = 16, .bytes = 7}}) {
    Path path(*parse_path("a"), {.in = limit}, nullptr);
    Pvec v;
    // The last would fit the second queue, but may not overtake.
    for (const char* bytes : {"one", "two", "four", "5"}) v.push_back(test::packet(*pool, bytes));
    path.enqueue(End::kFar, v);
    ASSERT_EQ(v.size(), 2u);
    EXPECT_EQ(test::bytes_of(*v[0]), "four");
    EXPECT_EQ(test::bytes_of(*v[1]), "5");
    EXPECT_EQ(path.in_queue(End::kFar).size(), 2u);
    EXPECT_EQ(path.ledger().in_packets, 2u);
    EXPECT_EQ(path.dropped(), 0u);
    path.close();
    v.clear();
  }
  EXPECT_EQ(pool->in_use(), 0u);
}

TEST_F(PathTest, AStageMayTurnAPacketRound) {
  in(End::kNear, "r");
  path_.run();
  EXPECT_EQ(test::bytes_of(*near_.taken().at(0)), "r121");
}

TEST_F(PathTest, CountsAroundStages) {
  in(End::kNear, "a");
  in(End::kNear, "x");
  path_.run();
  const StageRecord& one = *path_.stages()[0];
  EXPECT_EQ(one.counters.calls.value(), 1u);
  EXPECT_EQ(one.counters.packets.value(), 2u);
  EXPECT_EQ(one.counters.drops[DropReason::kBadOptions], 1u);
  EXPECT_EQ(path_.stages()[1]->counters.packets.value(), 1u);
  EXPECT_EQ(path_.dropped(DropReason::kBadOptions), 1u);
}

TEST_F(PathTest, ChargesCyclesOncePerStageAndToTheDomain) {
  for (int i = 0; i < 4; ++i) in(End::kNear, "a");
  path_.run();
  uint64_t in_stages = 0;
  for (const auto& record : path_.stages()) in_stages += record->counters.cycles.value();
  EXPECT_GT(path_.account().cycles(), 0u);
  EXPECT_LE(in_stages, path_.account().cycles());
  EXPECT_EQ(domain_.cycles(), path_.account().cycles());
  EXPECT_EQ(domain_.bits(), 4u * 3 * 8);
}

TEST_F(PathTest, TimesStagesInASampleOfTheRuns) {
  for (int i = 0; i < 100; ++i) {
    in(End::kNear, "a");
    path_.run();
  }
  for (const auto& record : path_.stages()) {
    EXPECT_EQ(record->counters.packets.value(), 100u);
    EXPECT_GT(record->counters.timed_packets.value(), 0u);
    EXPECT_LT(record->counters.timed_packets.value(), 20u);
    EXPECT_GT(record->counters.cycles.value(), 0u);
  }
}

TEST_F(PathTest, DropsEarlyWhatItsInQueueCannotHold) {
  for (int i = 0; i < 6; ++i) in(End::kNear, "a");
  EXPECT_EQ(path_.ledger().drops[DropReason::kInQueueFull], 2u);
  path_.run();
  EXPECT_EQ(far_.taken().size(), 4u);
}

TEST_F(PathTest, KeepsWhatThePartnerRefusesInOrder) {
  far_.room = 1;
  for (const char* text : {"a", "b", "c"}) in(End::kNear, text);
  path_.run();
  EXPECT_TRUE(path_.backlogged());
  EXPECT_EQ(path_.out_queue(End::kFar).size(), 2u);
  far_.room = 1;
  EXPECT_FALSE(path_.flush());
  far_.room = 10;
  EXPECT_TRUE(path_.flush());
  EXPECT_EQ(test::bytes_of(*far_.taken().at(0)), "a12");
  EXPECT_EQ(test::bytes_of(*far_.taken().at(1)), "b12");
  EXPECT_EQ(test::bytes_of(*far_.taken().at(2)), "c12");
}

TEST_F(PathTest, NothingOvertakesTheBacklog) {
  far_.room = 0;
  in(End::kNear, "a");
  path_.run();
  far_.room = 10;
  in(End::kNear, "b");
  path_.run();
  path_.flush();
  EXPECT_EQ(test::bytes_of(*far_.taken().at(0)), "a12");
  EXPECT_EQ(test::bytes_of(*far_.taken().at(1)), "b12");
}

TEST_F(PathTest, LosesAtTheOutQueueWhatThePartnerNeverTakes) {
  far_.room = 0;
  for (int i = 0; i < 4; ++i) in(End::kNear, "a");
  path_.run();
  EXPECT_EQ(path_.ledger().drops[DropReason::kOutQueueFull], 2u);
  EXPECT_EQ(path_.held(), 2u);
}

TEST_F(PathTest, ATapSeesEveryGate) {
  CountingTap tap;
  path_.set_tap(&tap);
  in(End::kNear, "a");
  in(End::kFar, "b");
  path_.run();
  EXPECT_EQ(tap.seen, "0>1 1>1 2>1 2<1 1<1 0<1 ");
}

TEST_F(PathTest, AnEndWithoutAPartnerIsPulled) {
  path_.join(End::kFar, nullptr, kNoOpening);
  in(End::kNear, "a");
  path_.run();
  Pvec v;
  path_.take(End::kFar, v, 8);
  ASSERT_EQ(v.size(), 1u);
  EXPECT_EQ(path_.ledger().out_packets, 1u);
  v.clear();
}

TEST(Path, ClosingDropsWhatStagesKeep) {
  auto pool = *Pool::create({.packets = 16, .pages = PageKind::k4K});
  Path path(*parse_path("a/keep"), {}, nullptr);
  path.append("keep", std::make_unique<Keeper>());
  path.enqueue(End::kNear, test::packet(*pool, "a"));
  path.run();
  EXPECT_EQ(path.held(), 1u);
  path.enqueue(End::kNear, test::packet(*pool, "b"));
  path.close();
  EXPECT_EQ(path.held(), 0u);
  EXPECT_EQ(path.dropped(DropReason::kPathClosed), 2u);
  EXPECT_EQ(pool->in_use(), 0u);
}

TEST(Path, WithoutStagesHandsAcross) {
  auto pool = *Pool::create({.packets = 16, .pages = PageKind::k4K});
  test::TestPartner a, b;
  Path path(*parse_path("a -> b"), {}, nullptr);
  path.join(End::kNear, &a, Opening{0});
  path.join(End::kFar, &b, Opening{0});
  path.enqueue(End::kNear, test::packet(*pool, "x"));
  path.enqueue(End::kFar, test::packet(*pool, "y"));
  path.run();
  EXPECT_EQ(test::bytes_of(*b.taken().at(0)), "x");
  EXPECT_EQ(test::bytes_of(*a.taken().at(0)), "y");
}

class DropHeadPathTest : public test::PathBetween {
 protected:
  DropHeadPathTest() : PathBetween("a", {.in = {.packets = 64, .drop_head = true}, .out = {}}) {
    path_.draw_on(share_);
  }
  void others_fill_the_share() { share_.take(pool_->capacity()); }

  PoolShare share_{*pool_};
};

TEST_F(DropHeadPathTest, WhenOthersHoldItsShareOnePacketTakesThePlaceOfOne) {
  for (const char* text : {"a", "b", "c"}) path_.enqueue(End::kNear, test::packet(*pool_, text));
  others_fill_the_share();
  EXPECT_TRUE(path_.enqueue(End::kNear, test::packet(*pool_, "d")));
  Pvec two;
  for (const char* text : {"e", "f"}) two.push_back(test::packet(*pool_, text));
  path_.enqueue(End::kNear, two);
  EXPECT_TRUE(two.empty());
  EXPECT_EQ(path_.ledger().drops[DropReason::kInQueueFull], 3u);
  EXPECT_EQ(share_.held(), pool_->capacity() + 3);
  path_.run();
  std::string taken;
  for (const PacketPtr& p : far_.taken()) taken += test::bytes_of(*p);
  EXPECT_EQ(taken, "def");
}

TEST_F(DropHeadPathTest, AnEmptyQueueHasNothingToGiveForAPacket) {
  others_fill_the_share();
  EXPECT_FALSE(path_.enqueue(End::kNear, test::packet(*pool_, "a")));
  Pvec one;
  one.push_back(test::packet(*pool_, "b"));
  path_.enqueue(End::kNear, one);
  EXPECT_EQ(one.size(), 1u);
  one.clear();
  EXPECT_EQ(path_.ledger().drops[DropReason::kInQueueFull], 1u);
}

}  // namespace
}  // namespace weft
