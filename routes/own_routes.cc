// SPDX-License-Identifier: Apache-2.0
#include "routes/own_routes.h"

#include <algorithm>

namespace weft {

namespace {

constexpr Address kAllHosts4{224, 0, 0, 1};
constexpr Address kAllRouters4{224, 0, 0, 2};
constexpr Address kBroadcast4{255, 255, 255, 255};
constexpr Address kAllNodes6{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr Address kAllRouters6{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

// RFC 4291 section 2.7.1.
Address solicited_node(const Address& address) {
  Address group{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::copy(address.begin() + 13, address.end(), group.begin() + 13);
  return group;
}

}  // namespace

void append_own_routes(uint16_t port, const Prefix& prefix, bool router, std::vector<Route>& routes) {
  const uint8_t family = prefix.family;
  const auto add = [&](const Prefix& to, const HopKey& hop, int32_t tell_apart) {
    routes.push_back({to, hop, 0, tell_apart, RouteSource::kOwn});
  };
  const auto local = [&](const Address& address) {
    add({family, bits(family), address}, {NextHop::kLocal, family}, 0);
  };
  local(prefix.address);
  if (prefix.length < bits(family)) {
    HopKey link{NextHop::kForward, family};
    link.port = port;
    add({family, prefix.length, masked(prefix.address, prefix.length)}, link, port);
  }
  if (family == 4) {
    // RFC 3021: a /31 has no broadcast address.
    if (prefix.length < 31) local(last_of(prefix.address, prefix.length, 32));
    local(kBroadcast4);
    local(kAllHosts4);
    if (router) local(kAllRouters4);
  } else {
    local(solicited_node(prefix.address));
    local(kAllNodes6);
    if (router) local(kAllRouters6);
  }
}

bool can_be_own(uint8_t family, const Address& address) {
  if (is_multicast(family, address)) return false;
  if (family == 4) return address[0] != 0 && address[0] < 240 && address[0] != 127;
  return address != Address{};
}

}  // namespace weft
