// SPDX-License-Identifier: Apache-2.0
// A directory, read entry by entry.
//
// Threads: one at a time.
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>

#include "base/owned_fd.h"

namespace weft {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using DirStream = std::unique_ptr<DIR, CloseDir>;

// `folder` from its first entry on; it stays the caller's.  Null, with errno: it cannot be read.
inline DirStream read_dir(int folder) {
  OwnedFd own(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DirStream stream(own ? ::fdopendir(own.get()) : nullptr);
  if (stream != nullptr) (void)own.release();
  return stream;
}

// The next entry that is not "." or ".."; null, with errno 0 at the end.
inline const dirent* next_entry(DIR* dir) {
  const auto is_dots = [](const char* name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
  };
  const dirent* entry;
  do {
    errno = 0;
    entry = ::readdir(dir);
  } while (entry != nullptr && is_dots(entry->d_name));
  return entry;
}

}  // namespace weft
