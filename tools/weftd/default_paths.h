// SPDX-License-Identifier: Apache-2.0
// The paths that a node opens by itself, so that a router's config need name none.
//
//   PORT/arp                     on Ethernet, where the node owns addresses
//   PORT/ip, PORT/ip6            what is for the node and nothing else takes
//   PORT/ip/icmp, PORT/ip6/icmp6   pings, errors; IPv6 neighbours, as arp for IPv4
//   PORT/ip -> OTHER, PORT/ip6 -> OTHER   for each pair of ports, also PORT itself,
//                                if the node forwards
//
// Threads: plain functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "paths/port.h"

namespace weft {

struct DefaultPath {
  enum Kind : uint8_t {
    kHost,       // the node speaks through it too
    kQuestions,  // the node asks its neighbours through it
    kLocal,      // ends at the node
    kCut,        // from port to port
  } kind;
  std::string text;
  uint16_t port;   // of the near side
  uint8_t family;  // 4 or 6
};

// `ports` are those with paths; `addresses` whether the node owns addresses on one.
// Texts with a module that `has_module` denies are left out.
std::vector<DefaultPath> default_paths(const std::vector<const Port*>& ports,
                                       const std::function<bool(const Port&)>& owns_addresses,
                                       bool forwarding,
                                       const std::function<bool(std::string_view)>& has_module);

}  // namespace weft
