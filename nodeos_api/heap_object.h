// SPDX-License-Identifier: Apache-2.0
// HeapObject: a heap of the API, over the pages of a memory pool, with which it ends.
//
// Threads: made and destroyed on the control thread; used by one thread at a time.
#pragma once

#include "nodeos_api/heap.h"
#include "nodeos_api/mem_pool.h"

namespace weft {

class HeapObject final : public Object<HeapObject> {
 public:
  using Handle = an_Heap;
  static constexpr an_Kind kKind = AN_HEAP;
  static constexpr const char* kDead = "the heap was destroyed";
  static constexpr const char* kNever = "not a heap";

  explicit HeapObject(MemPool& pool) : pool_(pool), heap_(pool) {}

  MemPool& pool() const { return pool_; }
  Domain& domain() const { return pool_.domain(); }
  Heap& heap() { return heap_; }
  void destroy();

 private:
  MemPool& pool_;
  Heap heap_;
};

}  // namespace weft
