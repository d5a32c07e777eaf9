// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_attributes.h"

#include <algorithm>
#include <cstring>

#include "modules/ip4_header.h"

namespace weft {

namespace {

// The protocol number of a module that stands on ip.
std::optional<uint32_t> protocol_of(std::string_view module) {
  if (module == "icmp") return ip4::kIcmp;
  if (module == "ip") return 4;  // RFC 2003
  if (module == "udp") return ip4::kUdp;
  if (module == "pan") return 253;  // RFC 3692: for experiments
  return std::nullopt;
}

// The name that stands on ip in the context's chain; empty when nothing does.
std::string_view above_ip(const StageContext& context) {
  const auto& chain = context.side.chain;
  auto ip = std::find_if(chain.begin() + 1, chain.end(), [](const ChainLink& l) { return l.name == "ip"; });
  return ip == chain.end() || ip + 1 == chain.end() ? std::string_view{} : (ip + 1)->name;
}

}  // namespace

Result<IpAttributes> read_ip_attributes(const StageContext& context) {
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
  IpAttributes a{*src, *dst, *protocol, *ttl, *tos};

  const std::string_view above = above_ip(context);
  if (above.empty()) return a;
  const auto number = protocol_of(above);
  if (number && a.protocol && *number != *a.protocol) {
    return context.attribute_error(*context.side.find("proto"),
                                   std::string(above) + " is protocol " + std::to_string(*number));
  }
  if (number) a.protocol = number;
  if (!a.protocol) {
    return context.chain_error("ip does not know the protocol number of '" + std::string(above) +
                               "'; add (proto=NUMBER)");
  }
  return a;
}

Result<IpEnds> read_ip_ends(const StageContext& context) {
  auto a = read_ip_attributes(context);
  if (!a) return a.error();
  const bool near = context.near_side();
  const auto& ours = near ? a->dst : a->src;
  const auto& theirs = near ? a->src : a->dst;
  IpEnds e;
  if (ours && ours->host()) e.ours = load_be32(ours->address.data());
  if (theirs && theirs->host()) e.theirs = load_be32(theirs->address.data());
  e.protocol = uint8_t(a->protocol.value_or(255));
  e.ttl = uint8_t(a->ttl.value_or(ip4::kDefaultTtl));
  e.tos = uint8_t(a->tos.value_or(0));
  e.any_destination = near && a->dst.has_value();
  return e;
}

IpAddresses find_ip_addresses(const IpNode& node, const Port& device, const IpEnds& ends, const Packet& p) {
  IpAddresses found{ends.ours, ends.theirs};
  const uint8_t* front = p.window() + p.l3;
  if ((p.flags & Packet::kHeaders) && front + ip4::kMinHeader <= p.data) {
    const uint32_t spoken_to = ip4::destination(front);
    if (found.destination == 0) found.destination = ip4::source(front);
    // RFC 1122 section 3.2.1.3: a group is never a source.
    if (found.source == 0 && ip4::is_unicast(spoken_to) && !node.is_directed_broadcast(spoken_to)) {
      found.source = spoken_to;
    }
  }
  if (found.source == 0 && found.destination != 0) {
    Address to{};
    store_be32(to.data(), found.destination);
    const LocalAddress* own = node.source_towards(to, 4);
    if (own == nullptr) own = node.source_on(device.number, 4);
    if (own != nullptr) found.source = load_be32(own->address.data());
  }
  return found;
}

}  // namespace weft
