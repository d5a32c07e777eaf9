// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_cache.h"

namespace weft::pan {

bool CodeCache::add(std::unique_ptr<LoadedCode> object) {
  uint8_t place[kPlace] = {};
  object->name().write(place);
  if (find(place) != nullptr) return false;
  objects_.push_back(std::move(object));
  if (2 * objects_.size() > slots_.size()) {
    slots_ = std::vector<Slot>(slots_.size() * 2);
    mask_ = slots_.size() - 1;
    for (const auto& each : objects_) insert(*each);
  } else {
    insert(*objects_.back());
  }
  return true;
}

// (The name of an empty slot is zeros, which is no name, and its object null.)
LoadedCode* CodeCache::find_behind(size_t i, const uint8_t* name) const {
  while (slots_[i].object != nullptr) {
    i = (i + 1) & mask_;
    if (slots_[i].is_of(name)) return slots_[i].object;
  }
  return nullptr;
}

void CodeCache::insert(LoadedCode& object) {
  Slot fresh{.object = &object};
  fresh.write(object.name());
  size_t i = start(reinterpret_cast<const uint8_t*>(&fresh));
  while (slots_[i].object != nullptr) i = (i + 1) & mask_;
  slots_[i] = fresh;
}

}  // namespace weft::pan
