// SPDX-License-Identifier: Apache-2.0
// ip: IPv4.  (RFC 791; RFC 1122 section 3; RFC 1812 sections 4 and 5.)
//
//   eth0/ip -> eth1                   forwards what the routing table sends that way
//   eth0/ip (src=10.0.0.0/8) -> eth1  forwards what matches
//   eth0/ip                           what came for the node, or leads nowhere
//   eth0/ip/udp (dstport=7)           what came for the node, under a transport
//   ... -> eth1/ip (ttl=9)            rewrites what another ip forwards
//   ... -> eth1/ip/udp (dst=10.0.0.9, dstport=7)   puts headers on
//
// Attributes of a near side speak of packets as they come in, and what the path sends
// back has source and destination exchanged; those of a far side speak of packets as
// they go out.
//   src, dst  address or prefix.  Without dst a path that is not cut through takes
//             what is addressed to the node; dst=0.0.0.0/0 takes anything
//   proto     number of the protocol that is carried, 0..255
//   ttl, tos  of packets that are sent
//
// Going up, the header comes off, stays in front of `data`, and Packet::kHeaders says
// so.  Going down, a packet is addressed by the path's attributes, or else by the
// headers in front of it: given back as it came, it returns to its sender.  A packet
// with kOrigin begins at a complete IP header of its own.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/host.h"
#include "modules/reassembly.h"
#include "paths/module.h"
#include "paths/sorter.h"

namespace weft {

class IpModule final : public Module {
 public:
  // What is given outlives the module.  `sorter` finds paths for packets that were put
  // together from fragments.
  IpModule(IpNode& node, Host& host, Reassembly& reassembly, Sorter& sorter)
      : node_(node), host_(host), reassembly_(reassembly), sorter_(sorter) {}

  std::string_view name() const override { return "ip"; }
  std::span<const std::string_view> attributes() const override;
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override;
  Result<void> refine(const StageContext& context, DemuxKey& key) override;
  Result<void> aim(const StageContext& context, const StageContext& to, Aim& aim) override;

 private:
  IpNode& node_;
  Host& host_;
  Reassembly& reassembly_;
  Sorter& sorter_;
};

}  // namespace weft
