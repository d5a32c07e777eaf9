// SPDX-License-Identifier: Apache-2.0
// arp: address resolution on Ethernet.  (RFC 826; RFC 5227.)
//
//   eth0/arp    answers requests for the node's addresses on eth0, and tells the
//               control thread what it hears
//
// ARP has its addresses in the frame, so this module reads and writes whole frames and
// has no eth beneath it.  A reply is the request, rewritten and turned round.  What
// comes down from the far end is sent as it is: a request from arp_request().
//
// Addresses that the kernel of this machine answers for are left to it.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/host.h"
#include "modules/neighbours.h"
#include "paths/module.h"

namespace weft {

class ArpModule final : public Module {
 public:
  // What is given outlives the module.
  ArpModule(IpNode& node, Neighbours& neighbours) : node_(node), neighbours_(neighbours) {}

  std::string_view name() const override { return "arp"; }
  bool reads_frames() const override { return true; }
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override;
  Result<void> refine(const StageContext& context, DemuxKey& key) override;

 private:
  IpNode& node_;
  Neighbours& neighbours_;
};

// A frame that asks, on a port with address `mac`, who has `target`; to be pushed into
// the far end of "PORT/arp".  `source` is the node's address there, zero when it has
// none (RFC 5227: a probe).  `known` is who had it before, asked alone (RFC 1122 section
// 2.3.2.1); null: everyone is asked.  Empty when the pool is exhausted.  Worker only.
PacketPtr arp_request(Pool& pool, const MacAddress& mac, const Address& source, const Address& target,
                      const MacAddress* known = nullptr);

}  // namespace weft
