// SPDX-License-Identifier: Apache-2.0
#include "isolation/control_group.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/result.h"

namespace weft::isolation {

namespace {

using Setting = std::pair<std::string, std::string>;  // a file of the group, and what to write

}  // namespace

// A resource: its controller, and how each version is told.
struct ControlGroup::Bound {
  std::string controller;
  std::vector<Setting> v1, v2;
  std::optional<SharedCpu> shared{};  // with others, besides
};

// Where the groups of a controller are made.
struct ControlGroup::Place {
  Group::Version version;
  std::string folder;
};

namespace {

constexpr uint64_t kPeriodUs = 100'000;  // over which CPU time is shared out

std::string quota(uint32_t percent) { return std::to_string(kPeriodUs * percent / 100); }

ControlGroup::Bound cpu_bound(uint32_t percent) {
  const std::string period = std::to_string(kPeriodUs), share = quota(percent);
  return {"cpu",
          {{"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", share}},
          {{"cpu.max", share + " " + period}}};
}

// Of the process alone, which gets no more than its principal: version 1 refuses a group that
// would get more than the one around it.
uint32_t own_cpu_percent(const Confinement& wish) {
  if (!wish.shared_cpu) return wish.cpu_percent;
  const uint32_t most = wish.shared_cpu->percent;
  return wish.cpu_percent == 0 ? most : std::min(wish.cpu_percent, most);
}

// CPU time first: what is shared lies around the rest.
std::vector<ControlGroup::Bound> bounds_of(const Confinement& wish) {
  std::vector<ControlGroup::Bound> bounds;
  if (const uint32_t percent = own_cpu_percent(wish); percent != 0) {
    bounds.push_back(cpu_bound(percent));
    bounds.back().shared = wish.shared_cpu;
  }
  if (wish.memory != 0) {
    const std::string bytes = std::to_string(wish.memory);
    bounds.push_back({"memory", {{"memory.limit_in_bytes", bytes}}, {{"memory.max", bytes}}});
  }
  const std::string tasks = std::to_string(wish.tasks);
  bounds.push_back({"pids", {{"pids.max", tasks}}, {{"pids.max", tasks}}});
  return bounds;
}

Result<void> write_file(const std::string& path, const std::string& text) {
  const OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != ssize_t(text.size()))
    return system_error(path, errno);
  return {};
}

bool holds(const std::string& list, const std::string& word, char between) {
  std::istringstream words(list);
  for (std::string w; std::getline(words, w, between);) {
    if (w == word) return true;
  }
  return false;
}

std::string line_of(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Our own group in the hierarchy that has `controller` ("" asks for version 2); each line
// of /proc/self/cgroup is HIERARCHY:CONTROLLERS:PATH.
std::optional<std::string> own_path(const std::string& controller) {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : holds(controllers, controller, ','))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// Where that hierarchy is mounted, and the part of it that the mount shows; proc(5) has the
// fields of /proc/self/mountinfo.
std::optional<std::string> folder_of(const std::string& controller) {
  const auto path = own_path(controller);
  if (!path) return std::nullopt;
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, target, word, type, source, options;
    fields >> id >> parent >> device >> root >> target;
    while (fields >> word && word != "-") {
    }
    fields >> type >> source >> options;
    if (type != (controller.empty() ? "cgroup2" : "cgroup")) continue;
    if (!controller.empty() && !holds(options, controller, ',')) continue;
    std::string below = *path;
    if (root != "/" && below.starts_with(root)) below.erase(0, root.size());
    struct stat status {};
    const std::string whole = target + (below == "/" ? "" : below);
    return ::stat(whole.c_str(), &status) == 0 ? whole : target;
  }
  return std::nullopt;
}

std::string folder_name(const std::string& of) { return "/weft-" + std::to_string(::getpid()) + "-" + of; }

// Groups of a weftd that was killed go when another makes some here.  One that has a process
// stays.
void remove_orphans(const std::string& folder) {
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    pid_t owner;
    if (std::sscanf(entry.path().filename().c_str(), "weft-%d-", &owner) != 1) continue;
    if (::kill(owner, 0) == 0 || errno != ESRCH) continue;
    remove_orphans(entry.path());  // a principal's has others in it
    ::rmdir(entry.path().c_str());
  }
}

