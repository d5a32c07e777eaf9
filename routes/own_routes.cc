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

constexpr uint32_t kLastResort = UINT32_MAX;  // as a metric

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
  if (prefix.length < bits(family) && !is_link_local(family, prefix.address)) {
    HopKey link{NextHop::kForward, family};
    link.port = port;
    add({family, prefix.length, masked(prefix.address, prefix.length)}, link, port);
  }
  if (family == 4) {
    local(kBroadcast4);
    local(kAllHosts4);
    if (router) local(kAllRouters4);
  } else {
    local(solicited_node(prefix.address));
    local(kAllNodes6);
    if (router) local(kAllRouters6);
  }
  append_shared_routes(prefix, NextHop::kLocal, router, routes);
}

void append_shared_routes(const Prefix& prefix, NextHop::Kind broadcast, bool router,
                          std::vector<Route>& routes) {
  const unsigned length = prefix.length;
  const auto add = [&](const Address& address, NextHop::Kind kind, uint32_t metric) {
    routes.push_back({{prefix.family, uint8_t(bits(prefix.family)), address},
                      {kind, prefix.family},
                      metric,
                      0,
                      RouteSource::kOwn});
  };
  if (prefix.family == 4) {
    if (length > 30) return;  // RFC 3021: a /31 has none
    add(last_of(prefix.address, length, 32), broadcast, 0);
    add(masked(prefix.address, length), broadcast, 0);
  } else if (router && length > 0 && length < 127 && !is_link_local(6, prefix.address)) {
    // RFC 6164 section 6: a /127 has none.
    add(masked(prefix.address, length), NextHop::kLocal, kLastResort);
  }
}

bool can_be_own(uint8_t family, const Address& address) {
  if (is_multicast(family, address)) return false;
  if (family == 4) return address[0] != 0 && address[0] < 240 && address[0] != 127;
  return address != Address{};
}

}  // namespace weft
