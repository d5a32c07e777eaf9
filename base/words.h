// SPDX-License-Identifier: Apache-2.0
// Words: four words of 32 bits side by side, for which every machine that Weft runs on has
// registers.
//
// The vector types of g++ and clang: the usual operators work on each word by itself, and a
// comparison gives a Mask.
//
// Threads: pure functions.
#pragma once

#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weft {

static_assert(std::endian::native == std::endian::little, "words are taken as little-endian here");

using Words = uint32_t __attribute__((vector_size(16)));
using Halves = uint16_t __attribute__((vector_size(16)));
using HalfMask = int16_t __attribute__((vector_size(16)));
using Mask = int32_t __attribute__((vector_size(16)));  // a word is all ones where something holds, else 0

constexpr Words all_of(uint32_t word) { return Words{word, word, word, word}; }

// Where a > b.  REQUIRES: both are below 2^31 (unsigned comparison costs more)
inline Mask above(Words a, Words b) { return Mask(a) > Mask(b); }

inline uint32_t sum_of(Words w) {
  w += __builtin_shufflevector(w, w, 2, 3, 0, 1);
  w += __builtin_shufflevector(w, w, 1, 0, 3, 2);
  return w[0];
}

inline bool everywhere(Mask m) {
#if defined(__SSE2__)
  return _mm_movemask_epi8(__m128i(m)) == 0xffff;
#else
  return (m[0] & m[1] & m[2] & m[3]) == -1;
#endif
}

// Rows of four words, one of each packet, from four loads.
struct Transposed {
  [[gnu::always_inline]] Transposed(Words a, Words b, Words c, Words d) {
    const Words low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Words low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Words high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Words high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    row[0] = __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5);
    row[1] = __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7);
    row[2] = __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5);
    row[3] = __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7);
  }
  Words row[4];
};

}  // namespace weft
