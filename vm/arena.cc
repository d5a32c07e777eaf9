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

// Of packed arenas, which need no alignment: an odd number of lines, so that they are spread
// over all sets of the caches.  An access at the last byte reaches into the gap.
constexpr uint64_t kPackedStride = kPackedBytes + 17 * 64;
constexpr uint64_t kHugePage = 2 << 20;

}  // namespace

Result<std::unique_ptr<ArenaSpace>> ArenaSpace::create(size_t arenas, ArenaKind kind) {
  if (arenas == 0 || arenas > 16384) return Error{Code::kInvalid, "an arena space holds 1 to 16384 arenas"};
  const bool wide = kind == ArenaKind::kWide;
  const size_t bytes = arenas * (wide ? kStride : kPackedStride) + 2 * (wide ? kGuard : kHugePage);
  void* reserved = ::mmap(nullptr, bytes, wide ? PROT_NONE : PROT_READ | PROT_WRITE, kReserve, -1, 0);
  if (reserved == MAP_FAILED) {
    return system_error("reserve address space for " + std::to_string(arenas) + " arenas", errno);
  }
  // Without huge pages it works as well, only slower.
  if (!wide) ::madvise(reserved, bytes, MADV_HUGEPAGE);
  return std::unique_ptr<ArenaSpace>(new ArenaSpace(reserved, bytes, arenas, kind));
}

ArenaSpace::ArenaSpace(void* reserved, size_t bytes, size_t arenas, ArenaKind kind)
    : reserved_(reserved), bytes_(bytes), kind_(kind) {
  const bool wide = kind == ArenaKind::kWide;
  const uint64_t stride = wide ? kStride : kPackedStride, guard = wide ? kGuard : kHugePage;
  free_.reserve(arenas);
  for (size_t i = arenas; i > 0; --i) {
    free_.push_back(static_cast<uint8_t*>(reserved) + guard + (i - 1) * stride);
  }
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
  auto mapped = space.kind() == ArenaKind::kWide ? arena->map(sizes) : arena->map_packed(sizes);
  if (!mapped) return mapped.error();
  return arena;
}

Arena::Arena(ArenaSpace& space, uint8_t* base) : space_(space), base_(base) {
  read_[kHeapPart] = write_[kHeapPart] = {kHeap, kHeap};
}

Arena::~Arena() {
  if (kind() == ArenaKind::kPacked) {
    std::memset(base_, 0, kPackedStride);
    space_.free_.push_back(base_);
    return;
  }
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
  frame_end_ = frame.end;
  mapped_ = frame.end - frame.begin + rodata + data;
  read_[kFramePart] = write_[kFramePart] = frame;
  read_[kStaticsPart] = {kStatics, kStatics + rodata + data};
  write_[kStaticsPart] = {kStatics + rodata, kStatics + rodata + data};
  return {};
}

Result<void> Arena::map_packed(const ArenaSizes& sizes) {
  const uint32_t half = kPackedBytes / 2;
  if (sizes.window > half - (kWindow & kPackedMask) || round_to_page(sizes.rodata) + sizes.data > half ||
      sizes.heap_quota != 0) {
    return Error{Code::kLimit,
                 "a packed arena has room for 15 KiB of window, 32 KiB of variables, and no heap"};
  }
  mask_ = kPackedMask;
  frame_end_ = half;
  mapped_ = kPackedBytes;
  read_.fill({0, kPackedBytes});
  write_.fill({0, kPackedBytes});
  return {};
}

Result<void> Arena::fill_statics(std::span<const uint8_t> rodata, std::span<const uint8_t> data) {
  if (!data.empty())
    std::memcpy(at(kStatics) + round_to_page(uint32_t(rodata.size())), data.data(), data.size());
  if (rodata.empty()) return {};
  std::memcpy(at(kStatics), rodata.data(), rodata.size());
  if (kind() == ArenaKind::kPacked) return {};
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
  mapped_ += wants - had;
  read_[kHeapPart].end = write_[kHeapPart].end = kHeap + wants;
  return {};
}

void Arena::release_heap() {
  if (heap_bytes() == 0) return;
  mapped_ -= heap_bytes();
  ::mmap(base_ + kHeap, heap_bytes(), PROT_NONE, kReserve | MAP_FIXED, -1, 0);
  read_[kHeapPart].end = write_[kHeapPart].end = kHeap;
}

void Arena::clear_window_and_stack() {
  const uint32_t begin = (kStack & mask_) / kPageBytes * kPageBytes;
  std::memset(base_ + begin, 0, frame_end_ - begin);
}

}  // namespace weft::vm
