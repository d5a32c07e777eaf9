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
    // (The name of an empty slot is zeros, which is no name, and its object null.)
    const Slot* const slots = slots_.data();
    for (size_t i = start(name);; i = (i + 1) & mask_) {
      if (same(slots[i].name, name)) return slots[i].object;
      if (slots[i].object == nullptr) return nullptr;
    }
  }
  // Asks the CPU for where that name would be found.
  void prefetch(const uint8_t* name) const { __builtin_prefetch(&slots_[start(name)]); }

  // All of them, in the order in which they came.
  const std::vector<std::unique_ptr<LoadedCode>>& objects() const { return objects_; }

 private:
  struct alignas(64) Slot {
    uint8_t name[kPlace] = {};
    LoadedCode* object = nullptr;
  };

  // memcmp() of kPlace bytes that is no call.
  static bool same(const uint8_t* a, const uint8_t* b) {
    static_assert(kPlace == 2 * sizeof(Words) + sizeof(uint64_t));
    const Words differing =
        (load<Words>(a) ^ load<Words>(b)) | (load<Words>(a + sizeof(Words)) ^ load<Words>(b + sizeof(Words)));
    return everywhere(Mask(differing == 0)) &&
           load<uint64_t>(a + 2 * sizeof(Words)) == load<uint64_t>(b + 2 * sizeof(Words));
  }
  // A name is a hash already.
  size_t start(const uint8_t* name) const { return size_t(load<uint64_t>(name + 1)) & mask_; }
  void insert(LoadedCode& object);

  std::vector<Slot> slots_{16};
  size_t mask_ = slots_.size() - 1;
  std::vector<std::unique_ptr<LoadedCode>> objects_;
};

}  // namespace weft::pan
