// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/handles.h"

#include <thread>

namespace weft {

namespace {

// The table of the process is never destroyed: a thread may still ask while it exits.
union Immortal {
  constexpr Immortal() : table() {}
  ~Immortal() {}
  HandleTable table;
};
constinit Immortal immortal;

}  // namespace

HandleTable& handles() { return immortal.table; }

HandleTable::~HandleTable() {
  for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
}

uint64_t HandleTable::add(an_Kind kind, void* object) {
  std::lock_guard lock(mutex_);
  if (first_free_ == kCapacity && !grow()) return 0;
  const uint32_t index = first_free_;
  Slot& slot = *slot_at(index);
  first_free_ = slot.next_free;
  const uint64_t generation = slot.generation.load(std::memory_order_relaxed) + 1;
  const uint64_t handle = generation << kGenerationShift | uint64_t{index} << kIndexShift | uint64_t(kind);
  slot.generation.store(generation, std::memory_order_relaxed);
  slot.object.store(object, std::memory_order_relaxed);
  slot.handle.store(handle, std::memory_order_release);
  return handle;
}

// A pin is counted before the handle is looked at again, and the handle goes before the
// pins are: one of the two sees the other.
void HandleTable::remove(uint64_t handle) {
  const uint32_t index = HandleTable::index(handle);
  Slot& slot = *slot_at(index);
  slot.handle.store(0, std::memory_order_seq_cst);
  while (slot.pins.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
  std::lock_guard lock(mutex_);
  slot.next_free = first_free_;
  first_free_ = index;
  removed_.store(removed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// One more chunk; the free list is in the order of the slots.
bool HandleTable::grow() {
  if (slots_ == kCapacity) return false;
  auto* chunk = new Slot[kChunk];
  for (uint32_t i = 0; i < kChunk; ++i) chunk[i].next_free = slots_ + i + 1;
  chunk[kChunk - 1].next_free = kCapacity;
  first_free_ = slots_;
  chunks_[slots_ / kChunk].store(chunk, std::memory_order_release);
  slots_ += kChunk;
  return true;
}

}  // namespace weft
