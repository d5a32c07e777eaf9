// SPDX-License-Identifier: Apache-2.0
// ip6: IPv6.  (RFC 8200; RFC 4291; RFC 4443.)
//
//   eth0/ip6 -> eth1                        forwards what the routing table sends that way
//   eth0/ip6 (src=2001:db8::/32) -> eth1    forwards what matches
//   eth0/ip6                                what came for the node, or leads nowhere
//   eth0/ip6/udp (dstport=7)                what came for the node, under a transport
//   ... -> eth1/ip6 (hop=9)                 rewrites what another ip6 forwards
//   ... -> eth1/ip6/udp (dst=fd00::9, dstport=7)   puts headers on
//
// Attributes of a near side speak of packets as they come in, and what the path sends
// back has source and destination exchanged; those of a far side speak of packets as
// they go out.
//   src, dst    address or prefix.  Without dst a path that is not cut through takes
//               what is addressed to the node; dst=::/0 takes anything
//   proto       number of the protocol behind the extension headers, 0..255
//   hop, class  hop limit and traffic class of packets that are sent
//
// Going up, the header and its extensions come off, stay in front of `data`, and
// Packet::kHeaders says so.  Going down, a packet is addressed by the path's attributes,
// or else by the headers in front of it: given back as it came, it returns to its
// sender.  A packet with kOrigin begins at a complete IPv6 header of its own.
//
// Fragments for the node are put together, and take the path of what they become.  What
// is larger than its link takes is sent in fragments.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/host.h"
#include "modules/reassembly.h"
#include "paths/module.h"
#include "paths/sorter.h"

namespace weft {

class Ip6Module final : public Module {
 public:
  // What is given outlives the module.  `sorter` finds paths for packets that were put
  // together from fragments.
  Ip6Module(IpNode& node, Host& host, Reassembly& reassembly, Sorter& sorter)
      : node_(node), host_(host), reassembly_(reassembly), sorter_(sorter) {}

  std::string_view name() const override { return "ip6"; }
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
