// SPDX-License-Identifier: Apache-2.0
#include "mee/manager.h"

#include <deque>

#include "tests/unit/mee/node_fixture.h"

namespace weft::mee {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kMs = 1'000'000;

// A home whose EE lives and dies as the test says.
struct Script {
  bool starts = true;  // else it cannot
  bool stops_at_once = true;
  std::vector<std::string> calls;
  Home::WhenEnded ended;
  void die(bool failed) {
    std::exchange(ended, nullptr)({failed, failed ? "killed by SIGKILL" : "exit status 0"});
  }
};

class ScriptedHome final : public Home {
 public:
  explicit ScriptedHome(Script& script) : script_(script) {}
  ~ScriptedHome() override { script_.calls.emplace_back("gone"); }
  Result<void> start(an_Domain parent, WhenEnded ended) override {
    EXPECT_NE(parent, nullptr);
    script_.calls.emplace_back("start");
    if (!script_.starts) return Error{Code::kIo, "no such program"};
    script_.ended = std::move(ended);
    return {};
  }
  void stop() override {
    script_.calls.emplace_back("stop");
    if (script_.stops_at_once) script_.die(false);
  }
  void kill() override {
    script_.calls.emplace_back("kill");
    script_.die(true);
  }
  Facts facts() const override {
    return {.place = "a test", .domain = nullptr, .has = {}, .lacks = {"a cgroup"}};
  }

 private:
  Script& script_;
};

class ManagerTest : public WithManager {
 protected:
  void add(std::string name, Restart restart, Script& script) {
    manager_->add(std::move(name), restart, std::make_unique<ScriptedHome>(script));
  }
  // Outlives the manager.
  Script& script() { return scripts_.emplace_back(); }
  // The waits before each of the next `count` starts, in ms; the EE dies at once each time.
  std::vector<uint64_t> waits(Script& script, int count) {
    std::vector<uint64_t> all;
    for (int i = 0; i < count; ++i) {
      script.die(true);
      const uint64_t wait = manager_->next_due_ns() - clock_.now_ns();
      all.push_back(wait / kMs);
      pass(wait);
    }
    return all;
  }

