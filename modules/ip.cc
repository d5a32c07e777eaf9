// SPDX-License-Identifier: Apache-2.0
#include "modules/ip.h"

#include <algorithm>

#include "modules/attributes.h"
#include "modules/ip4_header.h"
#include "modules/ip_forward.h"
#include "modules/ip_local.h"
#include "modules/ip_rewrite.h"

namespace weft {

namespace {

constexpr std::string_view kAttributes[] = {"src", "dst", "proto", "ttl", "tos"};

// What the attributes of one side say.
struct IpAttributes {
  std::optional<Prefix> src, dst;
  std::optional<uint32_t> protocol, ttl, tos;

  bool filters() const { return src || dst || protocol; }
};

// The protocol number of a module that stands on ip.
std::optional<uint32_t> protocol_of(std::string_view module) {
  if (module == "icmp") return ip4::kIcmp;
  if (module == "udp") return ip4::kUdp;
  if (module == "pan") return 253;  // RFC 3692: for experiments
  return std::nullopt;
}

Result<IpAttributes> read_attributes(const StageContext& context) {
  IpAttributes a;
  auto src = prefix_attribute(context, "src", 4);
  if (!src) return src.error();
  auto dst = prefix_attribute(context, "dst", 4);
  if (!dst) return dst.error();
  auto protocol = number_attribute(context, "proto", 0, 255);
  if (!protocol) return protocol.error();
  auto ttl = number_attribute(context, "ttl", 1, 255);
  if (!ttl) return ttl.error();
  auto tos = number_attribute(context, "tos", 0, 255);
  if (!tos) return tos.error();
  a = {*src, *dst, *protocol, *ttl, *tos};
  if (context.top()) return a;

  const auto above = protocol_of(context.above());
  if (above && a.protocol && *above != *a.protocol) {
    return context.attribute_error(*context.side.find("proto"),
                                   std::string(context.above()) + " is protocol " + std::to_string(*above));
  }
  if (above) a.protocol = above;
  if (!a.protocol) {
    return context.chain_error("ip does not know the protocol number of '" + std::string(context.above()) +
                               "'; add (proto=NUMBER)");
  }
  return a;
}

bool has_ip(const PathSide& side) {
  return std::any_of(side.chain.begin() + 1, side.chain.end(),
                     [](const ChainLink& l) { return l.name == "ip"; });
}

IpEnds ends(const StageContext& context, const IpAttributes& a) {
  const bool near = context.near_side();
  const auto& ours = near ? a.dst : a.src;
  const auto& theirs = near ? a.src : a.dst;
  IpEnds e;
  if (ours && ours->host()) e.ours = load_be32(ours->address.data());
  if (theirs && theirs->host()) e.theirs = load_be32(theirs->address.data());
  e.protocol = uint8_t(a.protocol.value_or(255));
  e.ttl = uint8_t(a.ttl.value_or(ip4::kDefaultTtl));
  e.tos = uint8_t(a.tos.value_or(0));
  e.any_destination = near && a.dst.has_value();
  return e;
}

}  // namespace

std::span<const std::string_view> IpModule::attributes() const { return kAttributes; }

Result<std::unique_ptr<Stage>> IpModule::create(const StageContext& context) {
  if (context.below() != "eth" && context.position != 1) {
    return context.chain_error("ip stands on eth or right on a partner, not on '" +
                               std::string(context.below()) + "'");
  }
  auto read = read_attributes(context);
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
  return std::unique_ptr<Stage>(
      std::make_unique<IpLocal>(node_, host_, context.device, context.up(), ends(context, a)));
}

Result<void> IpModule::refine(const StageContext& context, DemuxKey& key) {
  auto read = read_attributes(context);
  if (!read) return read.error();
  const IpAttributes& a = *read;
  key.any_protocol = false;
  key.link_protocol = ip4::kLinkProtocol;
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

}  // namespace weft
