// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/code_cache.h"

namespace weft::pan {

bool CodeCache::add(CodeObject& object) {
  if (find(object.name().bytes.data()) != nullptr) return false;
  if (2 * (size_ + 1) > slots_.size()) {
    std::vector<Slot> before(slots_.size() * 2);
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.object != nullptr) insert(*slot.object);
    }
  }
  insert(object);
  ++size_;
  return true;
}

std::vector<const CodeObject*> CodeCache::objects() const {
  std::vector<const CodeObject*> all;
  for (const Slot& slot : slots_) {
    if (slot.object != nullptr) all.push_back(slot.object);
  }
  return all;
}

void CodeCache::insert(CodeObject& object) {
  size_t i = start(object.name().bytes.data());
  while (slots_[i].object != nullptr) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = {object.name(), &object};
}

}  // namespace weft::pan
