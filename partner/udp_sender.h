// SPDX-License-Identifier: Apache-2.0
// UdpSender: packets out of a connected datagram socket, each in a datagram.
//
// One sendmmsg per Pvec, an iovec per Seg.  With UDP_SEGMENT, neighbours of equal
// length (the last may be shorter) travel through the kernel as one message.
//
// A socket that is full leaves the rest refused.  An error of one message kills that
// message, counted: kTooBig, kPartnerDown (the remote or the way to it is not
// there) or kDeviceError; the flow goes on.
//
// Threads: one at a time.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>

#include "partner/offload.h"
#include "partner/partner.h"
#include "partner/pool.h"

namespace weft {

class UdpSender {
 public:
  // Sends on `fd`, which stays the caller's.  `segments`: UDP_SEGMENT may be used.
  UdpSender(int fd, Link link, Pool& pool, bool segments);
  UdpSender(const UdpSender&) = delete;
  UdpSender& operator=(const UdpSender&) = delete;

  // As Partner::push.  Checksums that were left for later are completed, and
  // super-packets cut.  The segments of a super-packet that do not fit the socket
  // die with kPartnerRefused.
  void push(Pvec& v, PartnerStats& stats);

  // Largest packet that is sent by UDP_SEGMENT; 0: none is.  Falls when the system
  // refuses one.
  uint32_t segment_limit() const { return segment_limit_; }

 private:
  static constexpr size_t kMaxSegments = 64;      // per message: UDP_MAX_SEGMENTS of older kernels
  static constexpr uint32_t kMaxMessage = 65000;  // bytes; below 65535 less all headers
  static constexpr size_t kIovecs = 1024;

  // A datagram, or a run of them for UDP_SEGMENT.
  struct Message {
    size_t packets = 0;
    uint32_t bytes = 0;
    uint32_t segment = 0;  // length of the first packet
    bool closed = false;   // a shorter packet ended the run
  };
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))> bytes{};
  };

  void complete_checksums(Pvec& v, PartnerStats& stats);
  void send_cut(PacketPtr super, PartnerStats& stats);
  bool send_some(Pvec& v, PartnerStats& stats);
  size_t gather(const Pvec& v);
  bool joins(const Message& m, uint32_t bytes) const;
  void start_message(mmsghdr& header, iovec* first) const;
  void mark_as_run(size_t message);
  bool handle_error(int error, Pvec& v, PartnerStats& stats);

  int fd_;
  Link link_;
  Pool& pool_;
  Segmenter segmenter_;
  uint32_t segment_limit_;
  std::array<Message, Pvec::kCapacity> messages_;
  std::array<mmsghdr, Pvec::kCapacity> headers_{};
  std::array<Control, Pvec::kCapacity> controls_;
  std::array<iovec, kIovecs> iovecs_;
};

}  // namespace weft
