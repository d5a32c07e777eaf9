// SPDX-License-Identifier: Apache-2.0
#include "isolation/process.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <filesystem>

#include "tests/unit/isolation/probe.h"

namespace weft::isolation {
namespace {

using ::testing::HasSubstr;

TEST(Process, TheSocketIsHandedDown) {
  Sockets sockets = make_sockets();
  auto process = Process::start(probe({"echo_socket"}), std::move(sockets.theirs));
  ASSERT_TRUE(process) << process.error().sentence;
  ASSERT_EQ(::send(sockets.ours.get(), "snow", 4, 0), 4);
  char answer[8];
  ASSERT_TRUE(readable(sockets.ours.get(), 10'000));
  EXPECT_EQ(::recv(sockets.ours.get(), answer, sizeof answer, 0), 4);
  EXPECT_FALSE(wait_for(*process).failed());
}

TEST(Process, TheSocketClosesWithTheProcess) {
  Sockets sockets = make_sockets();
  auto process = Process::start(probe({"stay"}), std::move(sockets.theirs));
  ASSERT_TRUE(process) << process.error().sentence;
  EXPECT_FALSE(process->reap());
  process->signal(SIGKILL);
  EXPECT_EQ(to_text(wait_for(*process)), "killed by SIGKILL");
  char nothing;
  ASSERT_TRUE(readable(sockets.ours.get(), 10'000));
  EXPECT_EQ(::recv(sockets.ours.get(), &nothing, 1, 0), 0);
}

TEST(Process, EveryWayToDieIsTold) {
  EXPECT_EQ(to_text(attempt({"exit_3"}).death), "exit status 3");
  EXPECT_EQ(to_text(attempt({"die_by_fault"}).death), "killed by SIGSEGV");
  EXPECT_TRUE(attempt({"die_by_abort"}).death.by_signal);
  EXPECT_EQ(to_text(attempt({"identity"}).death), "exit status 0");
}

TEST(Process, DestroyedItHasEnded) {
  pid_t pid = -1;
  {
    Sockets sockets = make_sockets();
    auto process = Process::start(probe({"stay_though_asked"}), std::move(sockets.theirs));
    ASSERT_TRUE(process) << process.error().sentence;
    pid = process->pid();
    process->signal(SIGTERM);
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

// How many groups of that name a process has made.
size_t groups(const std::string& name, pid_t owner = ::getpid()) {
  const std::string folder = "weft-" + std::to_string(owner) + "-" + name;
  size_t count = 0;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& each : std::filesystem::recursive_directory_iterator("/sys/fs/cgroup", options)) {
    count += each.path().filename() == folder;
  }
  return count;
}

// Shares CPU time with the others.
Result<Process> start_for_tenant(const char* name) {
  Confinement wish = probe({"stay"});
  wish.name = name;
  wish.shared_cpu = SharedCpu{"tenant", 50};
  return Process::start(wish, make_sockets().theirs);
}

TEST(Process, ItsControlGroupsGoWithIt) {
  if (!std::filesystem::exists("/sys/fs/cgroup")) GTEST_SKIP() << "no control groups here";
  {
    Sockets sockets = make_sockets();
    auto process = Process::start(probe({"stay"}), std::move(sockets.theirs));
    ASSERT_TRUE(process) << process.error().sentence;
    EXPECT_EQ(groups("probe") > 0, has(process->fences().has, "tasks limit"));
  }
  EXPECT_EQ(groups("probe"), 0u);
}

TEST(Process, ThePrincipalsControlGroupGoesWithTheLastOfItsProcesses) {
  if (!std::filesystem::exists("/sys/fs/cgroup")) GTEST_SKIP() << "no control groups here";
  auto first = start_for_tenant("first");
  ASSERT_TRUE(first) << first.error().sentence;
  if (!has(first->fences().has, "cpu limit")) GTEST_SKIP() << "no control group bounds CPU time here";
  {
    auto second = start_for_tenant("second");
    ASSERT_TRUE(second) << second.error().sentence;
    { const Process ends = std::move(*first); }
    EXPECT_EQ(groups("first"), 0u);
    EXPECT_EQ(groups("@tenant"), 1u);
    auto third = start_for_tenant("third");  // comes into the group that is there
    ASSERT_TRUE(third) << third.error().sentence;
    EXPECT_EQ(groups("@tenant"), 1u);
  }
  EXPECT_EQ(groups("@tenant"), 0u);
}

TEST(Process, TheControlGroupsOfANodeThatWasKilledGoWithTheNextStart) {
  if (!std::filesystem::exists("/sys/fs/cgroup")) GTEST_SKIP() << "no control groups here";
  const pid_t node = ::fork();
  if (node == 0) {
    auto process = start_for_tenant("orphan");
    ::_exit(process ? 0 : 1);  // nothing is destroyed
  }
  int status = -1;
  ASSERT_EQ(::waitpid(node, &status, 0), node);
  ASSERT_EQ(status, 0);
  // Its process dies with it, in its own time.
  for (int tries = 0; tries < 1000 && groups("orphan", node) + groups("@tenant", node) > 0; ++tries) {
    auto process = start_for_tenant("next");
    ASSERT_TRUE(process) << process.error().sentence;
    EXPECT_EQ(groups("next") > 0, has(process->fences().has, "tasks limit"));
  }
  EXPECT_EQ(groups("orphan", node) + groups("@tenant", node), 0u);
}

TEST(Process, WhatCannotStartSaysWhy) {
  const auto start = [](Confinement wish) {
    auto process = Process::start(wish, make_sockets().theirs);
    return process ? std::string("started") : process.error().sentence;
  };
  Confinement wish = probe({});
  wish.argv = {"/usr/bin/there-is-no-such-program"};
  EXPECT_THAT(start(wish), HasSubstr("/usr/bin/there-is-no-such-program: No such file or directory"));
  wish.argv = {"/usr/include/stdio.h"};
  EXPECT_THAT(start(wish), HasSubstr("exec of /usr/include/stdio.h: Permission denied"));
  wish = probe({});
  wish.user = "no-such-user-here";
  EXPECT_EQ(start(wish), "there is no user 'no-such-user-here'");
}

TEST(Process, OutputIsWhole) {
  const Outcome o = attempt({"say_much"});
  EXPECT_THAT(o.said, HasSubstr("line 0\n"));
  EXPECT_THAT(o.said, HasSubstr("line 99\n"));
}

}  // namespace
}  // namespace weft::isolation
