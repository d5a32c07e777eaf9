// SPDX-License-Identifier: Apache-2.0
// Lpm: longest prefix match on 4-byte or 16-byte addresses.
//
// DIR-24-8 (Gupta, Lin, McKeown 1998): the first 24 bits index one table; where
// longer prefixes exist, its entry names a group of 256 entries for the next 8
// bits, and so on to the end of the address.  An entry is a value below 2^15, or
// a group.  Value 0 means "nothing matches" and gives the value of the empty
// prefix.  Beside each entry stands the length of the prefix that wrote it, which
// only insert() and erase() read.
//
// Memory is address space until a prefix touches it: a node with few routes stays
// small.  A table that grows large asks the kernel for huge pages, and can be moved there.
//
// Threads: insert() and erase() on the worker between rounds; find() on the worker.
// Time: find() touches one entry for most IPv4 addresses.
// Invariants: a group exists only while some prefix longer than what leads to it
//   is in it; every entry holds the longest inserted prefix that covers it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/bytes.h"
#include "base/result.h"

namespace weft {

template <size_t kBytes>
class Lpm {
 public:
  static_assert(kBytes == 4 || kBytes == 16);
  static constexpr unsigned kBits = kBytes * 8;
  static constexpr uint16_t kMaxValue = 0x7fff;
  // IPv4 prefixes longer than 24 bits are few, so its entries are 16 bits wide.
  // IPv6 has a group at every 8 bits on the way to a /48.
  static constexpr uint32_t kGroups = kBytes == 4 ? 1u << 15 : 1u << 18;

  // Throws std::bad_alloc when the address space is not to be had.
  Lpm();
  ~Lpm();
  Lpm(const Lpm&) = delete;
  Lpm& operator=(const Lpm&) = delete;

  // What a lookup reads.  Good until the next insert() or erase(); a loop keeps a copy,
  // so that what it writes into packets cannot be taken for a change of the table.
  class Reader {
   public:
    // The value of the longest prefix that matches; 0 when none does.
    [[gnu::always_inline]] uint32_t find(const uint8_t* address) const {
      uint32_t e = root_[root_index(address)];
      if (std::make_signed_t<Entry>(e) <= 0) [[unlikely]] {  // a group, or 0
        for (const uint8_t* next = address + 3; (e & kGroup) != 0; ++next) {
          e = groups_[size_t(e & ~kGroup) * kGroupSize + *next];
        }
        if (e == 0) e = empty_prefix_;
      }
      return e;
    }
    // Asks the CPU for the entry that find() will read first.
    [[gnu::always_inline]] void prefetch(const uint8_t* address) const {
      __builtin_prefetch(root_ + root_index(address));
    }

   private:
    friend class Lpm;
    using Entry = std::conditional_t<kBytes == 4, uint16_t, uint32_t>;
    static constexpr Entry kGroup = Entry(Entry{1} << (sizeof(Entry) * 8 - 1));

    Entry* root_;
    Entry* groups_;
    uint16_t empty_prefix_ = 0;
  };
  const Reader& reader() const { return reader_; }
  uint32_t find(const uint8_t* address) const { return reader_.find(address); }
  void prefetch(const uint8_t* address) const { reader_.prefetch(address); }

  // Adds a prefix, or changes its value.  Bits behind `length` are ignored.
  // REQUIRES: length <= kBits, 0 < value <= kMaxValue
  // Errors: kLimit (no group left); the table is then unchanged.
  Result<void> insert(const uint8_t* prefix, unsigned length, uint16_t value);

  // Takes a prefix out.  What it covered falls back to the next shorter prefix
  // that was inserted, which the caller names: (cover_value, cover_length), or
  // (0, 0) when there is none.  A cover of length 0 is the empty prefix.
  void erase(const uint8_t* prefix, unsigned length, uint16_t cover_value, unsigned cover_length);

  // Whether it has so many prefixes that lookups miss the cache.
  bool large() const { return large_; }
  // Moves a table that has grown large to huge pages, where the kernel has some.  This
  // takes milliseconds for each 2 MB: call it once, from any thread but the worker's, which
  // may look up, insert and erase meanwhile.
  void move_to_huge_pages() const;
  uint32_t groups_in_use() const { return groups_fresh_ - groups_free_; }

 private:
  using Entry = typename Reader::Entry;
  static constexpr Entry kGroup = Reader::kGroup;
  static constexpr unsigned kRootBits = 24;
  static constexpr size_t kRootSize = size_t{1} << kRootBits;
  static constexpr size_t kGroupSize = 256;

  // 256 entries of a group, or all of the root.
  struct Table {
    Entry* entries;
    uint8_t* lengths;
    uint16_t* deep;  // counts entries that the table is needed for; null for the root
    unsigned bits;   // of an address, up to and including this table's
  };

  static uint32_t root_index(const uint8_t* address) { return load_be32(address) >> 8; }
  Table root() const { return {reader_.root_, root_lengths_, nullptr, kRootBits}; }
  Table group(Entry e, unsigned bits) const;
  static size_t index_in(const Table& table, const uint8_t* address);

  bool groups_suffice(const uint8_t* prefix, unsigned length) const;
  Entry make_group(Entry value, uint8_t length);
  void free_group(Entry e);
  // Gives every entry of the range that `may_replace` allows a new value.
  template <typename MayReplace>
  bool replace(const Table& table, size_t first, size_t count, Entry value, uint8_t length, MayReplace may);
  static void set(const Table& table, size_t i, Entry value, uint8_t length);
  bool erase_below(const Table& table, const uint8_t* prefix, unsigned length, Entry cover,
                   uint8_t cover_length);
  void count_prefixes(int change);

  uint8_t* mapping_ = nullptr;
  Reader reader_;
  uint8_t* root_lengths_;
  uint8_t* group_lengths_;
  uint16_t* group_deep_;
  uint32_t* free_groups_;  // a stack
  uint32_t groups_free_ = 0;
  uint32_t groups_fresh_ = 0;  // groups from here on were never used
  uint64_t prefixes_ = 0;      // about how many; for the choice of pages
  bool large_ = false;
};

extern template class Lpm<4>;
extern template class Lpm<16>;

}  // namespace weft
