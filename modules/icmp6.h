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

#include "modules/icmp_stage.h"
#include "modules/neighbours.h"

namespace weft {

class Icmp6Module final : public IcmpModuleBase {
 public:
  // What is given outlives the module.
  Icmp6Module(IpNode& node, Neighbours& neighbours) : node_(node), neighbours_(neighbours) {}

  std::string_view name() const override { return "icmp6"; }

 private:
  std::string_view below() const override { return "ip6"; }
  std::unique_ptr<Stage> make_stage(const StageContext& context, bool answers) override;

  IpNode& node_;
  Neighbours& neighbours_;
};

}  // namespace weft
