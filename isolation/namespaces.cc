// SPDX-License-Identifier: Apache-2.0
#include "isolation/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace weft::isolation {

namespace {

std::string onto_itself(unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; }

int write_file(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::write(fd, text.data(), text.size()) == ssize_t(text.size()) ? 0 : errno;
  ::close(fd);
  return error;
}

}  // namespace

Namespaces choose_namespaces() {
  Namespaces chosen{.flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS};
  if (::geteuid() != 0) {
    chosen.flags |= CLONE_NEWUSER;
    chosen.uid_map = onto_itself(::geteuid());
    chosen.gid_map = onto_itself(::getegid());
  }
  return chosen;
}

// Without CAP_SETGID outside, the gid map may only be written where setgroups(2) is off.
int map_user(const Namespaces& namespaces) {
  if ((namespaces.flags & CLONE_NEWUSER) == 0) return 0;
  int error = write_file("/proc/self/setgroups", "deny");
  if (error == 0) error = write_file("/proc/self/uid_map", namespaces.uid_map);
  if (error == 0) error = write_file("/proc/self/gid_map", namespaces.gid_map);
  return error;
}

}  // namespace weft::isolation
