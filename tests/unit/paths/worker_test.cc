// SPDX-License-Identifier: Apache-2.0
#include "paths/worker.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <utility>

#include "paths/policy_round_robin.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

class Alarm final : public Timer {
 public:
  void fire(uint64_t now_ns) override { fired_at.push_back(now_ns); }
  std::vector<uint64_t> fired_at;
};

TEST(Timers, FireInOrderAndOnce) {
  Timers timers;
  Alarm a, b;
  timers.arm(a, 200);
  timers.arm(b, 100);
  EXPECT_EQ(timers.next_ns(), 100u);
  timers.fire_due(150);
  EXPECT_EQ(b.fired_at.size(), 1u);
  EXPECT_TRUE(a.fired_at.empty());
  timers.arm(a, 300);  // moves
  timers.fire_due(250);
  EXPECT_TRUE(a.fired_at.empty());
  timers.fire_due(300);
  EXPECT_EQ(a.fired_at.size(), 1u);
  EXPECT_EQ(timers.next_ns(), UINT64_MAX);
}

TEST(Timers, CancelForgets) {
  Timers timers;
  Alarm a;
  timers.arm(a, 10);
  timers.cancel(a);
  timers.fire_due(20);
  EXPECT_TRUE(a.fired_at.empty());
}

class WorkerTest : public ::testing::Test {
 protected:
  void TearDown() override {
    worker_.stop();
    a_.lose_all();
    b_.lose_all();
    EXPECT_EQ(pool_->in_use(), 0u);
  }
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 1024, .pages = PageKind::k4K});
  SystemClock clock_;
  test::TestPartner a_, b_;
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
};

TEST_F(WorkerTest, ARawFlowNeedsNoPath) {
  worker_.add_joint({&a_, Opening{0}, &b_, Opening{0}});
  for (int i = 0; i < 100; ++i) a_.will_give(test::packet(*pool_, "p"));
  EXPECT_EQ(worker_.round(), 100u);
  EXPECT_EQ(worker_.round(), 0u);
  EXPECT_EQ(b_.taken().size(), 100u);
}

TEST_F(WorkerTest, ABusyJointDoesNotKeepTheOthersWaiting) {
  test::TestPartner c;
  worker_.add_joint({&a_, Opening{0}, &b_, Opening{0}});
  worker_.add_joint({&c, Opening{0}, &b_, Opening{0}});
  for (int i = 0; i < 600; ++i) a_.will_give(test::packet(*pool_, "a"));
  c.will_give(test::packet(*pool_, "c"));
  EXPECT_EQ(worker_.round(), 512u + 1u);
  EXPECT_EQ(a_.left_to_give(), 88u);
}

// Takes what it is pushed into a path.
class IntoPath final : public Partner {
 public:
  explicit IntoPath(Path& path) : path_(path) {}
  Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{0}; }
  void close(Opening) override {}
  void push(Opening, Pvec& v) override {
    path_.enqueue(End::kNear, {v.begin(), v.size()});
    v.release_all();
  }
  void pull(Opening, Pvec&, size_t) override {}
  Result<Reply> control(Opening, const Request&) override {
    return Error{Code::kUnsupported, "it is asked nothing"};
  }

 private:
  Path& path_;
};

TEST_F(WorkerTest, PathsRunBeforeAnotherPvecCouldOverflowThem) {
  for (uint32_t capacity : {64u, 128u, 256u}) {
    Path path(*parse_path("a -> b"), {.in = {.packets = capacity}}, nullptr);
    path.join(End::kFar, &b_, Opening{0});
    worker_.add(path);
    IntoPath into(path);
    const uint32_t joint = worker_.add_joint({&a_, Opening{0}, &into, Opening{0}});
    for (int i = 0; i < 300; ++i) a_.will_give(test::packet(*pool_, "p"));
    while (a_.left_to_give() > 0) worker_.round();
    EXPECT_EQ(path.dropped(), 0u) << capacity;
    EXPECT_EQ(b_.taken().size(), 300u) << capacity;
    b_.lose_all();
    worker_.remove_joint(joint);
    worker_.remove(path);
  }
}

TEST_F(WorkerTest, WhatAPartnerRefusesIsCounted) {
  worker_.add_joint({&a_, Opening{0}, &b_, Opening{0}});
  b_.room = 1;
  for (int i = 0; i < 3; ++i) a_.will_give(test::packet(*pool_, "p"));
  worker_.round();
  EXPECT_EQ(worker_.drops()[DropReason::kPartnerRefused], 2u);
}

TEST_F(WorkerTest, RunsReadyPathsInTurnAndFlushesTheirBacklog) {
  Path one(*parse_path("a -> b"), {}, nullptr), two(*parse_path("b -> a"), {}, nullptr);
  for (Path* p : {&one, &two}) {
    p->join(End::kFar, &b_, Opening{0});
    worker_.add(*p);
  }
  b_.room = 1;
  one.enqueue(End::kNear, test::packet(*pool_, "1"));
  two.enqueue(End::kNear, test::packet(*pool_, "2"));
  EXPECT_EQ(worker_.round(), 2u);
  EXPECT_EQ(b_.taken().size(), 1u);
  b_.room = 1;
  worker_.round();
  EXPECT_EQ(b_.taken().size(), 2u);
  for (Path* p : {&one, &two}) worker_.remove(*p);
}

