// SPDX-License-Identifier: Apache-2.0
// IpStage: what the IPv4 stages have in common.
//
// Threads: the path's worker.
#pragma once

#include "modules/host.h"
#include "modules/icmp_error.h"
#include "paths/path.h"
#include "paths/stage.h"

namespace weft {

class IpStage : public Stage {
 protected:
  IpStage(IpNode& node, Host& host) : node_(node), host_(host) {}

  // Says `what` about a packet, if it may be told, and drops it.
  void refuse(PacketPtr p, const icmp4::Error& what, DropReason reason);
  // The same for a next hop that leads nowhere.  (RFC 1812 section 5.2.7.1.)
  void refuse_route(PacketPtr p, NextHop::Kind kind);

  // Puts the fragments of `p` for a link of `mtu` into `out`, which is handed on in
  // `dir` whenever it is full.
  void fragment(Dir dir, PacketPtr p, uint32_t mtu, Pvec& out);

  IpNode& node_;
  Host& host_;
};

// Whether each segment of a super-packet (Packet::kOffload) that begins at its IPv4
// header fits `mtu`.  False when it is not to be cut.
bool segments_fit(const Packet& p, uint32_t mtu);

}  // namespace weft
