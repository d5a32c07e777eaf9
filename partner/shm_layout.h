// SPDX-License-Identifier: Apache-2.0
// ShmLayout: where things lie in the memory that a node and one other process share.
//
//   | control | rx descriptors | tx descriptors | fill | left | packets ... |
//
// fill  the other process lends buffers: offsets of kBuffer bytes each
// rx    the node gives packets, in buffers that were lent
// tx    the other process gives packets, wherever they lie
// left  for each opening how many of its packets have left the node's queue, for good or ill
//
// What costs is a line of memory that goes from one CPU to the other, so a packet is told by the
// line that it is described in: descriptor `i` is there when its turn is i + 1, and no index is
// written or read for it.  Who gives several writes the first of them last: who sees that one
// sees all, and how many they are.  Counts run on and wrap at 2^32.
//
// A buffer of tx is free again as soon as `tx_taken` has passed its descriptor, for the node
// copies: there is no ring of completions.  Of rx and fill nobody must know how far the other
// has come: no more buffers are lent than a ring has entries, and each is in one place.
//
// Threads: a plain value.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weft {

// What is counted or said besides; each for its writer alone, a pair of lines apart, for
// CPUs fetch pairs.
struct ShmControl {
  alignas(128) std::atomic<uint32_t> fill_lent;  // by the other process: buffers, so far
  alignas(128) std::atomic<uint32_t> tx_taken;   // by the node: descriptors, so far
  // Set by who sleeps, and cleared by who rings its bell.
  alignas(128) std::atomic<uint32_t> node_sleeps;
  alignas(128) std::atomic<uint32_t> guest_sleeps;
};
static_assert(sizeof(ShmControl) == 512 && std::atomic<uint32_t>::is_always_lock_free);

// A piece of a packet.
struct ShmDescriptor {
  uint32_t opening;  // the channel's use of the ring
  uint32_t offset;   // of the bytes, from the start of the memory
  uint32_t length;
  uint16_t more;  // not 0: the packet goes on in the next descriptor
  uint16_t port;  // rx: where it came in
  uint64_t timestamp;
  uint32_t turn;   // one more than the count of those before it, once the rest is written
  uint32_t given;  // in the first of those that were given at once: how many; else 0
};
static_assert(sizeof(ShmDescriptor) == 32 && offsetof(ShmDescriptor, turn) == 24);
constexpr uint32_t kDescriptorsInLine = 64 / sizeof(ShmDescriptor);

// The descriptor `count` is there: the rest of it is written.
inline bool turn_has_come(const ShmDescriptor& shared, uint32_t count) {
  return __atomic_load_n(&shared.turn, __ATOMIC_ACQUIRE) == count + 1;
}

// Whether to look for more behind the first packet, of `entries` descriptors, when there were
// `given`: a look into the next line takes it from who is about to write it, and the packet waits
// meanwhile.  One that came alone is better passed on first.
inline bool worth_a_look(uint32_t next, uint32_t entries, uint32_t given) {
  return given > entries || next % kDescriptorsInLine != 0;
}

// Asks for a line that is to be written, and that the other CPU may have.  (g++ makes of
// __builtin_prefetch(at, 1) a line to be read, of which the write then has to wait, unless it
// compiles for one kind of CPU; those that do not know this instruction pass over it.)
inline void prefetch_to_write(const void* at) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

// Descriptors of one ring, as who gives them writes them: the first of them last.  So nothing
// is there before publish(), and the line that the other side looks at is taken from it once.
//
// Threads: one at a time.
class ShmWriter {
 public:
  // `at`: how many were given before.
  ShmWriter(ShmDescriptor* ring, uint32_t entries, uint32_t at)
      : ring_(ring), mask_(entries - 1), first_at_(at), at_(at) {
    prefetch_to_write(&ring_[at & mask_]);
  }

  // The lines are the other CPU's: they are asked for in time, and the first, which it looks
  // at all the while, when there is something to write: it would be taken back before.
  [[gnu::always_inline]] void add(const ShmDescriptor& d) {
    prefetch_to_write(&ring_[(at_ + kAhead) & mask_]);
    if (at_ == first_at_) {
      first_ = d;
    } else {
      write(at_, d);
    }
    ++at_;
  }
  uint32_t at() const { return at_; }
  uint32_t added() const { return at_ - first_at_; }
  void publish() {
    if (added() == 0) return;
    first_.given = added();
    write(first_at_, first_);
  }

 private:
  // Field by field: where two are copied as one, a load waits for the stores of both.
  [[gnu::always_inline]] void write(uint32_t at, const ShmDescriptor& d) {
    const auto set = [](auto& field, auto value) { __atomic_store_n(&field, value, __ATOMIC_RELAXED); };
    ShmDescriptor& shared = ring_[at & mask_];
    set(shared.opening, d.opening);
    set(shared.offset, d.offset);
    set(shared.length, d.length);
    set(shared.more, d.more);
    set(shared.port, d.port);
    set(shared.timestamp, d.timestamp);
    set(shared.given, d.given);
    __atomic_store_n(&shared.turn, at + 1, __ATOMIC_RELEASE);
  }

  static constexpr uint32_t kAhead = 16;

  ShmDescriptor* const ring_;
  const uint32_t mask_, first_at_;
  uint32_t at_;
  ShmDescriptor first_;
};

struct ShmLayout {
  static constexpr uint32_t kBuffer = 1920;                  // bytes that are lent at a time
  static constexpr uint32_t kMaxEntries = 1u << 16;          // of a ring
  static constexpr uint32_t kMaxOpenings = 0xffff;           // none is kNoOpening
  static constexpr uint64_t kMaxMemory = uint64_t{1} << 31;  // bytes of packets

  uint32_t entries = 1024;  // of each ring; a power of two
  uint32_t openings = 64;   // at a time, at most
  uint64_t memory = 0;      // bytes of packets

  bool valid() const {
    return std::has_single_bit(entries) && entries <= kMaxEntries && openings > 0 &&
           openings <= kMaxOpenings && memory >= kBuffer && memory <= kMaxMemory;
  }
  size_t rx_descriptors() const { return 1024; }
  size_t tx_descriptors() const { return rx_descriptors() + entries * sizeof(ShmDescriptor); }
  size_t fill_offsets() const { return tx_descriptors() + entries * sizeof(ShmDescriptor); }
  size_t left_counts() const { return fill_offsets() + entries * sizeof(uint32_t); }
  size_t packets() const { return (left_counts() + openings * sizeof(uint32_t) + 4095) / 4096 * 4096; }
  size_t size() const { return (packets() + memory + 4095) / 4096 * 4096; }
};
static_assert(sizeof(ShmControl) <= 1024);

}  // namespace weft
