// SPDX-License-Identifier: Apache-2.0
// Alarm: a descriptor for a worker to sleep on (PartnerInfo::poll_fd) that is readable
// from a given time on, for partners that know when they will have something to give.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/owned_fd.h"
#include "base/result.h"

namespace weft {

class Alarm {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;

  // Makes the descriptor; it is set to never.  Errors: the kernel's, about `whose`.
  Result<void> open(std::string_view whose);
  void close() { fd_.reset(); }

  int fd() const { return fd_.get(); }
  // What it is set to.
  uint64_t due_ns() const { return due_ns_; }
  // Readable from `due_ns` of SystemClock on; 0: at once.  Enters the kernel when that
  // changes.
  void set(uint64_t due_ns);

 private:
  OwnedFd fd_;
  uint64_t due_ns_ = kNever;
};

}  // namespace weft
