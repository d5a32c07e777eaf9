// SPDX-License-Identifier: Apache-2.0
// Where things lie in an arena, as offsets from its start.
//
//   0 ..          never mapped: null guard
//   kStack        kFrames frames; the lowest is the deepest
//   kWindow       what the host lends to a call, copied in
//   kStatics      rodata (read-only), then data and bss, each on pages of its own
//   kHeap         grows, up to its quota
//   kText         never mapped: the handles of functions are offsets here, so reading
//                 through one faults
//
// The first frame and the window share a page: of many arenas, one after the other, it is
// the pages that cost most of a call.  The statics are near enough for the same page table.
//
// The address of an access is the start of the arena + the low 32 bits of the register + the
// instruction's 16-bit offset.  Nothing is mapped in the first 64 KiB and in the last 64 KiB
// of a window, so what an offset carries out of one window hits the guard of the next.
//
// A packed arena has the same offsets, of which only the low 16 bits count: stack and window
// lie in its first 32 KiB, statics in its second; there is no heap.  Nothing in it faults,
// and rodata is not protected from the program that owns it.
#pragma once

#include <cstdint>

namespace weft::vm {

inline constexpr uint64_t kArenaBytes = uint64_t(1) << 32;
inline constexpr uint32_t kPageBytes = 4096;

inline constexpr uint32_t kFrameBytes = 512;
inline constexpr uint32_t kFrames = 32;
inline constexpr uint32_t kStack = 0x0001'0000 + kFrameBytes;
inline constexpr uint32_t kStackTop = kStack + kFrameBytes * kFrames;
inline constexpr uint32_t kWindow = kStackTop;
// As much as fits on the page that it shares.
inline constexpr uint32_t kDefaultWindow = kPageBytes - kWindow % kPageBytes;
inline constexpr uint32_t kMaxWindow = 0x000e'0000;
inline constexpr uint32_t kStatics = 0x0010'8000;
inline constexpr uint32_t kMaxStatics = 0x0400'0000;  // rodata and data together
inline constexpr uint32_t kHeap = 0x4000'0000;
inline constexpr uint32_t kMaxHeap = 0x3fff'0000;
inline constexpr uint32_t kText = 0xf000'0000;

enum class ArenaKind : uint8_t { kWide, kPacked };
inline constexpr uint32_t kPackedBytes = 0x1'0000;
inline constexpr uint32_t kPackedMask = kPackedBytes - 1;

constexpr uint32_t round_to_page(uint32_t bytes) { return (bytes + kPageBytes - 1) & ~(kPageBytes - 1); }

static_assert(kWindow % 64 == 0 && kWindow % kPageBytes != 0);
static_assert(kWindow + kMaxWindow < kStatics);
static_assert((kStatics & kPackedMask) == kPackedBytes / 2 &&
              kWindow - kStack / kPackedBytes * kPackedBytes < kPackedBytes / 2);
// What is addressed from R10 without a mask stays above 0.
static_assert(kStack >= 0x8000 + kPageBytes);

}  // namespace weft::vm
