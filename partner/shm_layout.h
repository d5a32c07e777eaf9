// SPDX-License-Identifier: Apache-2.0
// ShmLayout: where things lie in the memory that a node and one other process share.
//
//   | control of rx | of tx | of fill | rx descriptors | tx descriptors | fill | left | packets ... |
//
// fill  the other process lends buffers: offsets of kBuffer bytes each
// rx    the node gives packets, in buffers that were lent
// tx    the other process gives packets, wherever they lie
// left  for each opening how many of its packets have left the node's queue, for good or ill
// A buffer of tx is free again as soon as the node's index has passed its descriptor, for
// the node copies: there is no ring of completions.  Indices run on and wrap at 2^32.
//
// Threads: a plain value.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weft {

// One ring's indices; each on a line of its own, for its writer.
struct ShmIndices {
  alignas(64) std::atomic<uint32_t> producer;
  alignas(64) std::atomic<uint32_t> consumer;
  alignas(64) std::atomic<uint32_t> consumer_sleeps;  // not 0: ring its bell
};
static_assert(sizeof(ShmIndices) == 192 && std::atomic<uint32_t>::is_always_lock_free);

// A piece of a packet.
struct ShmDescriptor {
  uint32_t opening;  // the channel's use of the ring
  uint32_t offset;   // of the bytes, from the start of the memory
  uint32_t length;
  uint16_t more;  // not 0: the packet goes on in the next descriptor
  uint16_t port;  // rx: where it came in
  uint64_t timestamp;
  uint64_t reserved;
};
static_assert(sizeof(ShmDescriptor) == 32);

struct ShmLayout {
  static constexpr uint32_t kBuffer = 1920;          // bytes that are lent at a time
  static constexpr uint32_t kMaxEntries = 1u << 16;  // of a ring
  static constexpr uint32_t kMaxOpenings = 1u << 16;
  static constexpr uint64_t kMaxMemory = uint64_t{1} << 31;  // bytes of packets

  uint32_t entries = 1024;  // of each ring; a power of two
  uint32_t openings = 64;   // at a time, at most
  uint64_t memory = 0;      // bytes of packets

  bool valid() const {
    return std::has_single_bit(entries) && entries <= kMaxEntries && openings > 0 &&
           openings <= kMaxOpenings && memory > 0 && memory <= kMaxMemory;
  }
  static constexpr size_t kRx = 0, kTx = sizeof(ShmIndices), kFill = 2 * sizeof(ShmIndices);
  size_t rx_descriptors() const { return 1024; }
  size_t tx_descriptors() const { return rx_descriptors() + entries * sizeof(ShmDescriptor); }
  size_t fill_offsets() const { return tx_descriptors() + entries * sizeof(ShmDescriptor); }
  size_t left_counts() const { return fill_offsets() + entries * sizeof(uint32_t); }
  size_t packets() const { return (left_counts() + openings * sizeof(uint32_t) + 4095) / 4096 * 4096; }
  size_t size() const { return (packets() + memory + 4095) / 4096 * 4096; }
};
static_assert(3 * sizeof(ShmIndices) <= 1024);

}  // namespace weft
