// SPDX-License-Identifier: Apache-2.0
// Input: the bytes of one run, taken from the front as numbers and pieces.
//
// Threads: one.
// Invariants: what is asked for beyond the end is 0, or shorter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace weft::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  uint8_t byte() { return rest_.empty() ? uint8_t{0} : bytes(1)[0]; }
  // Little-endian.
  uint16_t number16() {
    const uint8_t low = byte();
    return uint16_t(low | byte() << 8);
  }
  std::span<const uint8_t> bytes(size_t n) {
    const auto front = rest_.first(std::min(n, rest_.size()));
    rest_ = rest_.subspan(front.size());
    return front;
  }

 private:
  std::span<const uint8_t> rest_;
};

}  // namespace weft::fuzz
