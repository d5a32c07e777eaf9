// SPDX-License-Identifier: Apache-2.0
// The calls on heaps, at the C border.
#include "nodeos_api/hand_over.h"
#include "nodeos_api/heap_object.h"

namespace weft {

void HeapObject::destroy() {
  pool_.remove(*this);
  bury();
  free_memory();
}

}  // namespace weft

using namespace weft;

extern "C" {

an_Heap an_heapCreate(void* mem, an_MemPool p) {
  if (on_own_thread()) return handed_over([&] { return an_heapCreate(mem, p); });
  MemPool* pool = find<MemPool>(p);
  if (pool == nullptr || !pool->domain().node().allows_control()) return nullptr;
  HeapObject* heap = HeapObject::make(mem, *pool);
  if (heap == nullptr) return nullptr;
  pool->add(*heap);
  return heap->handle();
}

int an_heapDestroy(an_Heap h) {
  if (on_own_thread()) return handed_over([&] { return an_heapDestroy(h); });
  HeapObject* heap = find<HeapObject>(h);
  if (heap == nullptr || !heap->domain().node().allows_control()) return an_errno();
  heap->destroy();
  return AN_OK;
}

// What follows runs on the caller's own thread.

void* an_heapAlloc(an_Heap h, size_t size) {
  const Pinned<HeapObject> heap(h);
  return heap && is_known_thread() ? heap->heap().alloc(size) : nullptr;
}

void* an_heapRealloc(an_Heap h, void* block, size_t size) {
  const Pinned<HeapObject> heap(h);
  return heap && is_known_thread() ? heap->heap().realloc(block, size) : nullptr;
}

int an_heapFree(an_Heap h, void* block) {
  const Pinned<HeapObject> heap(h);
  if (!heap || !is_known_thread()) return an_errno();
  return block == nullptr || heap->heap().free(block) ? AN_OK : an_errno();
}

}  // extern "C"
