// SPDX-License-Identifier: Apache-2.0
// HandleTable: what the API's opaque pointers stand for.
//
// A handle is no address: it names a slot and the slot's generation, so that a
// dead or forged one is recognised without touching what it once named.
//
//   | generation 36 | slot 20 | kind 8 |
//
// One table for the process, which lives as long as it: the C interface has nothing
// else to ask.
//
// Threads: add() and remove() take a lock; find() and pin() do not, from any thread.  Who
//   removes an object waits for the worker before it frees the memory; remove() itself
//   waits for those who pinned it.
// Invariants: a table gives back no memory while it lives, so that a find() never reads
//   what is gone; it is bounded by the number of objects alive at once.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "nodeos_api/an.h"

namespace weft {

class HandleTable {
 public:
  static constexpr uint32_t kCapacity = 1u << 20;

  HandleTable() = default;
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;
  // REQUIRES: no thread asks any more
  ~HandleTable();

  // A handle for `object`; 0 when all slots are in use.
  uint64_t add(an_Kind kind, void* object);
  // REQUIRES: the caller has not pinned it
  void remove(uint64_t handle);

  struct Found {
    void* object;  // null if it is not alive
    bool was;      // it was once
  };
  Found find(uint64_t handle, an_Kind kind) const {
    const Slot* slot = slot_at(index(handle));
    if (slot == nullptr || (handle & 0xff) != uint64_t(kind)) return {nullptr, false};
    if (slot->handle.load(std::memory_order_acquire) == handle) {
      return {slot->object.load(std::memory_order_relaxed), true};
    }
    return {nullptr, (handle >> kGenerationShift) <= slot->generation.load(std::memory_order_relaxed)};
  }

  // The same for a thread that remove() does not wait for otherwise: what is found stays
  // until unpin().  Only for moments: whoever destroys it waits.
  Found pin(uint64_t handle, an_Kind kind) {
    const Found found = find(handle, kind);
    if (found.object == nullptr) return found;
    Slot* slot = slot_at(index(handle));
    slot->pins.fetch_add(1, std::memory_order_seq_cst);
    if (slot->handle.load(std::memory_order_seq_cst) == handle) {
      return {slot->object.load(std::memory_order_relaxed), true};
    }
    slot->pins.fetch_sub(1, std::memory_order_release);
    return {nullptr, true};
  }
  void unpin(uint64_t handle) { slot_at(index(handle))->pins.fetch_sub(1, std::memory_order_release); }

  // How many were removed since the table was made.
  uint64_t removed() const { return removed_.load(std::memory_order_relaxed); }

  static uint32_t index(uint64_t handle) { return uint32_t(handle >> kIndexShift) & (kCapacity - 1); }
  // The object in a slot.  REQUIRES: it is alive
  void* at(uint32_t index) const { return slot_at(index)->object.load(std::memory_order_relaxed); }

 private:
  static constexpr int kIndexShift = 8;
  static constexpr int kGenerationShift = 28;
  static constexpr uint32_t kChunk = 1024;

  struct Slot {
    std::atomic<uint64_t> handle{0};  // 0: free
    std::atomic<void*> object{nullptr};
    std::atomic<uint64_t> generation{0};  // of the latest object here
    std::atomic<uint32_t> pins{0};
    uint32_t next_free = 0;
  };

  Slot* slot_at(uint32_t index) const {
    Slot* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : chunk + index % kChunk;
  }
  bool grow();

  std::mutex mutex_;
  std::array<std::atomic<Slot*>, kCapacity / kChunk> chunks_{};
  std::atomic<uint64_t> removed_{0};  // written under the lock
  uint32_t slots_ = 0;
  uint32_t first_free_ = kCapacity;  // kCapacity: none
};

HandleTable& handles();

}  // namespace weft
