// SPDX-License-Identifier: Apache-2.0
// Arena: address space that a program cannot leave.
//
// A wide one has 4 GiB, of which almost nothing is mapped; layout.h says what may be.  They
// lie beside each other in an ArenaSpace and are each other's guards.  A packed one has
// 64 KiB, all of it mapped, on huge pages where the system gives them: for thousands of small
// programs, whose pages the CPU could not keep track of.
//
// Threads: an ArenaSpace from the control thread; an Arena from one thread at a time.
// Invariant: nothing in an arena is ever executable.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "vm/layout.h"

namespace weft::vm {

// What may be accessed of the part of an arena that an offset lies in: [begin, end), whole
// pages.
struct Extent {
  uint32_t begin = 0;
  uint32_t end = 0;
};

class Arena;

// Address space for a number of arenas.  Must outlive them.
class ArenaSpace {
 public:
  // Reserves address space for `arenas` of a kind; memory is taken when it is touched.
  static Result<std::unique_ptr<ArenaSpace>> create(size_t arenas, ArenaKind kind = ArenaKind::kWide);
  ~ArenaSpace();
  ArenaSpace(const ArenaSpace&) = delete;
  ArenaSpace& operator=(const ArenaSpace&) = delete;

  ArenaKind kind() const { return kind_; }
  size_t free_windows() const { return free_.size(); }

 private:
  friend class Arena;
  ArenaSpace(void* reserved, size_t bytes, size_t arenas, ArenaKind kind);

  void* reserved_;
  size_t bytes_;
  ArenaKind kind_;
  std::vector<uint8_t*> free_;
};

struct ArenaSizes {
  uint32_t window = kDefaultWindow;  // bytes; up to the end of its page, at most kMaxWindow
  uint32_t rodata = 0;               // bytes
  uint32_t data = 0;                 // bytes, with bss
  uint32_t heap_quota = 0;           // bytes, at most kMaxHeap
};

class Arena {
 public:
  // A window with stack, lent window and statics mapped and zero, and an empty heap.
  // Errors: kLimit when the space is used up or a size is too large; kNoMemory.
  static Result<std::unique_ptr<Arena>> create(ArenaSpace& space, const ArenaSizes& sizes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  ArenaKind kind() const { return space_.kind(); }
  uint8_t* base() const { return base_; }
  // Which bits of an offset count.
  uint32_t mask() const { return mask_; }
  // Where an offset is, mapped or not.
  uint8_t* at(uint32_t offset) const { return base_ + (offset & mask_); }
  uint8_t* window() const { return at(kWindow); }
  uint32_t window_bytes() const { return frame_end_ - (kWindow & mask_); }

  // What may be read (written) near `offset`, in bits that count.
  const Extent& readable(uint64_t offset) const { return read_[part(uint32_t(offset))]; }
  const Extent& writable(uint64_t offset) const { return write_[part(uint32_t(offset))]; }

  // Writes the static variables; before the first run.  REQUIRES: they fit.
  Result<void> fill_statics(std::span<const uint8_t> rodata, std::span<const uint8_t> data);

  // Makes the heap at least `bytes` long.  Errors: kLimit beyond the quota, kNoMemory.
  Result<void> grow_heap(uint32_t bytes);
  // Gives the heap's memory back.
  void release_heap();
  uint32_t heap_bytes() const { return kind() == ArenaKind::kWide ? write_[kHeapPart].end - kHeap : 0; }
  uint32_t heap_quota() const { return heap_quota_; }

  // Zeroes what one user of a shared arena left in the window and on the stack.
  void clear_window_and_stack();

  // Bytes of memory that may be in use.
  uint64_t mapped_bytes() const { return mapped_; }

 private:
  static constexpr unsigned kStaticsPart = 0, kHeapPart = kHeap >> 28, kFramePart = 15;

  // A part for each 256 MiB.  The first holds stack and window besides the statics; the last
  // is never mapped, and lends them its place.
  static unsigned part(uint32_t offset) { return offset < kStatics ? kFramePart : offset >> 28; }

  Arena(ArenaSpace& space, uint8_t* base);
  Result<void> map(const ArenaSizes& sizes);
  Result<void> map_packed(const ArenaSizes& sizes);
  Result<void> allow(uint32_t from, uint32_t bytes, bool write);

  ArenaSpace& space_;
  uint8_t* base_;
  uint32_t mask_ = UINT32_MAX;
  uint32_t frame_end_ = 0;  // of stack and window
  uint32_t heap_quota_ = 0;
  uint64_t mapped_ = 0;
  std::array<Extent, 16> read_{};
  std::array<Extent, 16> write_{};
};

}  // namespace weft::vm
