// SPDX-License-Identifier: Apache-2.0
#include "routes/rib.h"

#include <algorithm>
#include <cstring>

namespace weft {

namespace {

// The kernel asks its table "local" before any other (ip-rule(8)), and the node's own
// addresses are as near; a known neighbour only fills in for its on-link prefix.
int rank(RouteSource source) {
  switch (source) {
    case RouteSource::kOwn:
    case RouteSource::kKernelLocal:
      return 0;
    case RouteSource::kStatic:
    case RouteSource::kKernel:
      return 1;
    case RouteSource::kNeighbour:
      return 2;
  }
  return 2;
}

bool better(const Candidate& a, const Candidate& b) {
  if (rank(a.source) != rank(b.source)) return rank(a.source) < rank(b.source);
  if (a.metric != b.metric) return a.metric < b.metric;
  return a.source < b.source;
}

}  // namespace

const char* name(RouteSource source) {
  switch (source) {
    case RouteSource::kOwn:
      return "own";
    case RouteSource::kKernelLocal:
      return "local";
    case RouteSource::kStatic:
      return "static";
    case RouteSource::kKernel:
      return "kernel";
    case RouteSource::kNeighbour:
      return "neighbour";
  }
  return "";
}

template <size_t kBytes>
size_t Rib<kBytes>::Hash::operator()(const Key& key) const noexcept {
  uint64_t h = 0;
  for (size_t i = 0; i < kBytes; i += 4) {
    uint32_t word;
    std::memcpy(&word, key.data() + i, 4);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
  }
  return h;
}

template <size_t kBytes>
typename Rib<kBytes>::Key Rib<kBytes>::mask(const Key& key, unsigned length) {
  Key masked = key;
  for (unsigned i = length / 8; i < kBytes; ++i) {
    masked[i] &= i == length / 8 ? uint8_t(~(0xff >> (length % 8))) : uint8_t(0);
  }
  return masked;
}

// Older candidates win against later ones that are no better.
template <size_t kBytes>
void Rib<kBytes>::put(Entry& entry, const Candidate& candidate) {
  if (entry.empty()) {
    entry.best = candidate;
    return;
  }
  Candidate* known = entry.best.same(candidate) ? &entry.best : nullptr;
  if (known == nullptr && entry.others) {
    const auto it = std::find_if(entry.others->begin(), entry.others->end(),
                                 [&](const Candidate& c) { return c.same(candidate); });
    if (it != entry.others->end()) known = &*it;
  }
  if (known != nullptr) {
    known->generation = candidate.generation;
    hops_.release(candidate.hop);
    return;
  }
  if (!entry.others) entry.others = std::make_unique<std::vector<Candidate>>();
  if (better(candidate, entry.best)) {
    entry.others->insert(entry.others->begin(), entry.best);
    entry.best = candidate;
  } else {
    entry.others->insert(std::upper_bound(entry.others->begin(), entry.others->end(), candidate, better),
                         candidate);
  }
}

template <size_t kBytes>
void Rib<kBytes>::take(Entry& entry, const Predicate& gone) {
  if (entry.others) {
    std::erase_if(*entry.others, [&](const Candidate& c) {
      if (!gone(c)) return false;
      hops_.release(c.hop);
      return true;
    });
  }
  if (!entry.empty() && gone(entry.best)) {
    hops_.release(entry.best.hop);
    entry.best = {};
    if (entry.others && !entry.others->empty()) {
      entry.best = entry.others->front();
      entry.others->erase(entry.others->begin());
    }
  }
  if (entry.others && entry.others->empty()) entry.others.reset();
}

template <size_t kBytes>
void Rib<kBytes>::fill_cover(Change& change) const {
  for (unsigned length = change.length; length-- > 0;) {
    if (by_length_[length].empty()) continue;
    const auto it = by_length_[length].find(mask(change.prefix, length));
    if (it == by_length_[length].end() || it->second.installed == 0) continue;
    change.cover_length = uint8_t(length);
    change.cover_value = it->second.installed;
    return;
  }
}

template <size_t kBytes>
std::optional<RibChange<kBytes>> Rib<kBytes>::settle(unsigned length, typename Map::iterator it) {
  Entry& entry = it->second;
  const uint16_t wanted = entry.empty() ? uint16_t(0) : hops_.index(entry.best.hop);
  const uint16_t told = entry.installed;
  Change change{it->first, uint8_t(length), 0, wanted, 0};
  installed_ += size_t(wanted != 0) - size_t(told != 0);
  entry.installed = wanted;
  if (entry.empty()) {
    by_length_[length].erase(it);
    --prefixes_;
  }
  if (wanted == told) return std::nullopt;
  if (wanted == 0) fill_cover(change);
  return change;
}

template <size_t kBytes>
std::optional<RibChange<kBytes>> Rib<kBytes>::add(const Key& prefix, unsigned length,
                                                  const Candidate& candidate) {
  return replace(prefix, length, candidate, {});
}

template <size_t kBytes>
std::optional<RibChange<kBytes>> Rib<kBytes>::remove(const Key& prefix, unsigned length,
                                                     const Predicate& gone) {
  const auto it = by_length_[length].find(mask(prefix, length));
  if (it == by_length_[length].end()) return std::nullopt;
  take(it->second, gone);
  return settle(length, it);
}

template <size_t kBytes>
std::optional<RibChange<kBytes>> Rib<kBytes>::replace(const Key& prefix, unsigned length,
                                                      const Candidate& candidate, const Predicate& gone) {
  const auto [it, fresh] = by_length_[length].try_emplace(mask(prefix, length));
  prefixes_ += size_t(fresh);
  put(it->second, candidate);
  if (gone) take(it->second, [&](const Candidate& c) { return !c.same(candidate) && gone(c); });
  return settle(length, it);
}

template <size_t kBytes>
void Rib<kBytes>::refused(const Key& prefix, unsigned length) {
  const auto it = by_length_[length].find(mask(prefix, length));
  if (it == by_length_[length].end() || it->second.installed == 0) return;
  it->second.installed = 0;
  --installed_;
}

template <size_t kBytes>
bool Rib<kBytes>::sweep(Cursor& cursor, size_t budget, const Predicate& gone, std::vector<Change>& out) {
  std::vector<Key> keys;
  for (size_t seen = 0; cursor.length <= kBits; ++cursor.length, cursor.bucket = 0, cursor.bucket_count = 0) {
    Map& map = by_length_[cursor.length];
    if (map.empty()) continue;
    if (cursor.bucket_count != map.bucket_count()) {
      cursor.bucket = 0;  // it was rehashed: what was seen may be anywhere
      cursor.bucket_count = map.bucket_count();
    }
    for (; cursor.bucket < cursor.bucket_count; ++cursor.bucket, ++seen) {
      if (seen >= budget) return false;
      keys.clear();
      for (auto it = map.begin(cursor.bucket); it != map.end(cursor.bucket); ++it) keys.push_back(it->first);
      for (const Key& key : keys) {
        const auto it = map.find(key);
        if (gone) take(it->second, gone);
        if (const auto change = settle(cursor.length, it)) out.push_back(*change);
      }
    }
  }
  return true;
}

template <size_t kBytes>
const Candidate* Rib<kBytes>::find(const Key& prefix, unsigned length) const {
  const auto it = by_length_[length].find(mask(prefix, length));
  return it == by_length_[length].end() ? nullptr : &it->second.best;
}

template <size_t kBytes>
typename Rib<kBytes>::Match Rib<kBytes>::longest(const Key& address, unsigned max_length) const {
  for (unsigned length = max_length + 1; length-- > 0;) {
    if (by_length_[length].empty()) continue;
    if (const Candidate* best = find(address, length)) return {best, length};
  }
  return {};
}

template <size_t kBytes>
void Rib<kBytes>::for_each(const Visitor& f) const {
  for (unsigned length = 0; length <= kBits; ++length) {
    for (const auto& [key, entry] : by_length_[length]) {
      if (!f(key, length, entry.best, entry.installed != 0)) return;
      if (!entry.others) continue;
      for (const Candidate& c : *entry.others) {
        if (!f(key, length, c, false)) return;
      }
    }
  }
}

template class Rib<4>;
template class Rib<16>;

}  // namespace weft
