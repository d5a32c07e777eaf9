// SPDX-License-Identifier: Apache-2.0
// ControlGroup: what bounds memory, CPU time and tasks of a confined process, all its
// threads together.  Version 2 or version 1, whichever the host has (cgroups(7);
// https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/index.html).
//
// The groups lie below weftd's own and are removed with the object.
//
// Threads: the control thread; join() between clone and exec, async-signal-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "isolation/confinement.h"

namespace weft::isolation {

// One group of one hierarchy.
struct Group {
  enum Version { kV1, kV2 };
  Version version;
  std::string folder;
  OwnedFd procs;  // cgroup.procs, open for writing
};

class ControlGroup {
 public:
  ControlGroup() = default;
  ControlGroup(ControlGroup&&) = default;
  ControlGroup& operator=(ControlGroup&&) = default;
  // Removes the groups.  REQUIRES: no process is in them any more, or they stay.
  ~ControlGroup();

  // Makes groups for what `wish` bounds, as far as they are to be had; `fences` says which
  // not, and why.
  static ControlGroup make(const Confinement& wish, Fences& fences);

  bool bounds_memory() const { return memory_; }
  bool bounds_tasks() const { return tasks_; }
  // Moves the calling process into the groups.  Returns 0 or an errno.
  int join() const;
  // Whether the kernel has ended a process here for want of memory.
  bool out_of_memory() const;

  struct Bound;

 private:
  // Errors: why that cannot be bounded here.
  Result<void> add(const Bound& bound, const std::string& name);

  std::vector<Group> groups_;
  bool memory_ = false, tasks_ = false;
};

}  // namespace weft::isolation
