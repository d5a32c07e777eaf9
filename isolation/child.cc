// SPDX-License-Identifier: Apache-2.0
#include "isolation/child.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "isolation/landlock.h"
#include "isolation/privileges.h"

namespace weft::isolation {

namespace {

// As a program expects to find them: none blocked, none ignored, a session of its own.
int reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  if (::sigaction(SIGPIPE, &standard, nullptr) != 0) return errno;
  sigset_t none;
  ::sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return errno;
  ::umask(022);
  return ::setsid() >= 0 ? 0 : errno;
}

// The EE does not outlive weftd.  A change of user clears this, so it stands behind it.
// PR_SET_PDEATHSIG in prctl(2)
int die_with_parent() { return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? 0 : errno; }

int do_step(Step step, ChildPlan& plan) {
  switch (step) {
    case Step::kSignals:
      return reset_signals();
    case Step::kControlGroups:
      return plan.groups->join();
    case Step::kUserMap:
      return plan.namespaces != nullptr ? map_user(*plan.namespaces) : 0;
    case Step::kRootView:
      return plan.root != nullptr ? plan.root->enter() : 0;
    case Step::kLimits:
      return set_limits(plan.limits);
    case Step::kBoundingSet:
      return plan.drop_privileges ? empty_bounding_set() : 0;
    case Step::kIdentity:
      return plan.identity ? become(*plan.identity) : 0;
    case Step::kCapabilities:
      return plan.drop_privileges ? drop_capabilities() : 0;
    case Step::kParentDeath:
      return die_with_parent();
    case Step::kNoNewPrivileges:
      return plan.drop_privileges ? refuse_new_privileges() : 0;
    case Step::kLandlock:
      return plan.ruleset >= 0 ? restrict_self(plan.ruleset) : 0;
    case Step::kDescriptors:
      return arrange(plan.descriptors);
    case Step::kSyscallFilter:
      return plan.filter != nullptr ? plan.filter->apply() : 0;
    case Step::kExec:
      ::execve(plan.argv[0], plan.argv, plan.environment);
      return errno;
  }
  return 0;
}

}  // namespace

const char* name(Step step) {
  static constexpr const char* kNames[] = {"signals",
                                           "control groups",
                                           "user map",
                                           "own root",
                                           "limits",
                                           "bounding set",
                                           "user",
                                           "capabilities",
                                           "parent's death",
                                           "no new privileges",
                                           "landlock",
                                           "descriptors",
                                           "system call filter",
                                           "exec"};
  return kNames[int(step)];
}

void run_child(ChildPlan& plan) {
  for (int step = 0; step <= int(Step::kExec); ++step) {
    const Failure failure{Step(step), do_step(Step(step), plan)};
    if (failure.error == 0) continue;
    [[maybe_unused]] const ssize_t told = ::write(plan.descriptors.report, &failure, sizeof failure);
    break;
  }
  ::_exit(127);
}

}  // namespace weft::isolation
