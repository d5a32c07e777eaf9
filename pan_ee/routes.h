// SPDX-License-Identifier: Apache-2.0
// Routes: which neighbour is the way to a node.  The longest prefix decides.
//
// A table of hashed slots for each prefix length, of which a network has few; in front of them
// the answers of late, of which there are always as many.
//
// Threads: add() before capsules flow; find() on the worker.
// Time: find() is one probe if it was asked of late, else one more for each length, without
//   allocation.
// Invariants: of each table's slots at most one in kSparse is used, so that nearly all prefixes
//   are found at the first.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "pan_ee/address.h"

namespace weft::pan {

struct Neighbour;

class Routes {
 public:
  // False when there is a route for that prefix already.  `neighbour` must outlive this.
  bool add(const Prefix& to, Neighbour& neighbour);

  // Null when there is no way.
  Neighbour* find(const NodeAddress& destination) {
    const Words words = words_of(destination);
    return find(words.high, words.low);
  }
  // The same for an address as two words of memory.
  Neighbour* find(uint64_t word_0, uint64_t word_1) {
    Slot& recent = recent_[hash({word_0, word_1}) >> (64 - kRecentBits)];
    if (recent.prefix.high != word_0 || recent.prefix.low != word_1) [[unlikely]]
      return find_anew(recent, word_0, word_1);
    return recent.neighbour;
  }

 private:
  struct Words {
    uint64_t high = 0, low = 0;
    friend bool operator==(const Words&, const Words&) = default;
  };
  static constexpr size_t kSparse = 16;
  static constexpr unsigned kRecentBits = 8;

  static uint64_t hash(const Words& w) {
    return (w.low ^ w.high * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
  }

  struct alignas(32) Slot {
    Words prefix;
    Neighbour* neighbour = nullptr;  // empty
  };
  struct Length {
    uint8_t bits;
    Words mask;
    std::vector<Slot> slots;  // 2^n
    unsigned shift;           // 64 - n
    size_t used = 0;

    // Where the prefix is, or would be.  The table is the operator's, so nobody outside can
    // choose keys that collide.
    const Slot& find(const Words& prefix) const {
      size_t i = size_t(hash(prefix) >> shift);
      while (slots[i].neighbour != nullptr && slots[i].prefix != prefix) i = (i + 1) & (slots.size() - 1);
      return slots[i];
    }
    Slot& find(const Words& prefix) { return const_cast<Slot&>(std::as_const(*this).find(prefix)); }
    void resize(unsigned log2);
  };

  static Words words_of(const NodeAddress& a) {
    Words w;
    std::memcpy(&w.high, a.bytes.data(), 8);
    std::memcpy(&w.low, a.bytes.data() + 8, 8);
    return w;
  }
  Length& length_of(uint8_t bits);
  Neighbour* find_longest(const Words& destination) const;
  // Asks the tables, and keeps the answer in `recent`.
  Neighbour* find_anew(Slot& recent, uint64_t word_0, uint64_t word_1) const;
  void forget_recent();

  std::vector<Length> lengths_;                   // the longest first
  std::array<Slot, 1u << kRecentBits> recent_{};  // each the answer for the address that it names
};

}  // namespace weft::pan
