// SPDX-License-Identifier: Apache-2.0
#include "paths/lpm.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <string>

namespace weft {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// From so many prefixes on, lookups miss the TLB on 4 KB pages.
constexpr uint64_t kLarge = 2048;
#ifndef MADV_COLLAPSE
constexpr int MADV_COLLAPSE = 25;  // Linux 6.1
#endif

constexpr size_t round_up(size_t n) { return (n + kHugePage - 1) / kHugePage * kHugePage; }

}  // namespace

// One mapping: root | groups | and, touched by changes only, their lengths, counts
// and the stack of free groups.
template <size_t kBytes>
struct LpmLayout {
  using Entry = std::conditional_t<kBytes == 4, uint16_t, uint32_t>;
  static constexpr size_t kGroups = Lpm<kBytes>::kGroups;
  static constexpr size_t root = 0;
  static constexpr size_t groups = root + round_up(sizeof(Entry) << 24);
  static constexpr size_t looked_up = groups + round_up(sizeof(Entry) * 256 * kGroups);
  static constexpr size_t root_lengths = looked_up;
  static constexpr size_t group_lengths = root_lengths + round_up(size_t{1} << 24);
  static constexpr size_t group_deep = group_lengths + round_up(256 * kGroups);
  static constexpr size_t free_groups = group_deep + round_up(sizeof(uint16_t) * kGroups);
  static constexpr size_t size = free_groups + round_up(sizeof(uint32_t) * kGroups);
};

