// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6.h"

#include <algorithm>

#include "modules/ip6_forward.h"
#include "modules/ip6_header.h"
#include "modules/ip6_local.h"
#include "modules/ip6_rewrite.h"
#include "modules/ip_attributes.h"

namespace weft {

namespace {

constexpr std::string_view kAttributes[] = {"src", "dst", "proto", "hop", "class"};

bool has_ip6(const PathSide& side) {
  return std::any_of(side.chain.begin() + 1, side.chain.end(),
                     [](const ChainLink& l) { return l.name == "ip6"; });
}

// An error at the first of these attributes that is there.
std::optional<Error> misplaced(const StageContext& context, std::initializer_list<const char*> names,
                               std::string_view why) {
  for (const char* name : names) {
    const Attribute* attribute = context.side.find(name);
    if (attribute != nullptr)
      return context.attribute_error(*attribute, "'" + attribute->name + "' " + std::string(why));
  }
  return std::nullopt;
}

}  // namespace

std::span<const std::string_view> Ip6Module::attributes() const { return kAttributes; }

Result<std::unique_ptr<Stage>> Ip6Module::create(const StageContext& context) {
  if (context.below() != "eth" && context.position != 1) {
    return context.chain_error("ip6 stands on eth or right on a partner, not on '" +
                               std::string(context.below()) + "'");
  }
  auto read = read_ip_attributes(context);
  if (!read) return read.error();
  const IpAttributes& a = *read;

  if (context.spec.cut() && context.near_side()) {
    if (auto error =
            misplaced(context, {"hop", "class"}, "is for packets that are sent: write it behind the '->'"))
      return *error;
    return std::unique_ptr<Stage>(
        std::make_unique<Ip6Forward>(node_, host_, *context.other_device, a.filters()));
  }
  if (context.spec.cut() && has_ip6(context.spec.near)) {
    if (auto error = misplaced(context, {"src", "dst", "proto"},
                               "of a forwarded packet is not changed; only hop and class are"))
      return *error;
    return std::unique_ptr<Stage>(std::make_unique<Ip6Rewrite>(node_, a.ttl, a.tos));
  }
  auto ends = read_ip_ends(context);
  if (!ends) return ends.error();
  return std::unique_ptr<Stage>(
      std::make_unique<Ip6Local>(node_, host_, reassembly_, sorter_, context.device, context.up(), *ends));
}

Result<void> Ip6Module::refine(const StageContext& context, DemuxKey& key) {
  auto read = read_ip_attributes(context);
  if (!read) return read.error();
  const IpAttributes& a = *read;
  key.any_protocol = false;
  key.link_protocol = ip6::kLinkProtocol;
  key.leaves = PayloadMatch::kTransport;
  if (context.top() && !a.filters()) {
    key.shape = context.spec.cut() ? DemuxKey::kRoute : DemuxKey::kLink;
    return {};
  }
  key.shape = DemuxKey::kWide;
  key.wide.in_port = key.in_port;
  key.wide_mask.in_port = 0xffff;
  if (a.src) fill_prefix(*a.src, key.wide.source, key.wide_mask.source);
  if (a.dst) fill_prefix(*a.dst, key.wide.destination, key.wide_mask.destination);
  if (a.protocol) {
    key.wide.protocol = uint8_t(*a.protocol);
    key.wide_mask.protocol = 0xff;
  }
  if (!a.dst && !context.spec.cut()) key.wide.local = key.wide_mask.local = 1;
  return {};
}

Result<void> Ip6Module::aim(const StageContext& context, const StageContext& to, Aim& aim) {
  return aim_ip(node_, context, to, aim);
}

}  // namespace weft
