// SPDX-License-Identifier: Apache-2.0
// Ip6Stage: what the IPv6 stages have in common.
//
// Threads: the path's worker.
#pragma once

#include "modules/host.h"
#include "modules/ip6_extensions.h"
#include "paths/path.h"
#include "paths/stage.h"

namespace weft {

class Ip6Stage : public Stage {
 protected:
  Ip6Stage(IpNode& node, Host& host) : node_(node), host_(host) {}

  // Says `what` about a packet, if it may be told, and drops it.
  void refuse(PacketPtr p, const icmp6::Error& what, DropReason reason);
  void refuse(PacketPtr p, const Ip6Problem& problem);
  // The same for a next hop that leads nowhere.  (RFC 4443 section 3.1.)
  void refuse_route(PacketPtr p, NextHop::Kind kind);

  IpNode& node_;
  Host& host_;
};

// Whether each segment of a super-packet (Packet::kOffload) that begins at its IPv6
// header fits `mtu`.  False when it is not to be cut.
bool ip6_segments_fit(const Packet& p, uint32_t mtu);

}  // namespace weft
