// SPDX-License-Identifier: Apache-2.0
// Ip6Forward: the stage where a cut-through path turns from its near side to its far
// side, as a router does.  (RFC 8200 sections 3 to 5; RFC 4291 section 2.5.)
//
// A packet comes with the next hop that the demux found.  When the path was chosen by
// other fields than the route, its device is where the packet goes, and the route is
// only asked for a gateway there.
//
// Every verdict is a drop reason, with the clause beside the check.  Where the RFCs
// leave a choice this does as Linux does, down to the bytes and the order of checks.
// Deliberately stricter: a link-local destination is not sent back onto its link, the
// unspecified address is no destination, and a payload length of 0 with a hop-by-hop
// header is refused.
//
// Threads: the path's worker.
#pragma once

#include "modules/forward_stage.h"
#include "modules/ip6_stage.h"

namespace weft {

class Ip6Forward final : public ForwardStage<Ip6Stage> {
 public:
  using ForwardStage::ForwardStage;

  void deliver(Dir dir, Pvec& v) override;

 private:
  // The common case, in place.  False when anything is out of the ordinary; the packet
  // is then untouched.
  bool forward_plain(Packet& p) const;
  void forward(PacketPtr p, Pvec& out);
  // From the route on.
  void send_on(PacketPtr p, Pvec& out);

  uint32_t mtu(const NextHop& hop) const;
};

}  // namespace weft
