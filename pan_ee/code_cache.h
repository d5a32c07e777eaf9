// SPDX-License-Identifier: Apache-2.0
// CodeCache: the code objects of a node, by name.  (PAN, section 4.5.)
//
// Threads: add() before capsules flow; find() on the worker.
// Time: find() is one hash lookup, without allocation.
// Invariants: at least half of the slots are empty.
#pragma once

#include <vector>

#include "pan_ee/code_object.h"

namespace weft::pan {

class CodeCache {
 public:
  // The object outlives the cache.  False when one of that name is there already.
  bool add(CodeObject& object);

  // The code object of the 33 bytes at `name`; null when it is not here.
  CodeObject* find(const uint8_t* name) const {
    for (size_t i = start(name);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].object == nullptr) return nullptr;
      if (std::memcmp(slots_[i].name.bytes.data(), name, CodeName::kSize) == 0) return slots_[i].object;
    }
  }
  size_t size() const { return size_; }
  // All of them, in no order.
  std::vector<const CodeObject*> objects() const;

 private:
  struct Slot {
    CodeName name;
    CodeObject* object = nullptr;
  };

  // A name is a hash already.
  size_t start(const uint8_t* name) const {
    uint64_t bits;
    std::memcpy(&bits, name + 1, sizeof bits);
    return size_t(bits) & (slots_.size() - 1);
  }
  void insert(CodeObject& object);

  std::vector<Slot> slots_{16};
  size_t size_ = 0;
};

}  // namespace weft::pan
