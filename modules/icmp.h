// SPDX-License-Identifier: Apache-2.0
// icmp: ICMP for IPv4.  (RFC 792; RFC 1122 section 3.2.2.)
//
//   eth0/ip/icmp            answers echo requests; everything else goes up
//   eth0/ip/icmp (type=0)   one type of message only, and goes up
//
// A reply is its request, turned round on the path: the payload stays where it is.
// Packets that go down begin at their ICMP header; the checksum is written here.
// Addresses that the kernel of this machine answers for are left to it.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "modules/icmp_stage.h"

namespace weft {

class IcmpModule final : public IcmpModuleBase {
 public:
  // `node` outlives the module.
  explicit IcmpModule(IpNode& node) : node_(node) {}

  std::string_view name() const override { return "icmp"; }

 private:
  std::string_view below() const override { return "ip"; }
  std::unique_ptr<Stage> make_stage(const StageContext& context, bool answers) override;

  IpNode& node_;
};

}  // namespace weft
