// SPDX-License-Identifier: Apache-2.0
// Lpm: longest prefix match on 4-byte or 16-byte addresses.
//
// DIR-24-8 (Gupta, Lin, McKeown 1998): the first 24 bits index one table; where
// longer prefixes exist, its entry names a group of 256 entries for the next 8
// bits, and so on to the end of the address.  An entry is 16 bits: a value below
// 2^15, or a group.  Value 0 means "nothing matches" and gives the value of the
// empty prefix.
//
// Threads: insert() and erase() on the worker between rounds; find() on the worker.
// Time: find() touches one entry for most IPv4 addresses.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace weft {

template <size_t kBytes>
class Lpm {
 public:
  static constexpr unsigned kBits = kBytes * 8;
  static constexpr uint16_t kMaxValue = 0x7fff;

  Lpm();
  ~Lpm();
  Lpm(const Lpm&) = delete;
  Lpm& operator=(const Lpm&) = delete;

  // The value of the longest prefix that matches; 0 when none does.
  uint16_t find(const uint8_t* address) const;
  // Asks the CPU for the entry that find() will read first.
  void prefetch(const uint8_t* address) const;

  // Adds a prefix, or changes its value.  Bits behind `length` are ignored.
  // REQUIRES: length <= kBits, 0 < value <= kMaxValue
  // Errors: kLimit (no group left); the table is then unchanged.
  Result<void> insert(const uint8_t* prefix, unsigned length, uint16_t value);

  // Takes a prefix out.  What it covered falls back to the next shorter prefix
  // that was inserted, which the caller names: (cover_value, cover_length), or
  // (0, 0) when there is none.
  void erase(const uint8_t* prefix, unsigned length, uint16_t cover_value, unsigned cover_length);
};

}  // namespace weft
