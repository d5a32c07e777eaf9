// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/show_routes.h"

#include <spdlog/fmt/fmt.h>

namespace weft {

namespace {

using admin::Json;

constexpr size_t kMost = 10'000;

const char* kind_name(NextHop::Kind kind) {
  switch (kind) {
    case NextHop::kForward:
      return "forward";
    case NextHop::kResolve:
      return "resolve";
    case NextHop::kLocal:
      return "local";
    case NextHop::kKernel:
      return "kernel";
    case NextHop::kBlackhole:
      return "blackhole";
    case NextHop::kUnreachable:
      return "unreachable";
    case NextHop::kProhibit:
      return "prohibit";
    default:
      return "none";
  }
}

Json port_name(const Assembly& node, uint16_t port) {
  return port < node.geni().port_count() ? Json(node.geni().port(port).name) : Json();
}

}  // namespace

Result<Json> show_routes(Assembly& node) {
  Json routes = Json::array();
  bool more = false;
  for (uint8_t family : {uint8_t{4}, uint8_t{6}}) {
    const auto views = node.router().routes(family, kMost + 1);
    more |= views.size() > kMost;
    for (size_t i = 0; i < std::min(views.size(), kMost); ++i) {
      const RouteView& r = views[i];
      routes.push_back({{"to", to_text(r.prefix)},
                        {"kind", kind_name(r.hop.kind)},
                        {"via", r.hop.via_family == 0 ? Json() : Json(to_text(r.hop.via_family, r.hop.via))},
                        {"port", port_name(node, r.hop.port)},
                        {"from", name(r.source)},
                        {"metric", r.metric},
                        {"resolved", r.resolved},
                        {"installed", r.installed}});
    }
  }
  const RouterCounts counts = node.router().counts();
  return Json{
      {"routes", std::move(routes)},
      {"more", more},
      {"count",
       {{"ipv4", counts.routes4}, {"ipv6", counts.routes6}, {"not_installed", counts.not_installed}}}};
}

Result<Json> show_neighbours(Assembly& node) {
  Json neighbours = Json::array();
  for (const auto& view : node.router().neighbours()) {
    neighbours.push_back({{"address", to_text(view.who.family, view.who.address)},
                          {"port", port_name(node, view.who.port)},
                          {"mac", fmt::format("{:02x}", fmt::join(view.mac, ":"))},
                          {"state", name(view.state)},
                          {"gateway", view.gateway},
                          {"resolved_by", view.kernel ? "kernel" : "weft"}});
  }
  return Json{{"neighbours", std::move(neighbours)}};
}

}  // namespace weft
