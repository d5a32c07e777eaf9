// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_stage.h"

#include "modules/ip6_header.h"
#include "modules/packet_edit.h"

namespace weft {

void Ip6Stage::refuse(PacketPtr p, const icmp6::Error& what, DropReason reason) {
  PacketPtr error = make_icmp6_error(node_, *p, what);
  if (error) host_.send_from(path(), std::move(error));
  drop(std::move(p), reason);
}

void Ip6Stage::refuse(PacketPtr p, const Ip6Problem& problem) {
  if (problem.tell) return refuse(std::move(p), problem.what, problem.reason);
  drop(std::move(p), problem.reason);
}

void Ip6Stage::refuse_route(PacketPtr p, NextHop::Kind kind) {
  switch (kind) {
    case NextHop::kNoRoute:
      return refuse(std::move(p), icmp6::kNoRoute, DropReason::kNoRoute);
    case NextHop::kUnreachable:
      // None of RFC 4443's codes was made for this; Linux says "no route".
      return refuse(std::move(p), icmp6::kNoRoute, DropReason::kNoRoute);
    case NextHop::kProhibit:
      return refuse(std::move(p), icmp6::kProhibited, DropReason::kProhibited);
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

bool ip6_segments_fit(const Packet& p, uint32_t mtu) {
  if (!(p.flags & Packet::kOffload) || p.offload().segment_size == 0) return false;
  const Ip6Upper upper = find_ip6_upper(p);
  uint32_t transport = 8;
  if (upper.protocol == ip6::kTcp) {
    uint8_t data_offset;
    if (read_bytes(p, upper.offset + 12, &data_offset, 1) != 1) return false;
    transport = (data_offset >> 4) * 4u;
  }
  return upper.whole && upper.offset + transport + p.offload().segment_size <= mtu;
}

}  // namespace weft
