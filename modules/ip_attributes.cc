// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_attributes.h"

#include <algorithm>

#include "modules/ip6_source.h"
#include "modules/ip_header.h"

namespace weft {

namespace {

// How the path texts of a family say it.
struct FamilyWords {
  uint8_t family;
  std::string_view module, ttl, tos;
};
constexpr FamilyWords kWords4{4, "ip", "ttl", "tos"}, kWords6{6, "ip6", "hop", "class"};

// The protocol number of a module that stands on IP.
std::optional<uint32_t> protocol_of(std::string_view module, uint8_t family) {
  if (module == "icmp" && family == 4) return ip4::kIcmp;
  if (module == "icmp6" && family == 6) return ip6::kIcmp;
  if (module == "ip") return 4;  // RFC 2003
  if (module == "udp") return ip4::kUdp;
  if (module == "pan") return 253;  // RFC 3692: for experiments
  return std::nullopt;
}

// Where ip or ip6 stands in the context's chain.
auto find_ip(const StageContext& context) {
  const auto& chain = context.side.chain;
  return std::find_if(chain.begin() + 1, chain.end(), [](const ChainLink& l) {
    return l.name == kWords4.module || l.name == kWords6.module;
  });
}

// What a path calls its own address; a group is never a source.
// (RFC 1122 section 3.2.1.3; RFC 4291 section 2.7.)
bool may_speak_from(const IpNode& node, const Address& a, uint8_t family) {
  return ip::is_unicast(a, family) && (family == 6 || !node.is_directed_broadcast(load_be32(a.data())));
}

const LocalAddress* own_address(const IpNode& node, const Port& device, const Address& to, uint8_t family) {
  if (family == 6) {
    const NextHop& hop = node.fib.next_hops[node.route(to, 6)];
    return ip6_source(node, hop.out_port != Packet::kNoPort ? hop.out_port : device.number, to.data());
  }
  const LocalAddress* own = node.source_towards(to, 4);
  return own != nullptr ? own : node.source_on(device.number, 4);
}

}  // namespace

Result<IpAttributes> read_ip_attributes(const StageContext& context) {
  const auto ip = find_ip(context);
  const FamilyWords& words = ip->name == kWords6.module ? kWords6 : kWords4;
  auto src = prefix_attribute(context, "src", words.family);
  if (!src) return src.error();
  auto dst = prefix_attribute(context, "dst", words.family);
  if (!dst) return dst.error();
  auto protocol = number_attribute(context, "proto", 0, 255);
  if (!protocol) return protocol.error();
  auto ttl = number_attribute(context, words.ttl, 1, 255);
  if (!ttl) return ttl.error();
  auto tos = number_attribute(context, words.tos, 0, 255);
  if (!tos) return tos.error();
  IpAttributes a{words.family, *src, *dst, *protocol, *ttl, *tos};

  if (ip + 1 == context.side.chain.end()) return a;
  const std::string& above = (ip + 1)->name;
  const auto number = protocol_of(above, words.family);
  if (number && a.protocol && *number != *a.protocol) {
    return context.attribute_error(*context.side.find("proto"),
                                   above + " is protocol " + std::to_string(*number));
  }
  if (number) a.protocol = number;
  if (!a.protocol) {
    return context.chain_error(std::string(words.module) + " does not know the protocol number of '" + above +
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
  IpEnds e{.family = a->family};
  if (ours && ours->is_host() && ip::is_unicast(ours->address, a->family)) e.ours = ours->address;
  if (theirs && theirs->is_host()) e.theirs = theirs->address;
  if (a->protocol) e.protocol = uint8_t(*a->protocol);
  e.ttl = uint8_t(a->ttl.value_or(ip4::kDefaultTtl));
  e.tos = uint8_t(a->tos.value_or(0));
  e.any_destination = near && a->dst.has_value();
  return e;
}

IpAddresses find_ip_addresses(const IpNode& node, const Port& device, const IpEnds& ends, const Packet& p) {
  constexpr Address kNotSaid{};
  IpAddresses found{ends.ours, ends.theirs};
  const ip::Layout& layout = ip::layout(ends.family);
  const uint8_t* front = p.window() + p.l3;
  if ((p.flags & Packet::kHeaders) && front + layout.header <= p.data && front[0] >> 4 == ends.family) {
    const Address spoken_to = ip::destination(front, layout);
    if (found.destination == kNotSaid) found.destination = ip::source(front, layout);
    if (found.source == kNotSaid && may_speak_from(node, spoken_to, ends.family)) found.source = spoken_to;
  }
  if (found.source == kNotSaid && found.destination != kNotSaid) {
    const LocalAddress* own = own_address(node, device, found.destination, ends.family);
    if (own != nullptr) found.source = own->address;
  }
  return found;
}

namespace {

// The address that `to` says, if the path leaves it open.  `own`: what the path says of it.
Result<std::optional<Address>> aimed_address(const StageContext& to, std::string_view name,
                                             const std::optional<Prefix>& own, const FamilyWords& words) {
  auto said = prefix_attribute(to, name, words.family);
  if (!said) return said.error();
  if (!*said) return own && own->is_host() ? std::optional<Address>(own->address) : std::optional<Address>();
  const Prefix& p = **said;
  const Attribute& attribute = *to.side.find(name);
  if (!p.is_host() || !ip::is_unicast(p.address, words.family)) {
    return to.attribute_error(attribute, "'" + attribute.value + "' is not the address of one host");
  }
  if (own && masked(p.address, own->length) != own->address) {
    return to.attribute_error(attribute, "the channel's own addresses leave " + to_text(*own) +
                                             " open, not '" + attribute.value + "'");
  }
  return std::optional<Address>(p.address);
}

}  // namespace

// On a near side src is whom the path hears, and so whom it speaks to.
Result<void> aim_ip(const IpNode& node, const StageContext& context, const StageContext& to, Aim& aim) {
  auto own = read_ip_attributes(context);
  if (!own) return own.error();
  const FamilyWords& words = own->family == 6 ? kWords6 : kWords4;
  for (std::string_view name : {std::string_view("proto"), words.ttl, words.tos}) {
    const Attribute* attribute = to.side.find(name);
    if (attribute == nullptr) continue;
    return to.attribute_error(*attribute,
                              "'" + attribute->name + "' is for the channel to say, not for each packet");
  }
  auto destination = aimed_address(to, "dst", own->src, words);
  if (!destination) return destination.error();
  auto source = aimed_address(to, "src", own->dst, words);
  if (!source) return source.error();
  if (*source && !own->dst && !node.owns(**source, own->family)) {
    return to.attribute_error(*to.side.find("src"),
                              "'" + to.side.find("src")->value + "' is no address of this node");
  }
  if (!*destination) return to.address_error("where to? (dst=ADDRESS) is wanted");
  const ip::Layout& layout = ip::layout(own->family);
  aim.headers[0] = layout.first_octet;
  ip::write_addresses(aim.headers, layout, **destination, source->value_or(Address{}));
  aim.length = aim.l4 = uint8_t(layout.header);
  return {};
}

}  // namespace weft
