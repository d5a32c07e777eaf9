// SPDX-License-Identifier: Apache-2.0
#include "partner/packet_ring.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace weft {

static_assert(sizeof(tpacket2_hdr) <= sizeof(Packet));
static_assert(PacketRing::kFrame % TPACKET_ALIGNMENT == 0);
static_assert(PacketRing::kFrame - PacketRing::kWindowOffset <= Packet::kRoom - Packet::kReserved);

void PacketRing::Abandon::operator()(PacketRing* ring) const noexcept {
  if (ring->held_ == 0) {
    delete ring;
  } else {
    ring->abandoned_ = true;
  }
}

PacketRing::~PacketRing() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_size_);
}

Result<PacketRing::Ptr> PacketRing::create(int socket, uint32_t frames, Pool& pool) {
  const uint32_t blocks = (frames + kFramesPerBlock - 1) / kFramesPerBlock;
  tpacket_req wish{};
  wish.tp_block_size = kBlock;
  wish.tp_block_nr = blocks;
  wish.tp_frame_size = kFrame;
  wish.tp_frame_nr = blocks * kFramesPerBlock;
  if (::setsockopt(socket, SOL_PACKET, PACKET_RX_RING, &wish, sizeof wish) < 0) {
    return system_error("no receive ring of " + std::to_string(wish.tp_frame_nr) + " frames", errno);
  }
  Ptr ring(new PacketRing(pool));
  const size_t size = size_t{blocks} * kBlock;
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, socket, 0);
  if (at == MAP_FAILED) return system_error("cannot map the receive ring", errno);
  ring->mapping_ = static_cast<uint8_t*>(at);
  ring->mapping_size_ = size;
  ring->frames_.resize(wish.tp_frame_nr);
  ring->is_held_.resize(wish.tp_frame_nr);
  for (uint32_t i = 0; i < wish.tp_frame_nr; ++i) {
    Frame& frame = ring->frames_[i];
    uint8_t* start = ring->mapping_ + size_t{i / kFramesPerBlock} * kBlock + i % kFramesPerBlock * kFrame;
    frame.release = released;
    frame.writable = true;
    frame.ring = ring.get();
    frame.header = reinterpret_cast<tpacket2_hdr*>(start);
  }
  return ring;
}

PacketPtr PacketRing::take() {
  Frame& frame = frames_[at_];
  auto* start = reinterpret_cast<uint8_t*>(frame.header);
  PacketPtr p = pool_.attach(frame, start + frame.header->tp_mac, frame.header->tp_snaplen);
  if (!p) return p;
  p->second_line().window = start + kWindowOffset;
  frame.packet = p.get();
  is_held_[at_] = 1;
  ++held_;
  const uint32_t far = ahead(frames() / 2);
  if (is_held_[far]) move_out(frames_[far]);
  advance();
  return p;
}

void PacketRing::skip() {
  __atomic_store_n(&frames_[at_].header->tp_status, uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
  advance();
}

void PacketRing::prefetch(uint32_t distance) const {
  const auto* start = reinterpret_cast<const uint8_t*>(frames_[ahead(distance)].header);
  __builtin_prefetch(start);
  __builtin_prefetch(start + kDataOffset - 1);  // the virtio-net header
  __builtin_prefetch(start + kDataOffset);
}

void PacketRing::settle_last() {
  const uint32_t last = at_ == 0 ? frames() - 1 : at_ - 1;
  if (is_held_[last]) move_out(frames_[last]);
}

// Called once, when the last Seg that windowed the frame has let go.
void PacketRing::released(Foreign* foreign) {
  auto* frame = static_cast<Frame*>(foreign);
  PacketRing* ring = frame->ring;
  __atomic_store_n(&frame->header->tp_status, uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
  ring->is_held_[size_t(frame - ring->frames_.data())] = 0;
  if (--ring->held_ == 0 && ring->abandoned_) delete ring;
}

// Nothing but `packet` may window the frame: the other Segs of a shared one cannot be found.
void PacketRing::move_out(Frame& frame) {
  Packet* p = frame.packet;
  if (frame.references != 1 || (p->flags & Packet::kForeign) == 0 || p->foreign != &frame) return;
  PacketPtr slot = pool_.alloc();
  if (!slot) return;
  uint8_t* window = p->window();
  uint8_t* moved = slot->room() + Packet::kReserved;
  const size_t used = size_t(p->data - window) + p->length;
  std::memcpy(moved, window, used);
  pool_.count_copy(used);
  p->data = moved + (p->data - window);
  p->second_line().window = moved;
  p->flags = uint16_t((p->flags & ~Packet::kForeign) | Packet::kShares);
  p->owner = slot.release();
  frame.references = 0;
  released(&frame);
}

}  // namespace weft
