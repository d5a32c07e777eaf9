// SPDX-License-Identifier: Apache-2.0
// FileLedger: what a file name space has used of its quota.
//
// A file costs 1 from the moment that it is made until it has neither a name nor an
// opening, and a byte for each byte of its length, holes included: what the quota admits
// is there to be written.  Directories, links and all else cost 1 and no bytes.
//
// Threads: one at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <utility>

#include "base/result.h"

namespace weft {

struct FileQuota {
  uint64_t bytes;
  uint64_t files;
  uint64_t open;  // at once
};

struct FileUse {
  uint64_t bytes = 0;
  uint64_t files = 0;
  uint64_t open = 0;
  friend bool operator==(const FileUse&, const FileUse&) = default;
};

// What a file is, under whatever names.
using FileId = std::pair<dev_t, ino_t>;

class FileLedger {
 public:
  // `present` may be above the quota: then nothing grows until it is below.
  FileLedger(const FileQuota& quota, const FileUse& present) : quota_(quota), use_(present) {}

  const FileQuota& quota() const { return quota_; }
  const FileUse& use() const { return use_; }

  // Errors: kLimit, with what is left; nothing is taken then.
  Result<void> take_file();
  Result<void> take_bytes(uint64_t n);
  void give_file() { give(use_.files, 1); }
  void give_bytes(uint64_t n) { give(use_.bytes, n); }
  // A file for which `taken` bytes are taken has turned out to have `length`.
  void settle_bytes(uint64_t taken, uint64_t length) {
    if (length < taken) give_bytes(taken - length);
  }

  // One more opening can be.  Errors: kLimit.
  Result<void> may_open() const;
  void opened(FileId id);
  // Returns whether that was its last opening.
  bool closed(FileId id);
  bool is_open(FileId id) const { return openings_.contains(id); }

 private:
  // Somebody outside may have removed what was counted, and it is removed once more.
  static void give(uint64_t& from, uint64_t n) { from -= n < from ? n : from; }

  const FileQuota quota_;
  FileUse use_;
  std::map<FileId, uint64_t> openings_;
};

}  // namespace weft