Result<Group> make_group(const ControlGroup::Place& place, const std::string& name) {
  auto folder = GroupFolder::make(place.folder + folder_name(name));
  if (!folder) return folder.error();
  const std::string procs = folder->path() + "/cgroup.procs";
  OwnedFd fd(::open(procs.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return system_error(procs, errno);
  return Group{place.version, std::move(*folder), std::move(fd)};
}

std::vector<Setting> settings(const ControlGroup::Bound& bound, Group::Version version) {
  return version == Group::kV2 ? bound.v2 : bound.v1;
}

Result<void> set_all(const GroupFolder& folder, const std::vector<Setting>& settings) {
  for (const auto& [file, text] : settings) {
    if (auto written = write_file(folder.path() + "/" + file, text); !written) return written;
  }
  return {};
}

// Whether no other process is in it.
bool has_only_us(const std::string& folder) {
  std::ifstream in(folder + "/cgroup.procs");
  for (pid_t pid; in >> pid;) {
    if (pid != ::getpid()) return false;
  }
  return true;
}

// Lets the children of a group of version 2 have the controller.
Result<void> enable(const std::string& folder, const std::string& controller) {
  const std::string switches = folder + "/cgroup.subtree_control";
  if (holds(line_of(switches), controller, ' ')) return {};
  return write_file(switches, "+" + controller);
}

// The same of weftd's own.  A group that has children with controllers may hold no process itself,
// so weftd moves into a leaf, where the group is its own to begin with: as of a service with
// Delegate=yes.  (cgroup-v2.html, "No Internal Process Constraint"; systemd.resource-control(5).)
Result<void> hand_down(const std::string& folder, const std::string& controller) {
  if (enable(folder, controller)) return {};
  if (!has_only_us(folder)) return Error{Code::kBusy, "weftd shares its control group with other processes"};
  const std::string leaf = folder + "/weftd";
  if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return system_error(leaf, errno);
  if (auto moved = write_file(leaf + "/cgroup.procs", std::to_string(::getpid())); !moved) return moved;
  return enable(folder, controller);
}

// The folder that groups of version 2 are made in; it stays the same once weftd has moved.
std::optional<std::string> unified_folder() {
  static const std::optional<std::string> folder = folder_of("");
  return folder;
}

Result<ControlGroup::Place> place_of(const std::string& controller) {
  const auto unified = unified_folder();
  if (unified && holds(line_of(*unified + "/cgroup.controllers"), controller, ' ')) {
    if (auto handed = hand_down(*unified, controller); !handed) return handed.error();
    return ControlGroup::Place{Group::kV2, *unified};
  }
  const auto folder = folder_of(controller);
  if (!folder) return Error{Code::kUnsupported, "no control group hierarchy has it"};
  return ControlGroup::Place{Group::kV1, *folder};
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder + folder_name(""));
}

}  // namespace

Result<GroupFolder> GroupFolder::make(std::string path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return system_error(path, errno);
  return GroupFolder(std::move(path));
}

GroupFolder::~GroupFolder() {
  if (!path_.empty()) ::rmdir(path_.c_str());
}

ControlGroup ControlGroup::make(const Confinement& wish, Fences& fences) {
  ControlGroup made;
  for (const Bound& bound : bounds_of(wish)) {
    const std::string what = (bound.controller == "pids" ? "tasks" : bound.controller) + " limit";
    if (auto done = made.add(bound, wish.name); !done) {
      fences.lacks.push_back(what + ": " + done.error().sentence);
      continue;
    }
    made.memory_ |= bound.controller == "memory";
    made.tasks_ |= bound.controller == "pids";
    fences.has.push_back(what);
  }
  return made;
}

// '@' is in no process's name.
Result<void> ControlGroup::share(const SharedCpu& cpu, const Place& place) {
  auto folder = GroupFolder::make(place.folder + folder_name("@" + cpu.principal));
  if (!folder) return folder.error();
  if (auto set = set_all(*folder, settings(cpu_bound(cpu.percent), place.version)); !set) return set;
  principals_.emplace(std::move(*folder));
  return {};
}

Result<void> ControlGroup::add(const Bound& bound, const std::string& name) {
  auto place = place_of(bound.controller);
  if (!place) return place.error();
  remove_orphans(place->folder);
  if (bound.shared) {
    if (auto shared = share(*bound.shared, *place); !shared) return shared;
  }
  if (principals_ && is_below(principals_->path(), place->folder)) {
    place->folder = principals_->path();
    const bool must_enable = place->version == Group::kV2;
    if (auto enabled = must_enable ? enable(place->folder, bound.controller) : Result<void>(); !enabled)
      return enabled;
  }
  const auto there = [&](const Group& g) { return is_below(g.folder.path(), place->folder); };
  auto group = std::ranges::find_if(groups_, there);
  if (group == groups_.end()) {
    auto made = make_group(*place, name);
    if (!made) return made.error();
    group = groups_.insert(group, std::move(*made));
  }
  return set_all(group->folder, settings(bound, place->version));
}

// "0" is who writes.
int ControlGroup::join() const {
  for (const Group& group : groups_) {
    if (::write(group.procs.get(), "0", 1) != 1) return errno;
  }
  return 0;
}

bool ControlGroup::out_of_memory() const {
  for (const Group& group : groups_) {
    std::ifstream in(group.folder.path() +
                     (group.version == Group::kV2 ? "/memory.events" : "/memory.oom_control"));
    std::string key;
    for (uint64_t value = 0; in >> key >> value;) {
      if (key == "oom_kill" && value > 0) return true;
    }
  }
  return false;
}

}  // namespace weft::isolation
