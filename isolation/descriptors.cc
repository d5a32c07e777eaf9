// SPDX-License-Identifier: Apache-2.0
#include "isolation/descriptors.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <initializer_list>

namespace weft::isolation {

namespace {

constexpr int kReport = kSnowFd + 1;
constexpr int kAside = 16;  // above all that will be placed

// Out of the way of the places that are about to be taken.
int set_aside(int& fd) {
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, kAside);
  if (moved < 0) return errno;
  fd = moved;
  return 0;
}

}  // namespace

int arrange(Descriptors& d) {
  for (int* fd : {&d.input, &d.output, &d.socket, &d.report}) {
    if (const int error = set_aside(*fd); error != 0) return error;
  }
  if (::dup2(d.input, 0) < 0 || ::dup2(d.output, 1) < 0 || ::dup2(d.output, 2) < 0) return errno;
  if (::dup2(d.socket, kSnowFd) < 0 || ::dup3(d.report, kReport, O_CLOEXEC) < 0) return errno;
  d.report = kReport;
  return ::syscall(SYS_close_range, kReport + 1, UINT_MAX, 0) == 0 ? 0 : errno;
}

}  // namespace weft::isolation
