// SPDX-License-Identifier: Apache-2.0
#include "modules/pan.h"

#include "modules/flow.h"

namespace weft {

namespace {

class PanStage final : public Stage {
 public:
  void deliver(Dir dir, Pvec& v) override { hand_on(dir, v); }
  bool only_hands_on() const override { return true; }
};

}  // namespace

Result<std::unique_ptr<Stage>> PanModule::create(const StageContext& context) {
  if (!context.top()) return context.chain_error("nothing stands on pan: it carries capsules");
  const std::string_view below = context.below();
  const bool on_raw_link = context.position == 1 && context.device.info.link == Link::kRaw;
  if (on_raw_link || below == "ip" || below == "ip6" || below == "udp")
    return std::unique_ptr<Stage>(std::make_unique<PanStage>());
  return context.chain_error("pan stands on ip or ip6, on udp, or right on a partner with a raw link");
}

// On IP and UDP those have said all: the protocol, and the port.
Result<void> PanModule::refine(const StageContext& context, DemuxKey& key) {
  if (context.position != 1) return {};
  key.shape = DemuxKey::kLink;
  key.any_protocol = false;
  key.link_protocol = flow::kCapsule;
  return {};
}

}  // namespace weft
