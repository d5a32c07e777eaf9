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

#include "modules/host.h"
#include "paths/module.h"

namespace weft {

class IcmpModule final : public Module {
 public:
  // `node` outlives the module.
  explicit IcmpModule(IpNode& node) : node_(node) {}

  std::string_view name() const override { return "icmp"; }
  std::span<const std::string_view> attributes() const override;
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override;
  Result<void> refine(const StageContext& context, DemuxKey& key) override;

 private:
  IpNode& node_;
};

}  // namespace weft
