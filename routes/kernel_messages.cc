// SPDX-License-Identifier: Apache-2.0
#include "routes/kernel_messages.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstring>

namespace weft {

namespace {

// Parses the fixed part and the attributes.  Null when the message is too short.
template <typename Header, size_t n>
const Header* open(const nlmsghdr* message, nlattr* (&attributes)[n]) {
  if (nlmsg_datalen(message) < int(sizeof(Header))) return nullptr;
  // libnl takes what it only reads as not const.
  auto* m = const_cast<nlmsghdr*>(message);
  if (nlmsg_parse(m, sizeof(Header), attributes, int(n) - 1, nullptr) < 0) return nullptr;
  return static_cast<const Header*>(nlmsg_data(m));
}

uint8_t family_of(unsigned char af) { return af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0; }

bool read(const nlattr* attribute, void* to, size_t length) {
  if (attribute == nullptr || nla_len(attribute) != int(length)) return false;
  std::memcpy(to, nla_data(attribute), length);
  return true;
}

bool read_address(const nlattr* attribute, uint8_t family, Address& address) {
  address = {};
  return read(attribute, address.data(), family == 4 ? 4 : 16);
}

uint32_t number(const nlattr* attribute, uint32_t otherwise) {
  uint32_t value = otherwise;
  read(attribute, &value, sizeof value);
  return value;
}

// The gateway: of the route's family, or of the other one (RTA_VIA: RFC 8950).
void read_gateway(nlattr* const* attributes, uint8_t family, RouteMessage::Hop& hop) {
  if (read_address(attributes[RTA_GATEWAY], family, hop.via)) {
    hop.via_family = family;
    return;
  }
  const nlattr* via = attributes[RTA_VIA];
  if (via == nullptr || nla_len(via) < int(sizeof(rtvia))) return;
  const auto* value = static_cast<const rtvia*>(nla_data(via));
  const uint8_t via_family = family_of(uint8_t(value->rtvia_family));
  const size_t length = via_family == 4 ? 4 : 16;
  if (via_family == 0 || nla_len(via) < int(sizeof(rtvia) + length)) return;
  std::memcpy(hop.via.data(), value->rtvia_addr, length);
  hop.via_family = via_family;
}

void read_multipath(const nlattr* multipath, uint8_t family, std::vector<RouteMessage::Hop>& hops) {
  const auto* next = static_cast<const uint8_t*>(nla_data(multipath));
  size_t left = size_t(nla_len(multipath));
  while (left >= sizeof(rtnexthop)) {
    rtnexthop hop;
    std::memcpy(&hop, next, sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left) return;
    nlattr* attributes[RTA_MAX + 1] = {};
    auto* first = reinterpret_cast<nlattr*>(const_cast<uint8_t*>(next) + sizeof hop);
    if (nla_parse(attributes, RTA_MAX, first, int(hop.rtnh_len - sizeof hop), nullptr) < 0) return;
    if ((hop.rtnh_flags & RTNH_F_DEAD) == 0) {
      hops.push_back({hop.rtnh_ifindex});
      read_gateway(attributes, family, hops.back());
    }
    const size_t step = RTNH_ALIGN(hop.rtnh_len);
    if (step >= left) return;
    next += step;
    left -= step;
  }
}

uint32_t read_mtu(nlattr* metrics) {
  nlattr* attributes[RTAX_MAX + 1] = {};
  if (metrics == nullptr || nla_parse_nested(attributes, RTAX_MAX, metrics, nullptr) < 0) return 0;
  return number(attributes[RTAX_MTU], 0);
}

bool read_type(unsigned char type, RouteMessage& route) {
  switch (type) {
    case RTN_UNICAST:
      route.type = RouteMessage::kUnicast;
      return true;
    case RTN_LOCAL:
    case RTN_BROADCAST:
    case RTN_ANYCAST:
    case RTN_MULTICAST:
      route.type = RouteMessage::kForKernel;
      return true;
    case RTN_BLACKHOLE:
      route.type = RouteMessage::kBlackhole;
      return true;
    case RTN_UNREACHABLE:
      route.type = RouteMessage::kUnreachable;
      return true;
    case RTN_PROHIBIT:
      route.type = RouteMessage::kProhibit;
      return true;
    case RTN_THROW:
      route.type = RouteMessage::kNone;
      return true;  // there is no table behind "main"
    default:
      return false;
  }
}

}  // namespace

bool parse(const nlmsghdr* message, LinkMessage& link) {
  nlattr* attributes[IFLA_MAX + 1] = {};
  const auto* header = open<ifinfomsg>(message, attributes);
  if (header == nullptr) return false;
  // Bridges announce their ports in messages of their own family.
  if (header->ifi_family != AF_UNSPEC) return false;
  link.gone = message->nlmsg_type == RTM_DELLINK;
  link.ifindex = header->ifi_index;
  link.up = (header->ifi_flags & IFF_UP) != 0;
  link.running = (header->ifi_flags & IFF_RUNNING) != 0;
  link.name.clear();
  if (const nlattr* name = attributes[IFLA_IFNAME]; name != nullptr && nla_len(name) > 0) {
    const auto* text = static_cast<const char*>(nla_data(name));
    link.name.assign(text, ::strnlen(text, size_t(nla_len(name))));
  }
  link.mac = {};
  read(attributes[IFLA_ADDRESS], link.mac.data(), link.mac.size());
  link.mtu = number(attributes[IFLA_MTU], 0);
  return true;
}

bool parse(const nlmsghdr* message, AddressMessage& address) {
  nlattr* attributes[IFA_MAX + 1] = {};
  const auto* header = open<ifaddrmsg>(message, attributes);
  if (header == nullptr || (address.family = family_of(header->ifa_family)) == 0) return false;
  if (header->ifa_prefixlen > bits(address.family)) return false;
  address.gone = message->nlmsg_type == RTM_DELADDR;
  address.ifindex = int(header->ifa_index);
  address.length = header->ifa_prefixlen;
  address.scope = header->ifa_scope;
  const uint32_t flags = number(attributes[IFA_FLAGS], header->ifa_flags);
  address.usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;
  // On a point-to-point link IFA_ADDRESS is the other end's.
  return read_address(attributes[IFA_LOCAL], address.family, address.address) ||
         read_address(attributes[IFA_ADDRESS], address.family, address.address);
}

bool parse(const nlmsghdr* message, RouteMessage& route) {
  nlattr* attributes[RTA_MAX + 1] = {};
  const auto* header = open<rtmsg>(message, attributes);
  if (header == nullptr) return false;
  const uint8_t family = family_of(header->rtm_family);
  if (family == 0 || header->rtm_dst_len > bits(family)) return false;
  const uint32_t table = number(attributes[RTA_TABLE], header->rtm_table);
  if (table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL) return false;
  // Forwarding looks at destinations only.
  if (header->rtm_tos != 0 || header->rtm_src_len != 0) return false;
  if ((header->rtm_flags & RTM_F_CLONED) != 0 || !read_type(header->rtm_type, route)) return false;

  route.gone = message->nlmsg_type == RTM_DELROUTE;
  route.replaces = !route.gone && (message->nlmsg_flags & NLM_F_REPLACE) != 0;
  route.local = table == RT_TABLE_LOCAL;
  route.prefix = {family, header->rtm_dst_len, {}};
  if (header->rtm_dst_len > 0 && !read_address(attributes[RTA_DST], family, route.prefix.address))
    return false;
  route.prefix.address = masked(route.prefix.address, route.prefix.length);
  route.metric = number(attributes[RTA_PRIORITY], 0);
  route.mtu = read_mtu(attributes[RTA_METRICS]);
  route.hops.clear();
  if (route.type != RouteMessage::kUnicast && route.type != RouteMessage::kForKernel) return true;
  if (attributes[RTA_MULTIPATH] != nullptr) {
    read_multipath(attributes[RTA_MULTIPATH], family, route.hops);
  } else if ((header->rtm_flags & RTNH_F_DEAD) == 0 || route.gone) {
    route.hops.push_back({int(number(attributes[RTA_OIF], 0))});
    read_gateway(attributes, family, route.hops.back());
  }
  return true;
}

bool parse(const nlmsghdr* message, NeighbourMessage& neighbour) {
  nlattr* attributes[NDA_MAX + 1] = {};
  const auto* header = open<ndmsg>(message, attributes);
  if (header == nullptr || (neighbour.family = family_of(header->ndm_family)) == 0) return false;
  if ((header->ndm_flags & NTF_PROXY) != 0) return false;
  if (!read_address(attributes[NDA_DST], neighbour.family, neighbour.address)) return false;
  neighbour.ifindex = header->ndm_ifindex;
  const bool has_mac = read(attributes[NDA_LLADDR], neighbour.mac.data(), neighbour.mac.size());
  const uint16_t state = header->ndm_state;
  neighbour.permanent = (state & (NUD_PERMANENT | NUD_NOARP)) != 0;
  if (message->nlmsg_type == RTM_DELNEIGH) {
    neighbour.state = NeighbourMessage::kGone;
  } else if ((state & NUD_FAILED) != 0) {
    neighbour.state = NeighbourMessage::kFailed;
  } else if ((state & (NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)) != 0 && has_mac) {
    neighbour.state = NeighbourMessage::kConfirmed;
  } else if ((state & NUD_STALE) != 0 && has_mac) {
    neighbour.state = NeighbourMessage::kStale;
  } else {
    neighbour.state = NeighbourMessage::kIncomplete;
  }
  return true;
}

}  // namespace weft
