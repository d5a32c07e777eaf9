// SPDX-License-Identifier: Apache-2.0
// ShmRing: the node's end of rings in memory that it shares with another process, which it
// does not trust.
//
// One set of rings carries all openings.  push() copies packets to the other process, pull()
// copies its packets into the node's pool, and marks each with its opening: Packet::next_hop
// is the Opening's id.  (It is the word of the mark that an EE's packets bear.)
//
// What the other process writes is read once, into memory of the node's own, checked, and never
// read again; the node's own counts are never read back.  Nothing there is followed as a
// pointer.  What is wrong is skipped and counted in faults().
//
// Threads: as Partner; the openings are the control thread's while the worker stands.
// Time: one copy for each byte; enters the kernel once per Pvec, when the other side sleeps.
#pragma once

#include <array>
#include <vector>

#include "partner/partner.h"
#include "partner/pool.h"
#include "partner/shm_memory.h"
#include "partner/sleeper.h"

namespace weft {

class ShmRing final : public Partner, public Sleeper {
 public:
  static constexpr size_t kMaxLength = 65535;  // of a packet, bytes

  // `pool` is where the other process's packets are copied to; it outlives the ring.
  ShmRing(ShmMemory memory, Pool& pool) : memory_(std::move(memory)), pool_(pool) {}

  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  // Takes packets for which buffers were lent.
  void push(Opening which, Pvec& v) override;
  // Whether there is something to pull.
  bool offers() const { return turn_has_come(tx_descriptor(tx_), tx_); }
  // Gives packets of all openings, those that are closed too, in their order.
  void pull(Opening which, Pvec& v, size_t max) override { pull(which, v, max, UINT64_MAX); }
  // The same, of at most so many slots of the pool.
  void pull(Opening which, Pvec& v, size_t max, uint64_t slots);
  Result<Reply> control(Opening which, const Request& request) override;

  // So many packets of the opening have left the queue that they went to.  On the worker.
  void tell_left(Opening which, uint32_t packets);

  // Sleeper: whether it may.
  bool falls_asleep() override;
  void wakes() override;

  uint32_t entries() const { return memory_.layout().entries; }
  int poll_fd() const { return memory_.bell(); }
  const PartnerStats& stats() const { return stats_; }
  // Descriptors, offsets and counts of the other process that were not as they must be.
  uint64_t faults() const { return faults_.value(); }

  // The index of an opening among those that are open; its other half tells it from those
  // that were.
  static uint16_t index(Opening which) { return uint16_t(which.id); }

 private:
  static constexpr uint32_t kMaxPieces = 64;  // of one packet
  static constexpr uint32_t kMaxBuffers = kMaxLength / ShmLayout::kBuffer + 1;
  static constexpr uint32_t kAhead = 8;  // buffers of which the memory is asked for in time

  struct Piece {
    uint32_t offset, length;
  };
  // A packet that the other process offers.
  struct Offer {
    uint32_t opening;
    uint32_t entries;  // of the ring
    uint32_t given;    // with it, it says
    uint32_t length;   // of all pieces
    uint32_t first;    // of its pieces, in pieces_
    uint32_t pieces;   // 0: it is none that may be taken
  };
  // Of the buffers that were lent, those that were read and checked, oldest first.  What stands
  // behind the end is good for a prefetch, whatever it is.
  struct Buffers {
    static constexpr uint32_t kMost = Pvec::kCapacity + kMaxBuffers;
    std::array<uint32_t, kMost + kAhead> offsets{};
    uint32_t first = 0, end = 0;
    uint32_t size() const { return end - first; }
  };

  bool is_open(Opening which) const { return index(which) < open_.size() && open_[index(which)] == which; }
  const ShmDescriptor& tx_descriptor(uint32_t at) const {
    return memory_.tx_descriptors()[at & (memory_.layout().entries - 1)];
  }
  bool may_be_read(const ShmDescriptor& d) const;
  bool look(uint32_t at, uint32_t limit, uint32_t first_piece, Offer* offer);
  void look_at_rest(uint32_t at, uint32_t limit, Offer* offer);
  size_t look_ahead(Offer* offers, size_t max);
  PacketPtr copy_in(const Offer& offer);
  bool copy_pieces_in(const Offer& offer, Packet* whole);
  void take_buffers();
  uint32_t next_buffer();
  bool copy_out(Opening which, const Packet& p, uint32_t length, ShmWriter& rx);
  void copy_pieces_out(Opening which, const Packet& p, uint32_t length, ShmWriter& rx);

  ShmMemory memory_;
  Pool& pool_;
  std::vector<Opening> open_;          // by index; kNoOpening where none is
  std::vector<uint16_t> generations_;  // of these
  std::vector<uint16_t> free_;         // indices
  // The node's own counts.
  uint32_t rx_ = 0, tx_ = 0, fill_ = 0;
  uint32_t lent_ = 0;  // the other process's count, as it was read last
  Buffers buffers_;
  std::array<Piece, 4 * kMaxPieces> pieces_;  // of the packets that are looked at
  PartnerStats stats_;
  Counter faults_;
};

}  // namespace weft
