// SPDX-License-Identifier: Apache-2.0
#include "isolation/identity.h"

#include <grp.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>

namespace weft::isolation {

namespace {

constexpr const char* kDefaultUser = "nobody";
constexpr Identity kNobody{65534, 65534};  // where no name service knows nobody

std::optional<Identity> look_up(const std::string& wanted) {
  if (const passwd* entry = ::getpwnam(wanted.c_str())) return Identity{entry->pw_uid, entry->pw_gid};
  unsigned number = 0;
  const char* const end = wanted.data() + wanted.size();
  const auto [rest, error] = std::from_chars(wanted.data(), end, number);
  if (error == std::errc{} && rest == end) {
    const passwd* entry = ::getpwuid(number);
    return Identity{number, entry != nullptr ? entry->pw_gid : gid_t(number)};
  }
  if (wanted == kDefaultUser) return kNobody;
  return std::nullopt;
}

// Whether `id` is there in our user namespace: each line of the map is FIRST OUTSIDE COUNT.
bool is_mapped(const char* map, uint64_t id) {
  std::ifstream in(map);
  for (uint64_t first, outside, count; in >> first >> outside >> count;) {
    if (id >= first && id - first < count) return true;
  }
  return false;
}

// Why we cannot become that user; null if we can.
const char* why_not(const Identity& identity) {
  if (::geteuid() != 0) return "weftd is not root";
  std::string setgroups;
  std::ifstream("/proc/self/setgroups") >> setgroups;
  if (setgroups == "deny" || !is_mapped("/proc/self/uid_map", identity.user) ||
      !is_mapped("/proc/self/gid_map", identity.group))
    return "weftd is root of a user namespace that has no such user";
  return nullptr;
}

}  // namespace

Result<std::optional<Identity>> find_identity(const std::string& wanted, Fences& fences) {
  const auto found = look_up(wanted.empty() ? kDefaultUser : wanted);
  if (!found) return Error{Code::kNotFound, "there is no user '" + wanted + "'"};
  if (const char* why = why_not(*found)) {
    const bool is_us = found->user == ::geteuid();
    if (!is_us) fences.lacks.push_back("a user of its own: " + std::string(why));
    return std::optional<Identity>();
  }
  fences.has.push_back("user " + (wanted.empty() ? kDefaultUser : wanted));
  return found;
}

// The system calls themselves: the C library's functions would have all threads follow,
// and a child of clone has none.  (nptl(7), "C library/kernel differences" of setresuid(2).)
int become(const Identity& identity) {
  if (::syscall(SYS_setgroups, 0, nullptr) != 0) return errno;
  if (::syscall(SYS_setresgid, identity.group, identity.group, identity.group) != 0) return errno;
  if (::syscall(SYS_setresuid, identity.user, identity.user, identity.user) != 0) return errno;
  return 0;
}

}  // namespace weft::isolation
