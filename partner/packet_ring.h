// SPDX-License-Identifier: Apache-2.0
// PacketRing: the receive ring of a packet socket (TPACKET_V2), whose frames
// become packets without a copy.
//
// The kernel fills frames in order and stops at the first that is not its own.  So
// a packet that stays (in a queue, waiting for a neighbour or for its other
// fragments) would stop the whole interface once the ring has gone round.
// Therefore take() looks half a ring ahead, and a frame still held there is
// moved: its bytes are copied into a slot (Pool::bytes_copied() counts it) and the
// frame goes back.  In forwarding this never happens.
//
// A packet whose bytes are shared (clone, overlay) is not moved.  Who keeps a plain
// pointer into a packet from one pull() to the next must therefore share it.
//
// Threads: create and drop from the control thread, the rest from one worker.
// Invariants: a frame is the kernel's, or waits at front(), or is held by at least
//   one Seg.  The ring's memory lives until the last Seg has let go, even when
//   the ring was dropped before.
#pragma once

#include <linux/if_packet.h>

#include <memory>
#include <vector>

#include "base/result.h"
#include "partner/pool.h"

namespace weft {

class PacketRing {
 public:
  // Frames look like slots: 64 bytes of the kernel's, then headroom, then data at
  // the same offset, so that a packet of an MTU of 1500 fits and can be moved into
  // one slot.  As with slots, a power of two would let the cache sets alias.
  static constexpr uint32_t kFrame = uint32_t{Packet::kStride};
  static constexpr uint32_t kDataOffset = sizeof(Packet) + Packet::kHeadroom;
  static constexpr uint32_t kWindowOffset = sizeof(Packet) + Packet::kReserved;
  static constexpr uint32_t kBlock = 65536;
  static constexpr uint32_t kFramesPerBlock = kBlock / kFrame;

  struct Abandon {
    void operator()(PacketRing* ring) const noexcept;
  };
  using Ptr = std::unique_ptr<PacketRing, Abandon>;

  // Gives `socket` (unbound, of version TPACKET_V2) a ring of at least `frames`.
  // Packets come from `pool`, which must outlive the ring but not its frames.
  // Errors: kNoMemory, kIo.
  static Result<Ptr> create(int socket, uint32_t frames, Pool& pool);

  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  // The frame that the kernel filled next; null when there is none.
  tpacket2_hdr* front() const {
    if (is_held_[at_]) return nullptr;  // once round: filled, but seen before
    tpacket2_hdr* header = frames_[at_].header;
    const uint32_t status = __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
    return (status & TP_STATUS_USER) ? header : nullptr;
  }
  // The packet in front(), with all headroom that the frame has.  Empty when the
  // pool is exhausted: the frame then stays at the front.
  // REQUIRES: front(), and its bytes lie behind kWindowOffset and within kFrame
  PacketPtr take();
  // Gives front() back to the kernel.  REQUIRES: front()
  void skip();
  // Has the frame `distance` behind front() fetched into the cache.
  void prefetch(uint32_t distance) const;
  // Moves the packet that was taken last, if it is still held: as long as it is,
  // the kernel reports the socket as readable.
  void settle_last();

  uint32_t frames() const { return uint32_t(frames_.size()); }
  uint32_t held() const { return held_; }  // frames that Segs window

 private:
  struct Frame : Foreign {
    PacketRing* ring;
    tpacket2_hdr* header;
    Packet* packet;  // what take() made; says nothing once references is not 1
  };

  explicit PacketRing(Pool& pool) : pool_(pool) {}
  ~PacketRing();
  static void released(Foreign* foreign);
  void advance() { at_ = at_ + 1 == frames() ? 0 : at_ + 1; }
  uint32_t ahead(uint32_t n) const { return at_ + n < frames() ? at_ + n : at_ + n - frames(); }
  void move_out(Frame& frame);

  Pool& pool_;
  uint8_t* mapping_ = nullptr;
  size_t mapping_size_ = 0;
  std::vector<Frame> frames_;
  std::vector<uint8_t> is_held_;  // by frame; apart, so that looking ahead stays in the cache
  uint32_t at_ = 0;
  uint32_t held_ = 0;
  bool abandoned_ = false;
};

}  // namespace weft
