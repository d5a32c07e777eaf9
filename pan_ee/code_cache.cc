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

void CodeCache::insert(LoadedCode& object) {
  Slot fresh{.object = &object};
  object.name().write(fresh.name);
  size_t i = start(fresh.name);
  while (slots_[i].object != nullptr) i = (i + 1) & mask_;
  slots_[i] = fresh;
}

}  // namespace weft::pan
