// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_stage.h"

#include "modules/ip4_header.h"
#include "modules/ip_fragment.h"
#include "modules/packet_edit.h"

namespace weft {

void IpStage::refuse(PacketPtr p, const icmp4::Error& what, DropReason reason) {
  PacketPtr error = make_icmp4_error(node_, *p, what);
  if (error) host_.send_from(path(), std::move(error));
  drop(std::move(p), reason);
}

void IpStage::refuse_route(PacketPtr p, NextHop::Kind kind) {
  switch (kind) {
    case NextHop::kNoRoute:
      return refuse(std::move(p), icmp4::kNetUnreachable, DropReason::kNoRoute);
    case NextHop::kUnreachable:
      return refuse(std::move(p), icmp4::kHostUnreachable, DropReason::kNoRoute);
    case NextHop::kProhibit:
      return refuse(std::move(p), icmp4::kProhibited, DropReason::kProhibited);
    case NextHop::kBlackhole:
      return drop(std::move(p), DropReason::kProhibited);
    case NextHop::kKernel: {
      const bool heard = node_.fib.kernel_hears(p->in_port);
      return drop(std::move(p), heard ? DropReason::kForKernel : DropReason::kNoPath);
    }
    case NextHop::kLocal:
    case NextHop::kForward:
    case NextHop::kResolve:
      return drop(std::move(p), DropReason::kNoPath);
  }
}

void IpStage::fragment(Dir dir, PacketPtr p, uint32_t mtu, Pvec& out) {
  Ip4Fragmenter cut(node_.pool, *p, mtu);
  if (!cut.fits_pool()) return drop(std::move(p), DropReason::kPoolExhausted);
  path().count_made(cut.count() - 1);
  while (PacketPtr piece = cut.next()) append(dir, std::move(piece), out);
}

bool segments_fit(const Packet& p, uint32_t mtu) {
  if (!(p.flags & Packet::kOffload) || p.offload().segment_size == 0) return false;
  const uint32_t header = ip4::header_length(p.data);
  uint32_t transport = 8;
  if (p.data[ip4::kProtocol] == ip4::kTcp) {
    uint8_t data_offset;
    if (read_bytes(p, header + 12, &data_offset, 1) != 1) return false;
    transport = (data_offset >> 4) * 4u;
  }
  return header + transport + p.offload().segment_size <= mtu;
}

}  // namespace weft
