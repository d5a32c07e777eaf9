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
  const auto address = pan::parse_address(config.address.value);
  if (!address) return no_address(config.address.value);
  result.address = *address;
  for (const Text& carrier : config.carriers) result.carriers.push_back(carrier.value);
  for (const PanNeighbourConfig& n : config.neighbours) {
    const auto neighbour = pan::parse_address(n.address.value);
    if (!neighbour) return no_address(n.address.value);
    result.neighbours.push_back({*neighbour, n.carrier.value});
  }
  for (const PanRouteConfig& r : config.routes) {
    const auto to = pan::parse_prefix(r.to.value);
    if (!to) return no_address(r.to.value);
    const auto via = pan::parse_address(r.via.value);
    if (!via) return no_address(r.via.value);
    result.routes.push_back({*to, *via});
  }
  return result;
}

}  // namespace weft
