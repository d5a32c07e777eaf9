// SPDX-License-Identifier: Apache-2.0
// ShmMemory: one process's view of the memory that is shared, and of the bell.
//
// The bell is a pair of sockets, not an eventfd: each side has a file description of its
// own, so that neither can make the other block by taking O_NONBLOCK from it.
//
// Threads: made on the control thread; the rest on one worker.
#pragma once

#include "base/owned_fd.h"
#include "base/result.h"
#include "partner/shm_layout.h"

namespace weft {

class ShmMemory {
 public:
  // Makes the memory, sealed against a change of its size, and both ends of the bell.
  // Errors: kInvalid (not a layout), the kernel's.
  struct Made;
  static Result<Made> make(const ShmLayout& layout);
  // Maps memory that another process made.  Errors: kInvalid (smaller than its layout).
  static Result<ShmMemory> map(const ShmLayout& layout, int memory, OwnedFd bell);

  ShmMemory(ShmMemory&& other) noexcept;
  ShmMemory& operator=(ShmMemory&&) = delete;
  ~ShmMemory();

  const ShmLayout& layout() const { return layout_; }
  uint8_t* base() const { return base_; }
  ShmControl& control() const { return at<ShmControl>(0); }
  ShmDescriptor* rx_descriptors() const { return &at<ShmDescriptor>(layout_.rx_descriptors()); }
  ShmDescriptor* tx_descriptors() const { return &at<ShmDescriptor>(layout_.tx_descriptors()); }
  uint32_t* fill_offsets() const { return &at<uint32_t>(layout_.fill_offsets()); }

  std::atomic<uint32_t>* left_counts() const { return &at<std::atomic<uint32_t>>(layout_.left_counts()); }

  int bell() const { return bell_.get(); }
  // All three exchange, so one of two is second: who has published sees that the other side
  // sleeps, or that one sees what was published when it looks again.
  void wake(std::atomic<uint32_t>& sleeps) const {
    if (sleeps.exchange(0, std::memory_order_acq_rel) != 0) [[unlikely]]
      ring_bell();
  }
  static void falls_asleep(std::atomic<uint32_t>& sleeps) { sleeps.exchange(1, std::memory_order_acq_rel); }
  void wakes(std::atomic<uint32_t>& sleeps) const {
    sleeps.exchange(0, std::memory_order_acq_rel);
    hear_bell();
  }

  void ring_bell() const;
  void hear_bell() const;

 private:
  ShmMemory(const ShmLayout& layout, uint8_t* base, OwnedFd bell)
      : layout_(layout), base_(base), bell_(std::move(bell)) {}
  template <typename T>
  T& at(size_t offset) const {
    return *reinterpret_cast<T*>(base_ + offset);
  }

  ShmLayout layout_;
  uint8_t* base_;
  OwnedFd bell_;
};

struct ShmMemory::Made {
  ShmMemory mine;
  OwnedFd memory, their_bell;  // for the other process
};

}  // namespace weft
