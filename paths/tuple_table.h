// SPDX-License-Identifier: Apache-2.0
// TupleTable: finds a packet's header fields among masked tuples, the most specific
// first.  (Srinivasan, Suri, Varghese 1999: tuple space search.)
//
// Tuples with one mask form a shape: a hash table of their masked fields.  A lookup
// probes each shape once, in the order of how many bits the masks have, and ends at
// the first hit.  With no tuple in the table it costs one branch; and the filter spares
// most packets the lookup.
//
// Threads: insert() and erase() on the worker between rounds; lookups on the worker.
// Time: a lookup does not allocate, and probes as far as the longest run of used
//   slots, which is kept short by doubling; traffic changes nothing.
// Invariants: shapes are in order of bits, then of age; every run of used slots ends.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "paths/demux_key.h"
#include "paths/tuple_filter.h"

namespace weft {

template <typename Fields>
class TupleTable {
 public:
  static constexpr size_t kMaxShapes = 16;
  static constexpr size_t kMaxEntries = 32768;
  static constexpr uint32_t kNone = 0;  // not a value

  bool empty() const { return shapes_.empty(); }
  size_t shapes() const { return shapes_.size(); }
  size_t size() const { return size_; }
  // Bits of the most specific shape; 0 when empty.
  unsigned most_bits() const { return empty() ? 0 : shapes_.front().bits; }

  // Which shapes may match a packet, told by single bytes of it.
  const TupleFilter& filter() const { return filter_; }

  // The value of the most specific tuple that matches; kNone when none does.
  uint32_t find(const Fields& fields) const {
    return find_if(fields, [](const Fields&, unsigned, uint32_t) { return true; });
  }

  // The same, but a hit counts only if accept(mask, bits, value) says so.
  template <typename Accept>
  uint32_t find_if(const Fields& fields, Accept accept) const {
    const Words words = std::bit_cast<Words>(fields);
    for (const Shape& shape : shapes_) {
      const uint32_t value = shape.find(and_all(words, shape.mask));
      if (value != kNone && accept(std::bit_cast<Fields>(shape.mask), shape.bits, value)) return value;
    }
    return kNone;
  }

