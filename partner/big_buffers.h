// SPDX-License-Identifier: Apache-2.0
// BigBuffers: 64 KiB buffers for what does not fit a slot, windowed by packets as
// foreign memory.
//
// Threads: one at a time; and whoever frees the packets, which is the same worker.
// Invariants: a buffer that packets window outlives this object, until the last of
//   them dies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "partner/packet.h"

namespace weft {

class BigBuffers {
 public:
  static constexpr size_t kSize = 65536;
  struct Buffer : Foreign {
    BigBuffers* home;  // null once that is gone
    uint8_t bytes[kSize];
  };

  explicit BigBuffers(size_t n);
  // REQUIRES: what take() gave is windowed by packets, or was given back
  ~BigBuffers();
  BigBuffers(const BigBuffers&) = delete;
  BigBuffers& operator=(const BigBuffers&) = delete;

  // A buffer that nothing windows; null when all are in use.  It comes back by
  // itself when the last packet that windows it dies.
  Buffer* take();
  // Gives back one that nothing windows.
  void give(Buffer* b) { free_.push_back(b); }

 private:
  static void release(Foreign* f);

  std::vector<Buffer*> all_;
  std::vector<Buffer*> free_;
};

}  // namespace weft