TEST_F(WorkerTest, APathWithManyPacketsRunsAgain) {
  Path path(*parse_path("a -> b"), {.in = {.packets = 256}}, nullptr);
  path.join(End::kFar, &b_, Opening{0});
  for (int i = 0; i < 200; ++i) path.enqueue(End::kNear, test::packet(*pool_, "1"));
  worker_.add(path);
  EXPECT_EQ(worker_.round(), 200u);
  EXPECT_EQ(b_.taken().size(), 200u);
  worker_.remove(path);
}

TEST_F(WorkerTest, RunsPostedWorkInOrderAndCallWaits) {
  worker_.start();
  std::vector<int> order;
  for (int i = 0; i < 2000; ++i) worker_.post([&order, i] { order.push_back(i); });
  bool on_worker = false;
  worker_.call([&] { on_worker = worker_.on_this_thread(); });
  EXPECT_TRUE(on_worker);
  ASSERT_EQ(order.size(), 2000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(WorkerTest, SleepsWhenIdleAndWakesForWork) {
  worker_.start();
  for (int i = 0; i < 500 && worker_.sleeps() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_GT(worker_.sleeps(), 0u);
  const uint64_t before = worker_.rounds();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_LT(worker_.rounds() - before, 100u);
  bool done = false;
  worker_.call([&] { done = true; });
  EXPECT_TRUE(done);
}

// Gives a path a packet at the end of a round in which it is asked to.
class LatePacket final : public RoundEnd {
 public:
  LatePacket(Path& path, Pool& pool) : path_(path), pool_(pool) {}
  void ask() { asked_ = true; }
  bool end_of_round(uint64_t) override {
    if (std::exchange(asked_, false)) path_.enqueue(End::kNear, test::packet(pool_, "p"));
    return false;
  }

 private:
  Path& path_;
  Pool& pool_;
  bool asked_ = false;
};

TEST_F(WorkerTest, DoesNotSleepOnWhatCameAtTheEndOfAnIdleRound) {
  Worker worker({.linger_ns = 0}, clock_, std::make_unique<RoundRobin>());
  Path path(*parse_path("a -> b"), {}, nullptr);
  path.join(End::kFar, &b_, Opening{0});
  LatePacket late(path, *pool_);
  worker.add(path);
  worker.add_round_end(&late);
  worker.start();
  worker.post([&] { late.ask(); });
  for (int i = 0; i < 2000 && path.ledger().out_packets == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(path.ledger().out_packets, 1u);
  worker.stop();
  worker.remove(path);
  path.close();
}

// Counts how often it is read.
class CountedClock final : public Clock {
 public:
  uint64_t now_ns() const override {
    ++readings;
    return system_.now_ns();
  }
  mutable uint64_t readings = 0;

 private:
  SystemClock system_;
};

// Gives a packet each of three times that it is polled, one behind the other, and notes at each,
// and at the next, how often the clock was read until then.
class Burst final : public Partner {
 public:
  static constexpr uint32_t kIdle = 20;  // polls before

  Burst(Pool& pool, const CountedClock& clock) : pool_(pool), clock_(clock) {}
  Result<Opening> open(std::string_view, Partner*, Opening) override { return Opening{0}; }
  void close(Opening) override {}
  void push(Opening, Pvec&) override {}
  void pull(Opening, Pvec& v, size_t) override {
    if (polls_++ < kIdle || noted_ == readings.size()) return;
    readings[noted_++] = clock_.readings;
    if (noted_ < readings.size()) v.push_back(pool_.alloc());
    if (noted_ == readings.size()) done.store(true, std::memory_order_release);
  }
  Result<Reply> control(Opening, const Request&) override {
    return Error{Code::kUnsupported, "it is asked nothing"};
  }

  std::array<uint64_t, 4> readings{};
  std::atomic<bool> done{false};

 private:
  Pool& pool_;
  const CountedClock& clock_;
  uint64_t polls_ = 0;
  size_t noted_ = 0;
};

TEST_F(WorkerTest, DoesNotReadTheClockBetweenTheRoundInWhichSomethingCameAndTheNext) {
  CountedClock clock;
  Worker worker({.busy = true}, clock, std::make_unique<RoundRobin>());
  Burst burst(*pool_, clock);
  worker.add_joint({&burst, Opening{0}, &b_, Opening{0}});
  worker.start();
  for (int i = 0; i < 5000 && !burst.done.load(std::memory_order_acquire); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  worker.stop();
  ASSERT_TRUE(burst.done);
  EXPECT_EQ(burst.readings[1], burst.readings[0]);
  EXPECT_EQ(burst.readings[2], burst.readings[1] + 1);  // from then on, at each
  EXPECT_EQ(burst.readings[3], burst.readings[2] + 1);
}

TEST_F(WorkerTest, WakesForADescriptor) {
  OwnedFd event(::eventfd(0, EFD_NONBLOCK));
  worker_.add_joint({&a_, Opening{0}, &b_, Opening{0}, event.get()});
  worker_.start();
  for (int i = 0; i < 500 && worker_.sleeps() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  worker_.call([&] { a_.will_give(test::packet(*pool_, "p")); });
  ::eventfd_write(event.get(), 1);
  size_t taken = 0;
  for (int i = 0; i < 500 && taken == 0; ++i) {
    worker_.call([&] { taken = b_.taken().size(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(taken, 1u);
}

}  // namespace
}  // namespace weft
