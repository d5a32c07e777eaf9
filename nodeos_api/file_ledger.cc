// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/file_ledger.h"

namespace weft {

namespace {

uint64_t left(uint64_t quota, uint64_t used) { return quota > used ? quota - used : 0; }

}  // namespace

Result<void> FileLedger::take_file() {
  if (left(quota_.files, use_.files) == 0) {
    return Error{Code::kLimit, "the quota of " + std::to_string(quota_.files) + " files is used up"};
  }
  ++use_.files;
  return {};
}

Result<void> FileLedger::take_bytes(uint64_t n) {
  if (const uint64_t room = left(quota_.bytes, use_.bytes); n > room) {
    return Error{Code::kLimit, "the quota of " + std::to_string(quota_.bytes) + " bytes has " +
                                   std::to_string(room) + " left, and " + std::to_string(n) + " were wanted"};
  }
  use_.bytes += n;
  return {};
}

Result<void> FileLedger::may_open() const {
  if (use_.open < quota_.open) return {};
  return Error{Code::kLimit, std::to_string(quota_.open) + " files are open; no more can be"};
}

void FileLedger::opened(FileId id) {
  ++openings_[id];
  ++use_.open;
}

bool FileLedger::closed(FileId id) {
  --use_.open;
  const auto at = openings_.find(id);
  if (--at->second > 0) return false;
  openings_.erase(at);
  return true;
}

}  // namespace weft
