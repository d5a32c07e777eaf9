// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/default_paths.h"

namespace weft {

namespace {

struct Family {
  uint8_t family;
  const char* ip;
  const char* icmp;
};
constexpr Family kFamilies[] = {{4, "ip", "icmp"}, {6, "ip6", "icmp6"}};

}  // namespace

std::vector<DefaultPath> default_paths(const std::vector<const Port*>& ports,
                                       const std::function<bool(const Port&)>& owns_addresses,
                                       bool forwarding,
                                       const std::function<bool(std::string_view)>& has_module) {
  std::vector<DefaultPath> paths;
  for (const Port* port : ports) {
    const bool resolves = port->info.link == Link::kEthernet && owns_addresses(*port);
    if (resolves && has_module("arp")) {
      paths.push_back({DefaultPath::kQuestions, port->name + "/arp", port->number, 4});
    }
    for (const auto& [family, ip, icmp] : kFamilies) {
      if (!has_module(ip)) continue;
      const std::string near = port->name + "/" + ip;
      paths.push_back({DefaultPath::kHost, near, port->number, family});
      if (has_module(icmp)) {
        const auto kind = resolves && family == 6 ? DefaultPath::kQuestions : DefaultPath::kLocal;
        paths.push_back({kind, near + "/" + icmp, port->number, family});
      }
      for (const Port* out : ports) {
        if (forwarding) paths.push_back({DefaultPath::kCut, near + " -> " + out->name, port->number, family});
      }
    }
  }
  return paths;
}

}  // namespace weft