  // The value of exactly this tuple; kNone when it is not in the table.
  uint32_t at(const Fields& fields, const Fields& mask) const {
    const Words m = std::bit_cast<Words>(mask);
    auto shape = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& s) { return s.mask == m; });
    return shape == shapes_.end() ? kNone : shape->find(and_all(std::bit_cast<Words>(fields), m));
  }

  // Adds a tuple; fields outside the mask are ignored.  False when a bound is reached.
  // REQUIRES: at(fields, mask) == kNone, value != kNone
  bool insert(const Fields& fields, const Fields& mask, uint32_t value) {
    if (size_ == kMaxEntries) return false;
    const Words m = std::bit_cast<Words>(mask);
    auto shape = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& s) { return s.mask == m; });
    if (shape == shapes_.end()) {
      if (shapes_.size() == kMaxShapes) return false;
      const unsigned bits = count_bits(mask);
      shape = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& s) { return s.bits < bits; });
      shape = shapes_.insert(shape, Shape(m, bits, unused_bit()));
    }
    shape->insert(and_all(std::bit_cast<Words>(fields), m), value);
    filter_.add(shape->bit, bytes_of(fields), bytes_of(mask));
    ++size_;
    return true;
  }

  // Takes a tuple out.  REQUIRES: at(fields, mask) != kNone
  void erase(const Fields& fields, const Fields& mask) {
    const Words m = std::bit_cast<Words>(mask);
    auto shape = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& s) { return s.mask == m; });
    shape->erase(and_all(std::bit_cast<Words>(fields), m));
    --size_;
    if (shape->used == 0) {
      filter_.forget(shape->bit);
      shapes_.erase(shape);
    } else if (++shape->erased > shape->used) {
      note_again(*shape);
    }
  }

  // How specific a tuple with that mask is.
  static unsigned count_bits(const Fields& mask) {
    unsigned bits = 0;
    for (uint64_t word : std::bit_cast<Words>(mask)) bits += unsigned(std::popcount(word));
    return bits;
  }

  // The fields of `a` and `b`, of which each has what the other leaves 0.  In whole
  // words: a field that was just written alone would stall the load of its word.
  static Fields merge(const Fields& a, const Fields& b) {
    Words r = std::bit_cast<Words>(a);
    const Words other = std::bit_cast<Words>(b);
    for (size_t i = 0; i < r.size(); ++i) r[i] |= other[i];
    return std::bit_cast<Fields>(r);
  }

  // Whether some packet matches both tuples.
  static bool overlap(const Fields& a, const Fields& a_mask, const Fields& b, const Fields& b_mask) {
    const Words both = and_all(std::bit_cast<Words>(a_mask), std::bit_cast<Words>(b_mask));
    return and_all(std::bit_cast<Words>(a), both) == and_all(std::bit_cast<Words>(b), both);
  }

 private:
  static_assert(kMaxShapes == 8 * sizeof(TupleFilter::Shapes));
  static_assert(sizeof(Fields) % 16 == 0);
  using Words = std::array<uint64_t, sizeof(Fields) / 8>;

  static Words and_all(const Words& a, const Words& b) {
    Words r;
    for (size_t i = 0; i < r.size(); ++i) r[i] = a[i] & b[i];
    return r;
  }

  // Slots of a new shape: so many that a packet that matches nothing seldom meets a
  // used one, which costs a mispredicted branch.
  static constexpr size_t kFewest = 32;

  // A tuple and its value, never across a cache line.
  struct alignas(std::bit_ceil(sizeof(Fields) + 4)) Slot {
    Words key{};
    uint32_t value = kNone;
  };

  struct Shape {
    Words mask;
    unsigned bits;
    TupleFilter::Shapes bit;  // the filter's
    uint32_t used = 0;
    uint32_t erased = 0;     // tuples that the filter still takes note of
    uint64_t slot_mask = 0;  // slots.size() - 1
    Words seed;
    std::vector<Slot> slots;

    Shape(const Words& m, unsigned b, TupleFilter::Shapes filter_bit) : mask(m), bits(b), bit(filter_bit) {
      std::random_device random;  // so that nobody can choose tuples that collide
      for (uint64_t& s : seed) s = uint64_t{random()} << 32 | random();
      resize(kFewest);
    }

    // Multiply and fold two words at a time.
    uint64_t hash(const Words& key) const {
      uint64_t h = 0;
      for (size_t i = 0; i < key.size(); i += 2) {
        const auto product = static_cast<unsigned __int128>(key[i] ^ seed[i]) * (key[i + 1] ^ seed[i + 1]);
        h ^= uint64_t(product) ^ uint64_t(product >> 64);
      }
      return h;
    }

    uint32_t find(const Words& key) const {
      for (uint64_t i = hash(key) & slot_mask;; i = (i + 1) & slot_mask) {
        const Slot& slot = slots[i];
        if (slot.value == kNone || slot.key == key) return slot.value;
      }
    }

    void insert(const Words& key, uint32_t value) {
      if (++used * 2 > slots.size()) resize(slots.size() * 2);
      place({key, value});
    }

    void place(const Slot& slot) {
      uint64_t i = hash(slot.key) & slot_mask;
      while (slots[i].value != kNone) i = (i + 1) & slot_mask;
      slots[i] = slot;
    }

    void resize(size_t n) {
      std::vector<Slot> old = std::exchange(slots, std::vector<Slot>(n));
      slot_mask = n - 1;
      for (const Slot& slot : old) {
        if (slot.value != kNone) place(slot);
      }
    }

    // Moves back what stands behind the gap, so that no tombstone is needed (Knuth 6.4 R).
    void erase(const Words& key) {
      uint64_t gap = hash(key) & slot_mask;
      while (slots[gap].key != key || slots[gap].value == kNone) gap = (gap + 1) & slot_mask;
      for (uint64_t i = (gap + 1) & slot_mask; slots[i].value != kNone; i = (i + 1) & slot_mask) {
        const uint64_t home = hash(slots[i].key) & slot_mask;
        if (((i - home) & slot_mask) < ((i - gap) & slot_mask)) continue;
        slots[gap] = slots[i];
        gap = i;
      }
      slots[gap] = {};
      --used;
    }
  };

  static TupleFilter::Bytes bytes_of(const Fields& f) {
    constexpr size_t selective = sizeof f.source == 4 ? 2 : 7;
    return {f.source[selective], f.destination[selective], f.protocol, uint8_t(f.in_port)};
  }
  TupleFilter::Shapes unused_bit() const {
    TupleFilter::Shapes used = 0;
    for (const Shape& shape : shapes_) used |= shape.bit;
    return TupleFilter::Shapes(~used & (used + 1));
  }
  // What was erased is no longer taken note of.
  void note_again(Shape& shape) {
    filter_.forget(shape.bit);
    const TupleFilter::Bytes mask = bytes_of(std::bit_cast<Fields>(shape.mask));
    for (const Slot& slot : shape.slots) {
      if (slot.value != kNone) filter_.add(shape.bit, bytes_of(std::bit_cast<Fields>(slot.key)), mask);
    }
    shape.erased = 0;
  }

  std::vector<Shape> shapes_;
  size_t size_ = 0;
  TupleFilter filter_;
};

}  // namespace weft
