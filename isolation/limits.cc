// SPDX-License-Identifier: Apache-2.0
#include "isolation/limits.h"

#include <sys/resource.h>

#include <cerrno>

namespace weft::isolation {

namespace {

constexpr rlim_t kDescriptors = 256;

int set(__rlimit_resource_t what, rlim_t most) {
  const rlimit limit{.rlim_cur = most, .rlim_max = most};
  return ::setrlimit(what, &limit) == 0 ? 0 : errno;
}

}  // namespace

int set_limits(const Limits& limits) {
  int error = set(RLIMIT_CORE, 0);
  if (error == 0) error = set(RLIMIT_NOFILE, kDescriptors);
  if (error == 0 && limits.address_space != 0) error = set(RLIMIT_AS, limits.address_space);
  if (error == 0 && limits.tasks != 0) error = set(RLIMIT_NPROC, limits.tasks);
  return error;
}

}  // namespace weft::isolation
