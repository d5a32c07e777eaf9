// SPDX-License-Identifier: Apache-2.0
// IpForward: the stage where a cut-through path turns from its near side to its far
// side, as a router does.  (RFC 1812 section 5.)
//
// A packet comes with the next hop that the demux found.  When the path was chosen by
// other fields than the route, its device is where the packet goes, and the route is
// only asked for a gateway there.
//
// Every verdict is a drop reason, with the clause beside the check.  Where the RFCs
// leave a choice this does as Linux does, down to the bytes.
//
// Threads: the path's worker.
#pragma once

#include "modules/forward_stage.h"
#include "modules/ip_options.h"
#include "modules/ip_stage.h"

namespace weft {

class IpForward final : public ForwardStage<IpStage> {
 public:
  using ForwardStage::ForwardStage;

  void deliver(Dir dir, Pvec& v) override;

 private:
  class Plain;

  // The whole of RFC 1812.
  void forward(PacketPtr p, Pvec& out);
  // From the route on.
  void send_on(PacketPtr p, const Ip4Options& options, Pvec& out);

  uint32_t mtu(const NextHop& hop) const;
};

}  // namespace weft
