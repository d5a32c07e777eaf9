// SPDX-License-Identifier: Apache-2.0
// pan: packets that are PAN capsules.  (PAN, section 4.9.3.)
//
//   udp0/pan                          on a raw link: packets whose first nibble is 0
//   eth0/ip/pan (src=10.0.0.2)        right on IP, protocol 253 (RFC 3692)
//   eth0/ip6/udp/pan (dstport=3322)   in UDP
//
// It narrows the demux and touches no packet: what a capsule is, is the business of
// the execution environment above (pan_ee/).  It reads no attributes.
//
// Threads: modules on the control thread, stages on the worker.
#pragma once

#include "paths/module.h"

namespace weft {

class PanModule final : public Module {
 public:
  std::string_view name() const override { return "pan"; }
  bool finishes_offload() const override { return true; }  // capsules have no checksum that could be left
  Result<std::unique_ptr<Stage>> create(const StageContext& context) override;
  Result<void> refine(const StageContext& context, DemuxKey& key) override;
};

}  // namespace weft
