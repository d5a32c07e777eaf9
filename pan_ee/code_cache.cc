// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_cache.h"

namespace weft::pan {

bool CodeCache::add(std::unique_ptr<LoadedCode> object) {
  if (find(object->name().bytes.data()) != nullptr) return false;
  objects_.push_back(std::move(object));
  if (2 * objects_.size() > slots_.size()) {
    slots_ = std::vector<Slot>(slots_.size() * 2);
    for (const auto& each : objects_) insert(*each);
  } else {
    insert(*objects_.back());
  }
  return true;
}

void CodeCache::insert(LoadedCode& object) {
  size_t i = start(object.name().bytes.data());
  while (slots_[i].object != nullptr) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = {object.name(), &object};
}

}  // namespace weft::pan
