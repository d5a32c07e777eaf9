// SPDX-License-Identifier: Apache-2.0
// UdpReceiver: datagrams of a socket become packets.
//
// One recvmmsg per pull(), straight into slots.  Where datagrams may be larger than
// a slot, or UDP_GRO joins several into one, the rest goes to a big buffer, and the
// packets are chains and windows of both: nothing is copied while there are buffers,
// but for the headers of a packet that begins in the last bytes of a slot.
//
// Threads: one at a time.
// Invariants: when pull() gives less than it might, nothing that was received waits.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <optional>

#include "partner/big_buffers.h"
#include "partner/partner.h"
#include "partner/pool.h"

namespace weft {

class UdpReceiver {
 public:
  // Reads `fd`, which stays the caller's.  Datagrams over `largest` bytes are dropped
  // with kTooBig, empty ones with kTooShort.  `joined`: UDP_GRO is on.
  UdpReceiver(int fd, Pool& pool, uint32_t largest, bool joined);
  ~UdpReceiver();
  UdpReceiver(const UdpReceiver&) = delete;
  UdpReceiver& operator=(const UdpReceiver&) = delete;

  // As Partner::pull.
  void pull(Pvec& v, size_t max, PartnerStats& stats);

 private:
  static constexpr uint32_t kSlot = Packet::kRoom - Packet::kHeadroom;
  static constexpr uint32_t kHeaders = 128;                // of a packet that lie in its first Seg
  static constexpr size_t kBuffers = 3 * Pvec::kCapacity;  // one waits behind each slot
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, CMSG_SPACE(sizeof(int))> bytes{};
  };

  bool receive(size_t max);
  size_t post(size_t wanted);
  void accept(size_t i, PartnerStats& stats);
  bool add_rest(size_t i, uint32_t bytes);
  bool copy_rest(Packet& first, const uint8_t* from, uint32_t bytes);
  uint32_t segment_of(msghdr& header) const;
  PacketPtr next_segment(PartnerStats& stats);

  int fd_;
  Pool& pool_;
  uint32_t largest_;
  bool joined_;
  size_t batch_;  // datagrams asked for at once
  std::optional<BigBuffers> buffers_;

  size_t received_ = 0, next_ = 0;  // messages of the latest call, and those accepted
  PacketPtr whole_;                 // the message that is being given away
  uint32_t total_ = 0, offset_ = 0, segment_ = 0;

  std::array<PacketPtr, Pvec::kCapacity> slots_;
  std::array<BigBuffers::Buffer*, Pvec::kCapacity> rests_{};
  std::array<mmsghdr, Pvec::kCapacity> headers_{};
  std::array<Control, Pvec::kCapacity> controls_;
  std::array<std::array<iovec, 2>, Pvec::kCapacity> iovecs_;
};

}  // namespace weft
