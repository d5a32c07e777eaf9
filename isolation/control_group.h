// SPDX-License-Identifier: Apache-2.0
// ControlGroup: what bounds memory, CPU time and tasks of a confined process, all its
// threads together.  Version 2 or version 1, whichever the host has (cgroups(7);
// https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/index.html).
//
// The groups lie below weftd's own and are removed with the object; those of a weftd that was
// killed, by the next one that makes some there.  Those of a principal's
// processes that share CPU time lie in one group more, which the first makes and the last removes.
//
// Threads: the control thread; join() between clone and exec, async-signal-safe.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "isolation/confinement.h"

namespace weft::isolation {

// The folder of a group.  It goes with the object, unless there are groups or processes in it.
class GroupFolder {
 public:
  // One that is there already is taken.
  static Result<GroupFolder> make(std::string path);
  GroupFolder(GroupFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  GroupFolder& operator=(GroupFolder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~GroupFolder();

  const std::string& path() const { return path_; }

 private:
  explicit GroupFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// One group of one hierarchy, with the process in it.
struct Group {
  enum Version { kV1, kV2 };
  Version version;
  GroupFolder folder;
  OwnedFd procs;  // cgroup.procs, open for writing
};

class ControlGroup {
 public:
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
  struct Place;

 private:
  // Errors of all: why that cannot be bounded here.
  Result<void> share(const SharedCpu& cpu, const Place& place);
  Result<void> add(const Bound& bound, const std::string& name);

  std::optional<GroupFolder> principals_;  // around those of its hierarchy; outlives them
  std::vector<Group> groups_;
  bool memory_ = false, tasks_ = false;
};

}  // namespace weft::isolation
