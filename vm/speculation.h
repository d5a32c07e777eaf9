// SPDX-License-Identifier: Apache-2.0
// Masks for what a CPU does before it knows whether it may (Spectre, variant 1).
//
// What a program names is checked by a branch.  A CPU that guesses the branch wrong goes on for a
// while as if the check had passed, and what it loads then leaves traces.  So what is used behind
// the branch is masked as well, by a number that depends on what was checked: a wrong guess finds 0.
//
// Threads: functions of their arguments.
#pragma once

#include <cstdint>

namespace weft::vm {

// All ones when `value` <= `limit`, else 0; by arithmetic.  A limit below zero lets nothing pass
// that is below 2^63.
inline uint64_t mask_up_to(uint64_t value, uint64_t limit) {
  // To the compiler, these are any numbers: else it drops the mask where a branch has told it
  // what it must be, of the value before or of the mask behind.
  asm("" : "+r"(value));
  uint64_t mask = ~uint64_t(int64_t(value | (limit - value)) >> 63);
  asm("" : "+r"(mask));
  return mask;
}

// `index` when it is below `count`, else 0.
inline uint64_t bounded(uint64_t index, uint64_t count) { return index & mask_up_to(index, count - 1); }

}  // namespace weft::vm
