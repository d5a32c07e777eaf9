// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace weft {

namespace {

Code code_of(int errno_value) {
  switch (errno_value) {
    case EPERM:
    case EACCES:
      return Code::kPermission;
    case EEXIST:
      return Code::kExists;
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return Code::kNotFound;
    case EBUSY:
    case EADDRINUSE:
      return Code::kBusy;
    case ENOMEM:
    case ENOBUFS:
      return Code::kNoMemory;
    case EINVAL:
      return Code::kInvalid;
    default:
      return Code::kIo;
  }
}

}  // namespace

Error system_error(std::string what, int errno_value) {
  return {code_of(errno_value), std::move(what) + ": " + std::generic_category().message(errno_value)};
}

}  // namespace weft
