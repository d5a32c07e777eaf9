// SPDX-License-Identifier: Apache-2.0
// ExactMemory: foreign memory of exactly the size of what is in it, so that a sanitizer
// sees each byte that is read or written outside.
//
// Threads: one.
// Invariants: gives itself back when the last packet that windows it lets go.
#pragma once

#include <cstring>
#include <memory>
#include <span>

#include "partner/pool.h"

namespace weft::fuzz {

class ExactMemory final : private Foreign {
 public:
  // A packet with a copy of `bytes`, in two Segs if `split` lies inside.
  // REQUIRES: bytes is not empty, the pool is not exhausted
  static PacketPtr packet(Pool& pool, std::span<const uint8_t> bytes, size_t split, bool writable) {
    if (split == 0 || split >= bytes.size()) return piece(pool, bytes, writable);
    PacketPtr first = piece(pool, bytes.first(split), writable);
    first->next = piece(pool, bytes.subspan(split), writable).release();
    first->segs = 2;
    return first;
  }

 private:
  explicit ExactMemory(std::span<const uint8_t> bytes) : bytes_(new uint8_t[bytes.size()]) {
    release = [](Foreign* f) { delete static_cast<ExactMemory*>(f); };
    std::memcpy(bytes_.get(), bytes.data(), bytes.size());
  }
  static PacketPtr piece(Pool& pool, std::span<const uint8_t> bytes, bool may_write) {
    auto* memory = new ExactMemory(bytes);
    memory->writable = may_write;
    return pool.attach(*memory, memory->bytes_.get(), uint32_t(bytes.size()));
  }

  std::unique_ptr<uint8_t[]> bytes_;
};

}  // namespace weft::fuzz
