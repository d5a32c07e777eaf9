// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/pan_config.h"

namespace weft {

namespace {

Error no_address(const std::string& text) {
  return {Code::kInvalid, "'" + text + "' is not the address of an active node"};
}

}  // namespace

Result<pan::NodeConfig> pan_config(const PanConfig& config) {
  pan::NodeConfig result;
  const auto address = pan::parse_address(config.address);
  if (!address) return no_address(config.address);
  result.address = *address;
  result.carriers = config.carriers;
  for (const PanNeighbourConfig& n : config.neighbours) {
    const auto neighbour = pan::parse_address(n.address);
    if (!neighbour) return no_address(n.address);
    result.neighbours.push_back({*neighbour, n.carrier});
  }
  for (const PanRouteConfig& r : config.routes) {
    const auto to = pan::parse_prefix(r.to);
    if (!to) return no_address(r.to);
    const auto via = pan::parse_address(r.via);
    if (!via) return no_address(r.via);
    result.routes.push_back({*to, *via});
  }
  return result;
}

}  // namespace weft
