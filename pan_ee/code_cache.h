// SPDX-License-Identifier: Apache-2.0
// CodeCache: the code objects of a node, by name.  (PAN, section 4.5.)
//
// Threads: add() before capsules flow; find() on the worker.
// Time: find() is one hash lookup, without allocation.
// Invariants: at least half of the slots are empty.
#pragma once

#include <memory>
#include <vector>

#include "base/words.h"
#include "pan_ee/capsule.h"
#include "pan_ee/loaded_code.h"

namespace weft::pan {

class CodeCache {
 public:
  static constexpr size_t kPlace = capsule::kHeader - capsule::kName;

  // False, and the object is gone, when one of that name is there already.
  bool add(std::unique_ptr<LoadedCode> object);

  // The code object of the name at `name`, where zeros stand behind it up to kPlace bytes, as in
  // a capsule; null when it is not here, or there are others than zeros.
  LoadedCode* find(const uint8_t* name) const {
    const size_t i = start(name);
    const Slot& slot = slots_[i];
    if (slot.is_of(name)) [[likely]]
      return slot.object;
    return find_behind(i, name);
  }

  // All of them, in the order in which they came.
  const std::vector<std::unique_ptr<LoadedCode>>& objects() const { return objects_; }

 private:
  struct alignas(64) Slot {
    Words front[2] = {};
    uint64_t back = 0;
    LoadedCode* object = nullptr;

    // memcmp() of kPlace bytes that is no call.
    bool is_of(const uint8_t* name) const {
      const Words differing = (load<Words>(name) ^ front[0]) | (load<Words>(name + sizeof(Words)) ^ front[1]);
      if (!everywhere(Mask(differing == 0))) [[unlikely]]
        return false;
      return load<uint64_t>(name + sizeof front) == back;
    }
    void write(const CodeName& name) { name.write(reinterpret_cast<uint8_t*>(this)); }
  };
  static_assert(offsetof(Slot, object) == kPlace);
  // A name is a hash already.
  size_t start(const uint8_t* name) const { return size_t(load<uint64_t>(name + 1)) & mask_; }
  // For a name that is not in slot `i`.
  LoadedCode* find_behind(size_t i, const uint8_t* name) const;
  void insert(LoadedCode& object);

  std::vector<Slot> slots_{16};
  size_t mask_ = slots_.size() - 1;
  std::vector<std::unique_ptr<LoadedCode>> objects_;
};

}  // namespace weft::pan
