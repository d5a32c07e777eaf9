// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_source.h"

#include <algorithm>
#include <bit>
#include <compare>

#include "modules/ip6_header.h"

namespace weft {

namespace {

constexpr int kLinkLocalScope = 2, kSiteLocalScope = 5, kGlobalScope = 14;

// RFC 6724 section 3.1.
int scope_of(const uint8_t* a) {
  if (ip6::is_multicast(a)) return ip6::multicast_scope(a);
  if (ip6::is_link_local(a) || ip6::is_loopback(a)) return kLinkLocalScope;
  return a[0] == 0xfe && (a[1] & 0xc0) == 0xc0 ? kSiteLocalScope : kGlobalScope;
}

// RFC 6724 section 2.1: the labels of the default policy table.
int label_of(const uint8_t* a) {
  if (ip6::is_loopback(a)) return 0;
  if (ip6::is_ip4_mapped(a)) return 4;
  if (load_be16(a) == 0x2002) return 2;      // 6to4
  if (load_be32(a) == 0x20010000) return 5;  // Teredo
  if ((a[0] & 0xfe) == 0xfc) return 13;      // unique local
  return 1;
}

int common_prefix(const uint8_t* a, const uint8_t* b) {
  const uint64_t high = load_be64(a) ^ load_be64(b);
  if (high != 0) return std::countl_zero(high);
  return 64 + std::countl_zero(load_be64(a + 8) ^ load_be64(b + 8));
}

// How good a source is: the rules in their order, each better when larger.
struct Merit {
  bool same;   // rule 1
  int scope;   // rule 2
  bool port;   // rule 5
  bool label;  // rule 6
  int prefix;  // rule 8
  friend auto operator<=>(const Merit&, const Merit&) = default;
};

Merit merit_of(const LocalAddress& from, uint16_t port, const uint8_t* to) {
  const uint8_t* a = from.address.data();
  // Enough, and no more than enough, is best; too little is worse than any.
  const int scope = scope_of(a);
  return {.same = std::equal(from.address.begin(), from.address.end(), to),
          .scope = scope >= scope_of(to) ? -scope : scope - 128,
          .port = from.port == port,
          .label = label_of(a) == label_of(to),
          .prefix = std::min<int>(common_prefix(a, to), from.length)};
}

}  // namespace

const LocalAddress* ip6_source(const IpNode& node, uint16_t port, const uint8_t* destination) {
  const bool this_link = ip6::is_link_local(destination) || ip6::is_multicast(destination);
  const LocalAddress* best = nullptr;
  for (const LocalAddress& a : node.addresses) {
    if (a.family != 6 || (this_link && a.port != port)) continue;
    if (best == nullptr || merit_of(a, port, destination) > merit_of(*best, port, destination)) best = &a;
  }
  return best;
}

Address ip6_link_local(const MacAddress& mac) {
  // The universal/local bit is turned.
  return {0xfe,   0x80,   0,    0,    0,      0,      0,     0, uint8_t(mac[0] ^ 2),
          mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
}

}  // namespace weft
