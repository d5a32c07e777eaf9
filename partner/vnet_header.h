// SPDX-License-Identifier: Apache-2.0
// The header with which Linux describes a packet whose checksum or segmentation
// was left for later, and its translation to and from Offload.
//
// Packet sockets (PACKET_VNET_HDR) and tun/tap (IFF_VNET_HDR) put it in front of
// each packet, in host byte order: section 5.1.6 of virtio 1.2, legacy layout.
//
// Threads: pure functions, but for gather(): the worker that owns the packet.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <cstring>
#include <span>

#include "partner/packet.h"
#include "partner/partner.h"

namespace weft {

// struct virtio_net_hdr (the kernel's linux/virtio_net.h is no C++).
struct VnetHeader {
  static constexpr uint8_t kNeedsChecksum = 1;  // flags
  static constexpr uint8_t kGsoNone = 0;        // gso_type
  static constexpr uint8_t kGsoTcp4 = 1;
  static constexpr uint8_t kGsoTcp6 = 4;
  static constexpr uint8_t kGsoUdp = 5;  // UDP in segments (USO), since Linux 6.2
  static constexpr uint8_t kGsoEcn = 0x80;

  uint8_t flags;
  uint8_t gso_type;
  uint16_t header_length;
  uint16_t segment_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;

  bool complete() const { return (flags & kNeedsChecksum) == 0 && gso_type == kGsoNone; }
};
static_assert(sizeof(VnetHeader) == 10);

enum class VnetVerdict : uint8_t {
  kComplete,  // nothing is left to do: an ordinary packet
  kOffload,   // `offload` says what is left
  kInvalid,   // contradicts the packet, or asks for what Offload cannot say
};

// Reads `header` for a packet of `length` bytes that begins with `front`.
//
// The kernel's header_length is a hint (bytes that lie together), so headers_length is
// found in the packet.  A packet to be segmented is kInvalid unless its outermost
// IP header ends where its checksum starts: a tunnel's outer headers would be
// repeated with a wrong length in each segment.
// REQUIRES: front.size() <= length
VnetVerdict parse_vnet_header(const VnetHeader& header, std::span<const uint8_t> front, uint32_t length,
                              Link link, Offload& offload);

// The header for a packet of `length` bytes with `offload`.
VnetHeader make_vnet_header(const Offload& offload, uint32_t length);

// Gathers `packet`, with its header in front, into `iovecs`; returns the end.  The
// header goes into the packet's headroom where it may (one iovec less is worth
// 20 ns to the kernel), else into `spare`.
// REQUIRES: room for packet.segs + 1 iovecs; `spare` lives as long as they
inline iovec* gather(Packet& packet, VnetHeader& spare, iovec* iovecs) {
  VnetHeader header{};
  if (packet.flags & Packet::kOffload) header = make_vnet_header(packet.offload(), packet.total_length());
  uint8_t* front = packet.data;
  size_t length = packet.length;
  if (packet.headroom() >= sizeof header) {
    front -= sizeof header;
    length += sizeof header;
    std::memcpy(front, &header, sizeof header);
  } else {
    spare = header;
    *iovecs++ = {&spare, sizeof spare};
  }
  *iovecs++ = {front, length};
  for (const Packet* s = packet.next; s != nullptr; s = s->next) *iovecs++ = {s->data, s->length};
  return iovecs;
}

}  // namespace weft
