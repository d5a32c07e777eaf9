// SPDX-License-Identifier: Apache-2.0
// Each fence, tried from within.  Every test has what is tried without the fence beside it,
// or an attempt that must work, so that none passes because nothing worked.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/isolation/probe.h"

namespace weft::isolation {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Fences, NothingOfTheHostsFilesButWhatIsVisible) {
  const Outcome o = attempt({"open_shadow", "open_passwd", "open_proc", "make_file", "make_tmp"});
  ASSERT_EQ(to_text(o.death), "exit status 0") << o.said;
  for (const char* word : {"open_shadow: ", "open_passwd: ", "open_proc: ", "make_file: ", "make_tmp: "}) {
    EXPECT_THAT(o.said,
                AnyOf(HasSubstr(word + std::string("EACCES")), HasSubstr(word + std::string("ENOENT")),
                      HasSubstr(word + std::string("EROFS"))));
  }
}

TEST(Fences, WhatTheOperatorSaysIsToBeRead) {
  Confinement wish = probe({"open_passwd", "open_shadow", "make_file"});
  wish.readable = {"/etc/passwd"};
  const Outcome o = run(wish);
  EXPECT_THAT(o.said, HasSubstr("open_passwd: done"));
  EXPECT_THAT(o.said, Not(HasSubstr("open_shadow: done")));
  EXPECT_THAT(o.said, Not(HasSubstr("make_file: done")));
  wish.readable = {"/etc"};  // a folder: with what the user may
  const Outcome folder = run(wish);
  EXPECT_THAT(folder.said, HasSubstr("open_passwd: done"));
  EXPECT_THAT(folder.said, HasSubstr("open_shadow: EACCES"));
  wish.readable = {"/etc/no-such-file"};
  Sockets sockets = make_sockets();
  const auto refused = Process::start(wish, std::move(sockets.theirs));
  ASSERT_FALSE(bool(refused));
  EXPECT_EQ(refused.error().sentence, "/etc/no-such-file: No such file or directory");
}

TEST(Fences, WithoutIsolationFilesAreOpen) {
  Confinement wish = probe({"open_passwd", "make_tmp"});
  wish.isolate = false;
  ::unlink("/tmp/weft-was-here");  // of a test that was killed
  const Outcome o = run(wish);
  EXPECT_THAT(o.said, HasSubstr("open_passwd: done"));
  EXPECT_THAT(o.said, HasSubstr("make_tmp: done"));
  ::unlink("/tmp/weft-was-here");
  EXPECT_TRUE(has(o.fences.lacks, "isolation: the config says isolate = false"));
}

TEST(Fences, SystemCallsThatNoEeNeeds) {
  const std::vector<std::string> words = {"ptrace",      "raw_socket",    "udp_socket", "unix_socket",
                                          "become_root", "new_namespace", "mount",      "set_clock",
                                          "raise_limit", "bpf",           "io_uring",   "signal_parent"};
  const Outcome o = attempt(words);
  ASSERT_EQ(to_text(o.death), "exit status 0") << o.said;
  for (const std::string& word : words) EXPECT_THAT(o.said, HasSubstr(word + ": EPERM"));
}

TEST(Fences, WithoutIsolationSocketsAreToBeHad) {
  Confinement wish = probe({"udp_socket", "ptrace"});
  wish.isolate = false;
  const Outcome o = run(wish);
  EXPECT_THAT(o.said, HasSubstr("udp_socket: done"));
  EXPECT_THAT(o.said, HasSubstr("ptrace: done"));
}

TEST(Fences, NoProcessesAndFewThreads) {
  Confinement wish = probe({"fork_bomb", "thread_bomb"});
  wish.tasks = 16;
  const Outcome o = run(wish);
  EXPECT_THAT(o.said, HasSubstr("fork_bomb: EPERM"));
  if (!has(o.fences.has, "tasks limit")) GTEST_SKIP() << "no control group counts tasks here";
  EXPECT_THAT(o.said, HasSubstr("thread_bomb: 15 threads EAGAIN"));  // and the first
}

TEST(Fences, ThreadsWithinTheBound) {
  Confinement wish = probe({"thread_bomb"});
  wish.tasks = 2000;
  EXPECT_THAT(run(wish).said, HasSubstr("thread_bomb: 1000 threads done"));
}

TEST(Fences, MemoryIsBounded) {
  Confinement wish = probe({"use_memory"});
  wish.memory = 64 << 20;
  const Outcome o = run(wish);
  EXPECT_THAT(o.said, Not(HasSubstr("done")));
  if (!has(o.fences.has, "memory limit")) {
    EXPECT_THAT(o.said, HasSubstr("ENOMEM"));  // by RLIMIT_AS
  } else {
    EXPECT_EQ(to_text(o.death), "killed by SIGKILL: over its memory limit");
  }
  wish.memory = 0;
  EXPECT_THAT(run(wish).said, HasSubstr("use_memory: done"));
}

