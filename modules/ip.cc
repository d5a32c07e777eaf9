// SPDX-License-Identifier: Apache-2.0
#include "modules/ip.h"

#include <algorithm>

#include "modules/attributes.h"
#include "modules/ip4_header.h"
#include "modules/ip_attributes.h"
#include "modules/ip_forward.h"
#include "modules/ip_local.h"
#include "modules/ip_rewrite.h"

namespace weft {

namespace {

constexpr std::string_view kAttributes[] = {"src", "dst", "proto", "ttl", "tos"};

bool has_ip(const PathSide& side) {
  return std::any_of(side.chain.begin() + 1, side.chain.end(),
                     [](const ChainLink& l) { return l.name == "ip"; });
}

}  // namespace

std::span<const std::string_view> IpModule::attributes() const { return kAttributes; }

Result<std::unique_ptr<Stage>> IpModule::create(const StageContext& context) {
  if (context.below() != "eth" && context.position != 1) {
    return context.chain_error("ip stands on eth or right on a partner, not on '" +
                               std::string(context.below()) + "'");
  }
  auto read = read_ip_attributes(context);
  if (!read) return read.error();
  const IpAttributes& a = *read;

  if (context.spec.cut() && context.near_side()) {
    for (const char* name : {"ttl", "tos"}) {
      const Attribute* attribute = context.side.find(name);
      if (attribute == nullptr) continue;
      return context.attribute_error(
          *attribute, "'" + attribute->name + "' is for packets that are sent: write it behind the '->'");
    }
    const bool by_fields = a.filters();
    return std::unique_ptr<Stage>(
        std::make_unique<IpForward>(node_, host_, *context.other_device, by_fields));
  }
  if (context.spec.cut() && has_ip(context.spec.near)) {
    for (const char* name : {"src", "dst", "proto"}) {
      const Attribute* attribute = context.side.find(name);
      if (attribute == nullptr) continue;
      return context.attribute_error(
          *attribute, "'" + attribute->name + "' of a forwarded packet is not changed; only ttl and tos are");
    }
    return std::unique_ptr<Stage>(std::make_unique<IpRewrite>(node_, a.ttl, a.tos));
  }
  auto ends = read_ip_ends(context);
  if (!ends) return ends.error();
  return std::unique_ptr<Stage>(
      std::make_unique<IpLocal>(node_, host_, reassembly_, sorter_, context.device, context.up(), *ends));
}

Result<void> IpModule::refine(const StageContext& context, DemuxKey& key) {
  auto read = read_ip_attributes(context);
  if (!read) return read.error();
  const IpAttributes& a = *read;
  key.any_protocol = false;
  key.link_protocol = ip4::kLinkProtocol;
  key.leaves = PayloadMatch::kTransport;
  if (context.top() && !a.filters()) {
    key.shape = context.spec.cut() ? DemuxKey::kRoute : DemuxKey::kLink;
    return {};
  }
  key.shape = DemuxKey::kNarrow;
  key.narrow.in_port = key.in_port;
  key.narrow_mask.in_port = 0xffff;
  if (a.src) fill_prefix(*a.src, key.narrow.source, key.narrow_mask.source);
  if (a.dst) fill_prefix(*a.dst, key.narrow.destination, key.narrow_mask.destination);
  if (a.protocol) {
    key.narrow.protocol = uint8_t(*a.protocol);
    key.narrow_mask.protocol = 0xff;
  }
  if (!a.dst && !context.spec.cut()) key.narrow.local = key.narrow_mask.local = 1;
  return {};
}

Result<void> IpModule::aim(const StageContext& context, const StageContext& to, Aim& aim) {
  return aim_ip(node_, context, to, aim);
}

}  // namespace weft
