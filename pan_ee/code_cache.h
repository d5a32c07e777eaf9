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
#include "pan_ee/loaded_code.h"

namespace weft::pan {

class CodeCache {
 public:
  // False, and the object is gone, when one of that name is there already.
  bool add(std::unique_ptr<LoadedCode> object);

  // The code object of the 33 bytes at `name`; null when it is not here.
  LoadedCode* find(const uint8_t* name) const {
    for (size_t i = start(name);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].object == nullptr) return nullptr;
      if (same(slots_[i].name.bytes.data(), name)) return slots_[i].object;
    }
  }
  // Asks the CPU for where that name would be found.
  void prefetch(const uint8_t* name) const { __builtin_prefetch(&slots_[start(name)]); }

  // All of them, in the order in which they came.
  const std::vector<std::unique_ptr<LoadedCode>>& objects() const { return objects_; }

 private:
  struct alignas(64) Slot {
    CodeName name;
    LoadedCode* object = nullptr;
  };

  // memcmp() that is no call.
  static bool same(const uint8_t* a, const uint8_t* b) {
    static_assert(CodeName::kSize == 2 * sizeof(Words) + 1);
    const Words differing =
        (load<Words>(a) ^ load<Words>(b)) | (load<Words>(a + sizeof(Words)) ^ load<Words>(b + sizeof(Words)));
    return everywhere(Mask(differing == 0)) && a[2 * sizeof(Words)] == b[2 * sizeof(Words)];
  }
  // A name is a hash already.
  size_t start(const uint8_t* name) const { return size_t(load<uint64_t>(name + 1)) & (slots_.size() - 1); }
  void insert(LoadedCode& object);

  std::vector<Slot> slots_{16};
  std::vector<std::unique_ptr<LoadedCode>> objects_;
};

}  // namespace weft::pan
