// SPDX-License-Identifier: Apache-2.0
#include "routes/next_hop_table.h"

#include <cassert>
#include <string_view>

namespace weft {

size_t NextHopTable::Hash::operator()(const HopKey& key) const noexcept {
  const std::string_view via(reinterpret_cast<const char*>(key.via.data()), key.via.size());
  const uint64_t rest = uint64_t(key.kind) | uint64_t(key.family) << 8 | uint64_t(key.via_family) << 16 |
                        uint64_t(key.port) << 24 | uint64_t(key.mtu) << 40 | uint64_t(key.host) << 63;
  return std::hash<std::string_view>()(via) ^ (rest * 0x9e3779b97f4a7c15u);
}

NextHopTable::NextHopTable(uint32_t capacity) {
  free_.reserve(capacity);
  for (uint32_t i = capacity; i-- > 1;) free_.push_back(uint16_t(i));  // 1 is given out first
}

NextHopTable::Acquired NextHopTable::acquire(const HopKey& key) {
  if (const HopId id = find(key); id != kNoHop) {
    retain(id);
    return {id, false, false};
  }
  HopId id;
  if (unused_ids_.empty()) {
    id = HopId(hops_.size());
    hops_.emplace_back();
  } else {
    id = unused_ids_.back();
    unused_ids_.pop_back();
  }
  const bool indexed = !free_.empty();
  if (!indexed) ++without_index_;
  hops_[id] = {key, 1, indexed ? take_free() : uint16_t(0)};
  ids_.emplace(key, id);
  return {id, true, indexed};
}

void NextHopTable::release(HopId id) {
  Hop& hop = hops_[id];
  assert(hop.references > 0);
  if (--hop.references > 0) return;
  ids_.erase(hop.key);
  if (hop.index == 0) --without_index_;
  retiring_.push_back({hop.key, hop.index});
  hop.index = 0;
  unused_ids_.push_back(id);
}

HopId NextHopTable::find(const HopKey& key) const {
  const auto it = ids_.find(key);
  return it == ids_.end() ? kNoHop : it->second;
}

std::vector<HopId> NextHopTable::assign(uint64_t now_ns) {
  while (!quiet_.empty() && quiet_.front().until_ns <= now_ns) {
    free_.push_back(quiet_.front().index);
    quiet_.pop_front();
  }
  std::vector<HopId> given;
  if (without_index_ == 0) return given;
  for (HopId id = 1; id < hops_.size() && !free_.empty() && without_index_ > 0; ++id) {
    Hop& hop = hops_[id];
    if (hop.references == 0 || hop.index != 0) continue;
    hop.index = take_free();
    --without_index_;
    given.push_back(id);
  }
  return given;
}

uint64_t NextHopTable::next_due_ns() const {
  if (quiet_.empty() || (without_index_ == 0 && !free_.empty())) return UINT64_MAX;
  return quiet_.front().until_ns;
}

}  // namespace weft