template <size_t kBytes>
Lpm<kBytes>::Lpm() {
  using Layout = LpmLayout<kBytes>;
  void* at = ::mmap(nullptr, Layout::size + kHugePage, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<uint8_t*>(at);
  auto* aligned = reinterpret_cast<uint8_t*>(round_up(reinterpret_cast<uintptr_t>(at)));
  reader_.root_ = reinterpret_cast<Entry*>(aligned + Layout::root);
  reader_.groups_ = reinterpret_cast<Entry*>(aligned + Layout::groups);
  root_lengths_ = aligned + Layout::root_lengths;
  group_lengths_ = aligned + Layout::group_lengths;
  group_deep_ = reinterpret_cast<uint16_t*>(aligned + Layout::group_deep);
  free_groups_ = reinterpret_cast<uint32_t*>(aligned + Layout::free_groups);
}

template <size_t kBytes>
Lpm<kBytes>::~Lpm() {
  ::munmap(mapping_, LpmLayout<kBytes>::size + kHugePage);
}

template <size_t kBytes>
typename Lpm<kBytes>::Table Lpm<kBytes>::group(Entry e, unsigned bits) const {
  const size_t n = e & Entry(~kGroup);
  return {reader_.groups_ + n * kGroupSize, group_lengths_ + n * kGroupSize, group_deep_ + n, bits};
}

// Where `address` falls in a table.
template <size_t kBytes>
size_t Lpm<kBytes>::index_in(const Table& table, const uint8_t* address) {
  return table.bits == kRootBits ? root_index(address) : address[table.bits / 8 - 1];
}

template <size_t kBytes>
bool Lpm<kBytes>::groups_suffice(const uint8_t* prefix, unsigned length) const {
  Table table = root();
  while (length > table.bits) {
    const Entry e = table.entries[index_in(table, prefix)];
    if ((e & kGroup) == 0) {
      const uint32_t needed = (length - table.bits + 7) / 8;
      return needed <= kGroups - groups_in_use();
    }
    table = group(e, table.bits + 8);
  }
  return true;
}

template <size_t kBytes>
typename Lpm<kBytes>::Entry Lpm<kBytes>::make_group(Entry value, uint8_t length) {
  const uint32_t n = groups_free_ > 0 ? free_groups_[--groups_free_] : groups_fresh_++;
  std::fill_n(reader_.groups_ + size_t{n} * kGroupSize, kGroupSize, value);
  std::fill_n(group_lengths_ + size_t{n} * kGroupSize, kGroupSize, length);
  group_deep_[n] = 0;
  return Entry(kGroup | n);
}

template <size_t kBytes>
void Lpm<kBytes>::free_group(Entry e) {
  free_groups_[groups_free_++] = e & Entry(~kGroup);
}

template <size_t kBytes>
void Lpm<kBytes>::set(const Table& table, size_t i, Entry value, uint8_t length) {
  if (table.deep != nullptr) {
    const unsigned above = table.bits - 8;
    const bool was = (table.entries[i] & kGroup) != 0 || table.lengths[i] > above;
    const bool is = (value & kGroup) != 0 || length > above;
    *table.deep = uint16_t(*table.deep + is - was);
  }
  table.entries[i] = value;
  table.lengths[i] = length;
}

template <size_t kBytes>
template <typename MayReplace>
bool Lpm<kBytes>::replace(const Table& table, size_t first, size_t count, Entry value, uint8_t length,
                          MayReplace may) {
  bool exact = false;  // met an entry that the very prefix in question wrote
  for (size_t i = first; i < first + count; ++i) {
    const Entry e = table.entries[i];
    if ((e & kGroup) != 0) {
      exact |= replace(group(e, table.bits + 8), 0, kGroupSize, value, length, may);
    } else if (const auto verdict = may(table.lengths[i]); verdict.replace) {
      exact |= verdict.exact;
      set(table, i, value, length);
    }
  }
  return exact;
}

namespace {

struct Verdict {
  bool replace;
  bool exact;
};

// The entries of a table that a prefix ending in it covers.
struct Range {
  size_t first;
  size_t count;
};
Range covered(size_t index, unsigned table_bits, unsigned length) {
  const size_t count = size_t{1} << (table_bits - length);
  return {index & ~(count - 1), count};
}

}  // namespace

template <size_t kBytes>
Result<void> Lpm<kBytes>::insert(const uint8_t* prefix, unsigned length, uint16_t value) {
  if (length == 0) {
    reader_.empty_prefix_ = value;
    return {};
  }
  if (!groups_suffice(prefix, length)) {
    return Error{Code::kLimit, "the forwarding table holds prefixes longer than /24 under at most " +
                                   std::to_string(kGroups) + " shorter ones"};
  }
  Table table = root();
  while (length > table.bits) {
    const size_t i = index_in(table, prefix);
    if ((table.entries[i] & kGroup) == 0) {
      set(table, i, make_group(table.entries[i], table.lengths[i]), table.lengths[i]);
    }
    table = group(table.entries[i], table.bits + 8);
  }
  const Range range = covered(index_in(table, prefix), table.bits, length);
  const bool known =
      replace(table, range.first, range.count, Entry(value), uint8_t(length), [length](uint8_t there) {
        return Verdict{there <= length, there == length};
      });
  if (!known) count_prefixes(+1);
  return {};
}

template <size_t kBytes>
void Lpm<kBytes>::erase(const uint8_t* prefix, unsigned length, uint16_t cover_value, unsigned cover_length) {
  if (length == 0) {
    reader_.empty_prefix_ = 0;
    return;
  }
  if (cover_length == 0) cover_value = 0;
  if (erase_below(root(), prefix, length, Entry(cover_value), uint8_t(cover_length))) count_prefixes(-1);
}

// Erases in `table` and what hangs from it; groups that are then not needed go.
template <size_t kBytes>
bool Lpm<kBytes>::erase_below(const Table& table, const uint8_t* prefix, unsigned length, Entry cover,
                              uint8_t cover_length) {
  const size_t i = index_in(table, prefix);
  if (length <= table.bits) {
    const Range range = covered(i, table.bits, length);
    return replace(table, range.first, range.count, cover, cover_length, [length](uint8_t there) {
      return Verdict{there == length, there == length};
    });
  }
  const Entry e = table.entries[i];
  if ((e & kGroup) == 0) return false;
  const Table below = group(e, table.bits + 8);
  const bool known = erase_below(below, prefix, length, cover, cover_length);
  if (*below.deep == 0) {
    set(table, i, below.entries[0], below.lengths[0]);
    free_group(e);
  }
  return known;
}

template <size_t kBytes>
void Lpm<kBytes>::count_prefixes(int change) {
  if (change < 0 && prefixes_ == 0) return;
  prefixes_ += uint64_t(int64_t(change));
  if (large_ || prefixes_ < kLarge) return;
  large_ = true;
  // A wish: where it is refused the table works as before.
  ::madvise(reader_.root_, LpmLayout<kBytes>::looked_up, MADV_HUGEPAGE);
}

// A page at a time: who looks up behind one that moves waits for no other.
template <size_t kBytes>
void Lpm<kBytes>::move_to_huge_pages() const {
  auto* const root = reinterpret_cast<uint8_t*>(reader_.root_);
  for (size_t at = 0; at < LpmLayout<kBytes>::groups; at += kHugePage) {
    ::madvise(root + at, kHugePage, MADV_COLLAPSE);
  }
}

template class Lpm<4>;
template class Lpm<16>;

}  // namespace weft
