// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/file_measure.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "nodeos_api/beneath.h"
#include "nodeos_api/dir_stream.h"

namespace weft {

namespace {

// Walks down into directories by their names and back up by "..", so that a tree of any
// depth takes one descriptor.
class Walk {
 public:
  Result<FileUse> run(int folder) {
    if (auto entered = enter(folder, "."); !entered) return entered.error();
    while (true) {
      Level& level = levels_.back();
      if (!level.pending.empty()) {
        const std::string name = std::move(level.pending.back());
        level.pending.pop_back();
        if (auto entered = enter(at_.get(), name.c_str()); !entered) return entered.error();
      } else if (levels_.size() > 1) {
        if (auto left = leave(); !left) return left.error();
      } else {
        return use_;
      }
    }
  }

 private:
  struct Level {
    FileId id;
    std::vector<std::string> pending;  // directories in it that were not walked yet
  };

  Result<FileId> go_to(int from, const char* name) {
    OwnedFd next(::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat what;
    if (!next || ::fstat(next.get(), &what) != 0) return file_error(name, errno);
    at_ = std::move(next);
    return FileId{what.st_dev, what.st_ino};
  }

  Result<void> enter(int from, const char* name) {
    const auto id = go_to(from, name);
    if (!id) return id.error();
    levels_.push_back({*id, {}});
    const DirStream dir = read_dir(at_.get());
    if (dir == nullptr) return file_error(name, errno);
    while (const dirent* entry = next_entry(dir.get())) {
      if (auto counted = count(entry->d_name); !counted) return counted.error();
    }
    if (errno != 0) return file_error(name, errno);
    return {};
  }

  Result<void> leave() {
    levels_.pop_back();
    const auto id = go_to(at_.get(), "..");
    if (!id) return id.error();
    if (*id != levels_.back().id) return Error{Code::kIo, "directories were moved while they were measured"};
    return {};
  }

  Result<void> count(const char* name) {
    struct stat what;
    if (::fstatat(at_.get(), name, &what, AT_SYMLINK_NOFOLLOW) != 0) return file_error(name, errno);
    if (S_ISDIR(what.st_mode)) {
      levels_.back().pending.emplace_back(name);
    } else if (what.st_nlink > 1 && !seen_.insert({what.st_dev, what.st_ino}).second) {
      return {};
    }
    ++use_.files;
    if (S_ISREG(what.st_mode)) use_.bytes += uint64_t(what.st_size);
    return {};
  }

  OwnedFd at_;
  std::vector<Level> levels_;
  std::set<FileId> seen_;  // with several names
  FileUse use_;
};

}  // namespace

Result<FileUse> measure_files(int folder) { return Walk().run(folder); }

}  // namespace weft
