// SPDX-License-Identifier: Apache-2.0
// The child, between clone and exec: puts the fences up, one after the other, and becomes
// the program.
//
// Another thread of weftd may have held any lock when the child was made, so here nothing
// allocates, logs or locks: system calls only, on what was prepared.  (signal-safety(7),
// fork(2).)
#pragma once

#include <optional>

#include "isolation/control_group.h"
#include "isolation/descriptors.h"
#include "isolation/identity.h"
#include "isolation/limits.h"
#include "isolation/namespaces.h"
#include "isolation/root_view.h"
#include "isolation/syscall_filter.h"

namespace weft::isolation {

// Everything that the child does, in this order.
enum class Step : int {
  kSignals,
  kControlGroups,
  kUserMap,
  kRootView,
  kLimits,
  kBoundingSet,
  kIdentity,
  kCapabilities,
  kParentDeath,
  kNoNewPrivileges,
  kLandlock,
  kDescriptors,
  kSyscallFilter,
  kExec,
};
const char* name(Step step);  // "own root"

// Where and why it failed; what the child writes to `report`.
struct Failure {
  Step step;
  int error;
};

struct ChildPlan {
  const ControlGroup* groups;
  Limits limits;
  std::optional<Identity> identity;  // none: as we are
  Descriptors descriptors;
  char* const* argv;
  char* const* environment;
  // Of an isolated one; null and -1: none.
  bool drop_privileges = false;
  const Namespaces* namespaces = nullptr;
  const RootView* root = nullptr;
  int ruleset = -1;
  const SyscallFilter* filter = nullptr;
};

[[noreturn]] void run_child(ChildPlan& plan);

}  // namespace weft::isolation
