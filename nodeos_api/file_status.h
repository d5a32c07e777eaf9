// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a file, in the words of FileSpace.
//
// Threads: plain functions.
#pragma once

#include <sys/stat.h>

#include "nodeos_api/file_space.h"

namespace weft {

inline FileType type_of(mode_t mode) {
  return S_ISREG(mode) ? FileType::kRegular : S_ISDIR(mode) ? FileType::kDirectory : FileType::kOther;
}

inline FileStatus status_of(const struct stat& what) {
  const bool regular = S_ISREG(what.st_mode);
  return {type_of(what.st_mode), regular ? uint64_t(what.st_size) : 0,
          uint64_t(what.st_mtim.tv_sec) * 1'000'000'000 + uint64_t(what.st_mtim.tv_nsec)};
}

}  // namespace weft
