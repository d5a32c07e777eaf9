// SPDX-License-Identifier: Apache-2.0
#include "isolation/identity.h"

#include <grp.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

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

}  // namespace

Result<std::optional<Identity>> find_identity(const std::string& wanted, Fences& fences) {
  const auto found = look_up(wanted.empty() ? kDefaultUser : wanted);
  if (!found) return Error{Code::kNotFound, "there is no user '" + wanted + "'"};
  if (::geteuid() == 0) {
    fences.has.push_back("user " + (wanted.empty() ? kDefaultUser : wanted));
    return found;
  }
  if (wanted.empty() || found->user != ::geteuid()) {
    fences.lacks.push_back("a user of its own: weftd is not root");
  }
  return std::optional<Identity>();
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
