// SPDX-License-Identifier: Apache-2.0
#include "vm/arena.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace weft::vm {

namespace {

constexpr int kReserve = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

// From one window to the next.  A little more than 4 GiB, so that the entries of page tables
// that many arenas need do not all fall into the same few sets of the caches.
constexpr uint64_t kStride = kArenaBytes + (2 << 20) + 8 * kPageBytes;
// Before the first window and behind the last.
constexpr uint64_t kGuard = 1 << 20;

}  // namespace

Result<std::unique_ptr<ArenaSpace>> ArenaSpace::create(size_t arenas) {
  if (arenas == 0 || arenas > 16384) return Error{Code::kInvalid, "an arena space holds 1 to 16384 arenas"};
  const size_t bytes = arenas * kStride + 2 * kGuard;
  void* reserved = ::mmap(nullptr, bytes, PROT_NONE, kReserve, -1, 0);
  if (reserved == MAP_FAILED) {
    return system_error("reserve address space for " + std::to_string(arenas) + " arenas", errno);
  }
  return std::unique_ptr<ArenaSpace>(new ArenaSpace(reserved, bytes, arenas));
}

ArenaSpace::ArenaSpace(void* reserved, size_t bytes, size_t arenas) : reserved_(reserved), bytes_(bytes) {
  free_.reserve(arenas);
  for (size_t i = arenas; i > 0; --i)
    free_.push_back(static_cast<uint8_t*>(reserved) + kGuard + (i - 1) * kStride);
}

ArenaSpace::~ArenaSpace() { ::munmap(reserved_, bytes_); }

Result<std::unique_ptr<Arena>> Arena::create(ArenaSpace& space, const ArenaSizes& sizes) {
  if (sizes.window > kMaxWindow || sizes.rodata > kMaxStatics / 2 || sizes.data > kMaxStatics / 2 ||
      sizes.heap_quota > kMaxHeap) {
    return Error{Code::kLimit, "an arena was asked for that is larger than its layout"};
  }
  if (space.free_.empty()) return Error{Code::kLimit, "all arenas are in use"};
  uint8_t* base = space.free_.back();
  space.free_.pop_back();
  std::unique_ptr<Arena> arena(new Arena(space, base));
  if (auto mapped = arena->map(sizes); !mapped) return mapped.error();
  return arena;
}

Arena::Arena(ArenaSpace& space, uint8_t* base) : space_(space), base_(base) {
  read_[kHeapPart] = write_[kHeapPart] = {kHeap, kHeap};
}

Arena::~Arena() {
  // Mapping anew gives the memory back and leaves a guard.
  if (::mmap(base_, kArenaBytes, PROT_NONE, kReserve | MAP_FIXED, -1, 0) != MAP_FAILED) {
    space_.free_.push_back(base_);
  }
}

Result<void> Arena::allow(uint32_t from, uint32_t bytes, bool write) {
  if (bytes == 0) return {};
  if (::mprotect(base_ + from, bytes, write ? PROT_READ | PROT_WRITE : PROT_READ) != 0) {
    return system_error("map a part of an arena", errno);
  }
  return {};
}

Result<void> Arena::map(const ArenaSizes& sizes) {
  const uint32_t rodata = round_to_page(sizes.rodata);
  const uint32_t data = round_to_page(sizes.data);
  const Extent frame{kStack / kPageBytes * kPageBytes, round_to_page(kWindow + sizes.window)};
  heap_quota_ = sizes.heap_quota;
  if (auto done = allow(frame.begin, frame.end - frame.begin, true); !done) return done;
  // Read-only from fill_statics() on.
  if (auto done = allow(kStatics, rodata + data, true); !done) return done;
  read_[kFramePart] = write_[kFramePart] = frame;
  read_[kStaticsPart] = {kStatics, kStatics + rodata + data};
  write_[kStaticsPart] = {kStatics + rodata, kStatics + rodata + data};
  return {};
}

Result<void> Arena::fill_statics(std::span<const uint8_t> rodata, std::span<const uint8_t> data) {
  if (!data.empty())
    std::memcpy(base_ + kStatics + round_to_page(uint32_t(rodata.size())), data.data(), data.size());
  if (rodata.empty()) return {};
  std::memcpy(base_ + kStatics, rodata.data(), rodata.size());
  return allow(kStatics, round_to_page(uint32_t(rodata.size())), false);
}

Result<void> Arena::grow_heap(uint32_t bytes) {
  if (bytes > heap_quota_) {
    return Error{Code::kLimit, "a heap of " + std::to_string(bytes) + " bytes is more than the quota of " +
                                   std::to_string(heap_quota_)};
  }
  const uint32_t had = heap_bytes(), wants = round_to_page(bytes);
  if (wants <= had) return {};
  if (auto done = allow(kHeap + had, wants - had, true); !done) return done;
  read_[kHeapPart].end = write_[kHeapPart].end = kHeap + wants;
  return {};
}

void Arena::release_heap() {
  if (heap_bytes() == 0) return;
  ::mmap(base_ + kHeap, heap_bytes(), PROT_NONE, kReserve | MAP_FIXED, -1, 0);
  read_[kHeapPart].end = write_[kHeapPart].end = kHeap;
}

void Arena::clear_window_and_stack() {
  const Extent& e = write_[kFramePart];
  std::memset(base_ + e.begin, 0, e.end - e.begin);
}

uint64_t Arena::mapped_bytes() const {
  uint64_t bytes = 0;
  for (const Extent& e : read_) bytes += e.end - e.begin;
  return bytes;
}

}  // namespace weft::vm
