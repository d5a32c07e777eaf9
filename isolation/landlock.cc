// SPDX-License-Identifier: Apache-2.0
#include "isolation/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::isolation {

namespace {

// glibc has no wrappers.
int create_ruleset(const landlock_ruleset_attr* attributes, size_t size, uint32_t flags) {
  return int(::syscall(SYS_landlock_create_ruleset, attributes, size, flags));
}
int add_rule(int ruleset, const landlock_path_beneath_attr& rule) {
  return int(::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

// What each version of the interface can refuse.  Version 1 has all up to MAKE_SYM.
constexpr uint64_t kVersion1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr uint64_t kRefer = uint64_t{1} << 13;     // version 2
constexpr uint64_t kTruncate = uint64_t{1} << 14;  // version 3
constexpr uint64_t kIoctlDev = uint64_t{1} << 15;  // version 5

uint64_t refusable(int version) {
  uint64_t rights = kVersion1;
  if (version >= 2) rights |= kRefer;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kIoctlDev;
  return rights;
}

uint64_t rights_of(const Visible& v) {
  uint64_t rights = LANDLOCK_ACCESS_FS_READ_FILE;
  if (v.access == Visible::kRun) rights |= LANDLOCK_ACCESS_FS_EXECUTE;
  if (v.access == Visible::kDevice) rights |= LANDLOCK_ACCESS_FS_WRITE_FILE;
  if (v.folder) rights |= LANDLOCK_ACCESS_FS_READ_DIR;
  return rights;
}

OwnedFd refuse(Fences& fences, int error) {
  fences.lacks.push_back("landlock: " + std::string(error == ENOSYS || error == EOPNOTSUPP
                                                        ? "this kernel has none"
                                                        : std::strerror(error)));
  return {};
}

}  // namespace

OwnedFd make_ruleset(const std::vector<Visible>& visible, Fences& fences) {
  const int version = create_ruleset(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) return refuse(fences, errno);
  const landlock_ruleset_attr attributes{.handled_access_fs = refusable(version)};
  OwnedFd ruleset(create_ruleset(&attributes, sizeof attributes, 0));
  if (!ruleset) return refuse(fences, errno);
  for (const Visible& v : visible) {
    const OwnedFd place(::open(v.path.c_str(), O_PATH | O_CLOEXEC));
    if (!place) continue;  // then it cannot be touched either
    const landlock_path_beneath_attr rule{.allowed_access = rights_of(v), .parent_fd = place.get()};
    if (add_rule(ruleset.get(), rule) != 0) return refuse(fences, errno);
  }
  fences.has.push_back("landlock " + std::to_string(version));
  return ruleset;
}

int restrict_self(int ruleset) { return ::syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno; }

}  // namespace weft::isolation