TEST(Fences, MemoryInFilesIsBoundedToo) {
  Confinement wish = probe({"use_memory_file"});
  wish.memory = 64 << 20;
  const Outcome o = run(wish);
  if (has(o.fences.has, "memory limit")) {
    EXPECT_EQ(to_text(o.death), "killed by SIGKILL: over its memory limit");
  } else {
    EXPECT_THAT(o.said, HasSubstr("use_memory_file: EPERM"));
  }
  wish.name = "no/group";  // of that name there can be none
  const Outcome without = run(wish);
  EXPECT_FALSE(has(without.fences.has, "memory limit"));
  EXPECT_THAT(without.said, HasSubstr("use_memory_file: EPERM"));
  wish.memory = 0;
  EXPECT_THAT(run(wish).said, HasSubstr("use_memory_file: done"));
}

// -1: it did not say.
int cpu_used_percent(const std::string& said) {
  const size_t at = said.find("use_cpu: ");
  return at == std::string::npos ? -1 : std::stoi(said.substr(at + 9));
}

TEST(Fences, CpuIsBounded) {
  Confinement wish = probe({"use_cpu"});
  wish.cpu_percent = 10;
  const Outcome o = run(wish);
  if (!has(o.fences.has, "cpu limit")) GTEST_SKIP() << "no control group bounds CPU time here";
  EXPECT_GE(cpu_used_percent(o.said), 1);
  EXPECT_LE(cpu_used_percent(o.said), 25);  // a period may begin full
}

// What two processes of the probe use, each with `own` percent of a CPU, together with `shared`.
int cpu_used_by_two(uint32_t own, uint32_t shared) {
  std::vector<Process> processes;
  for (const char* name : {"probe-1", "probe-2"}) {
    Confinement wish = probe({"use_cpu"});
    wish.name = name;
    wish.cpu_percent = own;
    wish.shared_cpu = SharedCpu{"tenant", shared};
    auto process = Process::start(wish, make_sockets().theirs);
    if (!process || !has(process->fences().has, "cpu limit")) return -1;
    processes.push_back(std::move(*process));
  }
  int sum = 0;
  for (Process& process : processes) {
    const int used = cpu_used_percent(all_output(process));
    EXPECT_GE(used, 1);
    sum += used;
    wait_for(process);
  }
  return sum;
}

TEST(Fences, CpuIsBoundedForAllProcessesOfAPrincipal) {
  const int used = cpu_used_by_two(0, 30);
  if (used < 0) GTEST_SKIP() << "no control group bounds CPU time here";
  EXPECT_LE(used, 45);
  EXPECT_LE(cpu_used_by_two(90, 30), 45);  // what is its own gives it no more
  EXPECT_LE(cpu_used_by_two(10, 90), 45);  // nor does the principal's
}

TEST(Fences, WhereNothingBoundsCpuItIsSaidOnce) {
  Confinement wish = probe({"identity"});
  wish.shared_cpu = SharedCpu{"tenant", 30};
  const Outcome o = run(wish);
  const auto is_of_cpu = [](const std::string& fence) { return fence.starts_with("cpu limit"); };
  EXPECT_EQ(std::ranges::count_if(o.fences.has, is_of_cpu) + std::ranges::count_if(o.fences.lacks, is_of_cpu),
            1);
}

TEST(Fences, ItHasFourDescriptorsAndACleanEnvironment) {
  ::setenv("WEFT_SECRET", "not for EEs", 1);
  const OwnedFd inherited(::dup(1));  // not close-on-exec
  const Outcome o = attempt({"descriptors", "environment"});
  ::unsetenv("WEFT_SECRET");
  EXPECT_THAT(o.said, HasSubstr("descriptors: 0 1 2 3 done"));
  EXPECT_THAT(o.said, HasSubstr("environment: WEFT_SNOW_FD=3 done"));
}

TEST(Fences, ItIsNobodyAndSeesNobody) {
  const Outcome o = attempt({"identity"});
  if (has(o.fences.lacks, "namespaces")) GTEST_SKIP() << "no namespaces here";
  EXPECT_THAT(o.said, HasSubstr("pid 1 "));
  if (has(o.fences.has, "user ")) {
    EXPECT_THAT(o.said, HasSubstr("uid 65534 gid 65534 groups 0"));
  }
}

TEST(Fences, WhatIsToBeHadIsHad) {
  const Outcome o = attempt({"identity"});
  for (const char* fence : {"no capabilities", "no new privileges", "seccomp"})
    EXPECT_TRUE(has(o.fences.has, fence));
  // Each of the others is there, or it is said why not.
  for (const char* fence : {"landlock", "namespaces", "tasks limit"}) {
    EXPECT_NE(has(o.fences.has, fence), has(o.fences.lacks, fence)) << fence;
  }
}

}  // namespace
}  // namespace weft::isolation