 private:
  std::deque<Script> scripts_;
};

TEST_F(ManagerTest, StartsInOrderAndEndsInTheReverse) {
  Script &a = script(), &b = script();
  add("a", Restart::kNever, a);
  add("b", Restart::kNever, b);
  EXPECT_EQ(state("a"), "stopped");
  manager_->start_all();
  EXPECT_EQ(state("a"), "running");
  EXPECT_EQ(view("b").facts.place, "a test");
  EXPECT_THAT(logged(), HasSubstr("ee a runs without a cgroup"));
  manager_->stop_all();
  EXPECT_FALSE(manager_->stopping());
  EXPECT_THAT(a.calls, ElementsAre("start", "stop"));
  EXPECT_EQ(state("b"), "stopped");
}

TEST_F(ManagerTest, BackOffDoublesAndIsBounded) {
  Script& a = script();
  add("a", Restart::kOnFailure, a);
  manager_->start_all();
  EXPECT_THAT(waits(a, 11), ElementsAre(100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000));
  pass(BackOff::kWellNs - 1);
  EXPECT_THAT(waits(a, 1), ElementsAre(30000));
  pass(BackOff::kWellNs);  // it was well for that long
  EXPECT_THAT(waits(a, 2), ElementsAre(100, 200));
  EXPECT_EQ(view("a").starts, 15u);
  EXPECT_EQ(view("a").last, "killed by SIGKILL");
}

TEST_F(ManagerTest, IsNotStartedBeforeItIsDue) {
  Script& a = script();
  add("a", Restart::kAlways, a);
  manager_->start_all();
  a.die(false);
  EXPECT_EQ(state("a"), "waiting");
  pass(BackOff::kFirstNs - 1);
  EXPECT_EQ(state("a"), "waiting");
  pass(1);
  EXPECT_EQ(state("a"), "running");
}

TEST_F(ManagerTest, RestartSaysWhen) {
  Script &never = script(), &on_failure = script(), &always = script();
  add("never", Restart::kNever, never);
  add("on-failure", Restart::kOnFailure, on_failure);
  add("always", Restart::kAlways, always);
  manager_->start_all();
  for (Script* s : {&never, &on_failure, &always}) s->die(false);
  EXPECT_EQ(state("never"), "stopped");
  EXPECT_EQ(state("on-failure"), "stopped");
  EXPECT_EQ(state("always"), "waiting");
  EXPECT_TRUE(manager_->start("never"));
  never.die(true);
  EXPECT_EQ(state("never"), "failed");
}

TEST_F(ManagerTest, OneThatCannotStartIsTriedAgain) {
  Script& a = script();
  a.starts = false;
  add("a", Restart::kOnFailure, a);
  manager_->start_all();
  EXPECT_EQ(state("a"), "waiting");
  EXPECT_EQ(view("a").last, "no such program");
  EXPECT_EQ(view("a").starts, 0u);
  a.starts = true;
  pass(BackOff::kFirstNs);
  EXPECT_EQ(state("a"), "running");
}

TEST_F(ManagerTest, OneThatDoesNotStopIsKilled) {
  Script& a = script();
  a.stops_at_once = false;
  add("a", Restart::kAlways, a);
  manager_->start_all();
  EXPECT_TRUE(manager_->stop("a"));
  EXPECT_TRUE(manager_->stopping());
  pass(Manager::kGraceNs - 1);
  EXPECT_EQ(state("a"), "stopping");
  pass(1);
  EXPECT_EQ(state("a"), "stopped");  // and is not started again
  EXPECT_THAT(a.calls, ElementsAre("start", "stop", "kill"));
  EXPECT_EQ(manager_->next_due_ns(), UINT64_MAX);
}

TEST_F(ManagerTest, RestartWaitsForTheEnd) {
  Script& a = script();
  a.stops_at_once = false;
  add("a", Restart::kNever, a);
  manager_->start_all();
  EXPECT_TRUE(manager_->restart("a"));
  EXPECT_EQ(state("a"), "stopping");
  a.die(false);
  pass(0);
  EXPECT_EQ(state("a"), "running");
  EXPECT_TRUE(manager_->stop("a"));
  a.die(false);
  EXPECT_TRUE(manager_->restart("a"));  // as start
  EXPECT_EQ(state("a"), "running");
  a.stops_at_once = true;
  EXPECT_TRUE(manager_->restart("a"));
  EXPECT_EQ(state("a"), "running");
  EXPECT_EQ(view("a").starts, 4u);
}

TEST_F(ManagerTest, StoppedWhileItWaitsItStaysSo) {
  Script& a = script();
  add("a", Restart::kAlways, a);
  manager_->start_all();
  a.die(true);
  EXPECT_TRUE(manager_->stop("a"));
  pass(BackOff::kMostNs);
  EXPECT_EQ(state("a"), "stopped");
}

TEST_F(ManagerTest, WhatCannotBeAskedIsSaid) {
  Script& a = script();
  add("a", Restart::kNever, a);
  EXPECT_EQ(manager_->stop("a").error().sentence, "EE 'a' is not running");
  EXPECT_EQ(manager_->start("b").error().sentence, "no EE 'b'; there are: a");
  EXPECT_TRUE(manager_->start("a"));
  EXPECT_EQ(manager_->start("a").error().sentence, "EE 'a' is running already");
  a.stops_at_once = false;
  EXPECT_TRUE(manager_->stop("a"));
  EXPECT_EQ(manager_->start("a").error().sentence, "EE 'a' is still stopping");
}

TEST_F(ManagerTest, ItsEesGoWithIt) {
  Script& a = script();
  add("a", Restart::kAlways, a);
  manager_->start_all();
  manager_.reset();
  EXPECT_THAT(a.calls, ElementsAre("start", "gone"));
  EXPECT_TRUE(node_.root().children().empty());
  SetUp();
}

}  // namespace
}  // namespace weft::mee
