// SPDX-License-Identifier: Apache-2.0
// eth: Ethernet, as one stage of a path.  (RFC 894; IEEE 802.3.)
//
//   eth0/eth/ip        from the device: the header is checked and taken off
//   eth0/eth/ip -> ... to the device: the header of the next hop is put on
//   eth0/eth           on its own: whole frames, of any address, untouched
//
// A packet with kLinkHeader brings its header along: its sender knows the neighbour.
//
// The builder puts it under the modules of Ethernet ports, so nobody has to write it.
// A port without an address of its own (a pcap file) takes frames to anyone.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/host.h"
#include "modules/neighbours.h"
#include "paths/module.h"

namespace weft {

class EthModule final : public Module {
 public:
  static constexpr uint32_t kHeader = 14;

  // What is given outlives the module.
  EthModule(IpNode& node, Neighbours& neighbours, Host& host)
      : node_(node), neighbours_(neighbours), host_(host) {}

  std::string_view name() const override { return "eth"; }
  std::optional<Link> link() const override { return Link::kEthernet; }
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override;
  Result<void> refine(const StageContext& context, DemuxKey& key) override;

 private:
  IpNode& node_;
  Neighbours& neighbours_;
  Host& host_;
};

}  // namespace weft
