// SPDX-License-Identifier: Apache-2.0
// AfPacket: a network interface of the kernel, through a packet socket.
//
// Receives through a TPACKET_V2 ring without a copy (V3 gathers blocks behind a
// timer and costs a millisecond of latency); sends with one sendmmsg per Pvec.
// With PACKET_VNET_HDR the super-packets and unfinished checksums that unmodified
// hosts hand to a veth cross as they are, as Packet::kOffload.
//
// A super-packet does not fit a ring frame (2 KB).  The kernel then queues it
// whole beside the ring (PACKET_COPY_THRESH) and pull() reads it into slots, with
// one recvmmsg for all of a Pvec.  Frames of 68 KB would take it without that call,
// but 512 of them are 35 MB of memory and TLB misses per interface, hold a burst of
// only 512 small packets, and leave nothing to move a packet into (packet_ring.h).
// TCP through two of them was no faster.
//
// The kernel sees the same packets: it answers for its own addresses on the
// interface, and does not forward them while ip_forward is 0.
//
// Threads: as Partner.
// Invariants: what the kernel refuses for now stays in the Pvec; what it will never
//   take is dropped, and costs one system call more.
#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "partner/netdev.h"
#include "partner/packet_ring.h"
#include "partner/partner.h"
#include "partner/pool.h"
#include "partner/vnet_header.h"

namespace weft {

class AfPacket final : public Partner {
 public:
  struct Options {
    std::string interface;        // "veth0"
    uint32_t ring_frames = 2048;  // of 2 KB each, 64 .. 65536: bursts that the ring holds
    bool promiscuous = false;     // also frames to other hosts' MACs
    bool offload = true;          // ask for PACKET_VNET_HDR
  };

  // `pool` must outlive the partner.  Touches no device before open().
  // Errors: kInvalid (an option is out of range).
  static Result<std::unique_ptr<AfPacket>> create(Options options, Pool& pool, Clock& clock);
  ~AfPacket() override;

  // One opening at a time; `spec` must be empty.
  // Errors: kInvalid, kBusy (open already), kNotFound ("af_packet eth9: no such
  // interface"), kPermission ("af_packet veth0: needs CAP_NET_RAW"), kUnsupported
  // (not Ethernet), kNoMemory, kIo.
  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;
  void pull(Opening which, Pvec& v, size_t max) override;
  // Frames that the kernel lost because the ring was full are read here, from
  // PACKET_STATISTICS, and counted as kInQueueFull, as are in pull() those that it cut for
  // want of room beside the ring.  The command "refresh": when its interface is gone, it takes the
  // one that has the name now.  Errors: as open().
  Result<Reply> control(Opening which, const Request& request) override;

 private:
  // Slots that the longest packet of the kernel, 64 KB behind tagged headers, needs.
  static constexpr size_t kMaxSegs = 36;
  static constexpr size_t kIovecs = Pvec::kCapacity * (kMaxSegs + 1);

  // What one sendmmsg or recvmmsg is given.
  struct Batch {
    std::array<mmsghdr, Pvec::kCapacity> messages;
    std::array<VnetHeader, Pvec::kCapacity> headers;
    std::array<iovec, kIovecs> iovecs;
  };

  AfPacket(Options options, Pool& pool);
  Error failed(Error error) const;  // with the device's name in front
  Result<void> set_up_socket();
  Result<Netdev> find_device() const;
  Result<void> bind_to(const Netdev& device);
  Result<void> refresh();

  size_t prepare(const Pvec& v);
  bool settle_refusal(Pvec& v, int error, bool& retried);
  PacketPtr take_frame(tpacket2_hdr& header);
  PacketPtr prepare_read(const tpacket2_hdr& header, size_t message, size_t& iovecs);
  void read_queued(std::array<Packet*, Pvec::kCapacity>& packets, size_t count);
  PacketPtr finish(PacketPtr p, const VnetHeader& vnet, uint32_t status, uint16_t tci, uint16_t tpid);
  void quiet();
  PartnerInfo describe() const;
  void read_kernel_drops();

  const Options options_;
  Pool& pool_;
  Opening opening_;
  uint32_t openings_ = 0;
  OwnedFd socket_;
  Netdev device_;
  PacketRing::Ptr ring_;
  bool vnet_ = false;
  std::string reason_;
  uint32_t empty_pulls_ = 0;
  std::unique_ptr<Batch> batch_;  // used within one push or one pull
  // Of each packet that waits beside the ring, in the batch's order.
  struct Queued {
    size_t index;  // in the Pvec to be
    uint32_t length, status;
    uint16_t tci, tpid;
  };
  std::array<Queued, Pvec::kCapacity> queued_;
  PartnerStats stats_;
};

}  // namespace weft
