// SPDX-License-Identifier: Apache-2.0
#include "config/read_pan.h"

#include <algorithm>

namespace weft {

namespace {

// As pan_ee/address.h reads them: all zero is no node, and only IPv4 has a port.
bool is_node_address(std::string_view text) {
  if (const auto address = parse_ip(text)) return *address != IpAddress{.family = 6};
  const auto endpoint = parse_endpoint(text);
  return endpoint && endpoint->address.family == 4;
}

void check_address(const std::optional<Text>& text, ConfigErrors& errors) {
  if (!text || is_node_address(text->value)) return;
  errors.add(text->at,
             "'" + text->value + "' is not the address of an active node, as 10.0.0.1 or 127.0.0.1:4000");
}

void check_prefix(const std::optional<Text>& text, ConfigErrors& errors) {
  if (!text || text->value == "default" || is_node_address(text->value)) return;
  if (const auto network = parse_network(text->value); !network) {
    errors.add(text->at, network.error().sentence);
  }
}

PanNeighbourConfig read_neighbour(TableReader& table, const NameCheck& check) {
  const auto address = table.required_text("address");
  check_address(address, table.errors());
  const auto carrier = table.required_text("carrier");
  if (carrier) check.path(*carrier);
  table.finish();
  return {address.value_or(Text{}), carrier.value_or(Text{})};
}

PanRouteConfig read_route(TableReader& table) {
  const auto to = table.required_text("to");
  check_prefix(to, table.errors());
  const auto via = table.required_text("via");
  check_address(via, table.errors());
  table.finish();
  return {to.value_or(Text{}), via.value_or(Text{})};
}

// Capsules come in the way they go out.
std::vector<Text> carriers_of(const std::vector<PanNeighbourConfig>& neighbours) {
  std::vector<Text> carriers;
  for (const PanNeighbourConfig& n : neighbours) {
    if (std::ranges::find(carriers, n.carrier.value, &Text::value) == carriers.end()) {
      carriers.push_back(n.carrier);
    }
  }
  return carriers;
}

}  // namespace

PanConfig read_pan(TableReader& table, const NameCheck& check) {
  PanConfig pan;
  pan.at = table.at();
  const auto address = table.required_text("address");
  check_address(address, table.errors());
  pan.address = address.value_or(Text{});
  const bool has_carriers = table.has("carriers");
  pan.carriers = table.texts("carriers");
  for (const Text& text : pan.carriers) check.path(text);
  for (TableReader& child : table.array_of_tables("neighbour"))
    pan.neighbours.push_back(read_neighbour(child, check));
  for (TableReader& child : table.array_of_tables("route")) pan.routes.push_back(read_route(child));
  pan.code = table.text("code");
  pan.interpreted = table.choice("engine", {"jit", "interpreter"}) == 1;
  table.number("budget", 1, INT32_MAX, pan.budget);
  pan.principal = table.text("principal");
  table.finish();
  if (!has_carriers) pan.carriers = carriers_of(pan.neighbours);
  return pan;
}

}  // namespace weft
