// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6.h"

#include <algorithm>

#include "modules/attributes.h"
#include "modules/ip6_forward.h"
#include "modules/ip6_header.h"
#include "modules/ip6_local.h"
#include "modules/ip6_rewrite.h"

namespace weft {

namespace {

constexpr std::string_view kAttributes[] = {"src", "dst", "proto", "hop", "class"};

// What the attributes of one side say.
struct Ip6Attributes {
  std::optional<Prefix> src, dst;
  std::optional<uint32_t> protocol, hop, traffic_class;

  bool filters() const { return src || dst || protocol; }
};

// The protocol number of a module that stands on ip6.
std::optional<uint32_t> protocol_of(std::string_view module) {
  if (module == "icmp6") return ip6::kIcmp;
  if (module == "udp") return ip6::kUdp;
  if (module == "pan") return 253;  // RFC 3692: for experiments
  return std::nullopt;
}

Result<Ip6Attributes> read_attributes(const StageContext& context) {
  Ip6Attributes a;
  auto src = prefix_attribute(context, "src", 6);
  if (!src) return src.error();
  auto dst = prefix_attribute(context, "dst", 6);
  if (!dst) return dst.error();
  auto protocol = number_attribute(context, "proto", 0, 255);
  if (!protocol) return protocol.error();
  auto hop = number_attribute(context, "hop", 1, 255);
  if (!hop) return hop.error();
  auto traffic_class = number_attribute(context, "class", 0, 255);
  if (!traffic_class) return traffic_class.error();
  a = {*src, *dst, *protocol, *hop, *traffic_class};
  if (context.top()) return a;

  const auto above = protocol_of(context.above());
  if (above && a.protocol && *above != *a.protocol) {
    return context.attribute_error(*context.side.find("proto"),
                                   std::string(context.above()) + " is protocol " + std::to_string(*above));
  }
  if (above) a.protocol = above;
  if (!a.protocol) {
    return context.chain_error("ip6 does not know the protocol number of '" + std::string(context.above()) +
                               "'; add (proto=NUMBER)");
  }
  return a;
}

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

Ip6Ends ends(const StageContext& context, const Ip6Attributes& a) {
  const bool near = context.near_side();
  const auto& ours = near ? a.dst : a.src;
  const auto& theirs = near ? a.src : a.dst;
  Ip6Ends e;
  // RFC 4291 section 2.7: a group is never a source.
  if (ours && ours->host() && !ip6::is_multicast(ours->address.data())) e.ours = ours->address;
  if (theirs && theirs->host()) e.theirs = theirs->address;
  if (a.protocol) e.protocol = uint8_t(*a.protocol);
  e.hop_limit = uint8_t(a.hop.value_or(ip6::kDefaultHopLimit));
  e.traffic_class = uint8_t(a.traffic_class.value_or(0));
  e.any_destination = near && a.dst.has_value();
  return e;
}

}  // namespace

std::span<const std::string_view> Ip6Module::attributes() const { return kAttributes; }

Result<std::unique_ptr<Stage>> Ip6Module::create(const StageContext& context) {
  if (context.below() != "eth" && context.position != 1) {
    return context.chain_error("ip6 stands on eth or right on a partner, not on '" +
                               std::string(context.below()) + "'");
  }
  auto read = read_attributes(context);
  if (!read) return read.error();
  const Ip6Attributes& a = *read;

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
    return std::unique_ptr<Stage>(std::make_unique<Ip6Rewrite>(node_, a.hop, a.traffic_class));
  }
  return std::unique_ptr<Stage>(
      std::make_unique<Ip6Local>(node_, host_, context.device, context.up(), ends(context, a)));
}

Result<void> Ip6Module::refine(const StageContext& context, DemuxKey& key) {
  auto read = read_attributes(context);
  if (!read) return read.error();
  const Ip6Attributes& a = *read;
  key.any_protocol = false;
  key.link_protocol = ip6::kLinkProtocol;
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

}  // namespace weft
