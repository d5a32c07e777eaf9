// SPDX-License-Identifier: Apache-2.0
// icmp6: ICMP for IPv6.  (RFC 4443; neighbour discovery: RFC 4861 section 7.)
//
//   eth0/ip6/icmp6              answers echo requests, answers neighbour solicitations for
//                               the node's addresses on eth0, and tells the control thread
//                               what it hears of neighbours; everything else goes up
//   eth0/ip6/icmp6 (type=129)   one type of message only, and goes up
//
// A reply to an echo is its request, turned round on the path: the payload stays where
// it is.  An advertisement is a packet of its own, and goes to the link address that the
// question names, so that no neighbour has to be known to be answered.  Packets that go
// down begin at their ICMPv6 header; ip6 writes the checksum, which covers its addresses.
// What comes down whole is sent as it is: a question from nd::solicitation().
//
// Addresses that the kernel of this machine answers for are left to it.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/host.h"
#include "modules/neighbours.h"
#include "paths/module.h"

namespace weft {

class Icmp6Module final : public Module {
 public:
  // What is given outlives the module.
  Icmp6Module(IpNode& node, Neighbours& neighbours) : node_(node), neighbours_(neighbours) {}

  std::string_view name() const override { return "icmp6"; }
  std::span<const std::string_view> attributes() const override;
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override;
  Result<void> refine(const StageContext& context, DemuxKey& key) override;

 private:
  IpNode& node_;
  Neighbours& neighbours_;
};

}  // namespace weft
