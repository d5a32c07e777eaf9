// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/node_config.h"

#include <algorithm>
#include <charconv>

namespace weft::pan {

namespace {

Error invalid(std::string sentence) { return {Code::kInvalid, std::move(sentence)}; }

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// Takes the first word off `text`, and the spaces behind it.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ', word.size())));
  return word;
}

Result<void> add_neighbour(std::string_view words, NodeConfig& into) {
  const std::string_view address = take_word(words);
  auto neighbour = read_neighbour(address, words);
  if (!neighbour) return neighbour.error();
  if (words.empty())
    return invalid("neighbour " + std::string(address) + " needs a path that it is reached by");
  into.neighbours.push_back(std::move(*neighbour));
  return {};
}

Result<void> add_route(std::string_view words, NodeConfig& into) {
  const std::string_view all = words, to = take_word(words);
  if (take_word(words) != "via")
    return invalid("route " + quoted(all) + ": 'route PREFIX via NEIGHBOUR' was expected");
  auto route = read_route(to, words);
  if (!route) return route.error();
  into.routes.push_back(*route);
  return {};
}

Result<void> set_address(std::string_view text, NodeConfig& into) {
  auto address = read_address(text);
  if (!address) return address.error();
  into.address = *address;
  return {};
}

Result<void> set_engine(std::string_view text, NodeConfig& into) {
  for (const Engine engine : {Engine::kJit, Engine::kInterpreter}) {
    if (text != name(engine)) continue;
    into.engine = engine;
    return {};
  }
  return invalid("no engine " + quoted(text) + "; there are: jit, interpreter");
}

// Its range is the node's to check.
Result<void> set_budget(std::string_view text, NodeConfig& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into.budget);
  if (error == std::errc{} && end == text.data() + text.size()) return {};
  return invalid("budget " + quoted(text) + " is no number of instructions");
}

Result<void> add_carrier(std::string_view text, NodeConfig& into) {
  into.carriers.emplace_back(text);
  return {};
}

Result<void> set_code(std::string_view text, NodeConfig& into) {
  into.code_folder = text;
  return {};
}

struct Key {
  std::string_view name;
  Result<void> (*read)(std::string_view value, NodeConfig& into);
};
constexpr Key kKeys[] = {
    {"address", set_address}, {"neighbour", add_neighbour}, {"route", add_route},   {"carrier", add_carrier},
    {"code", set_code},       {"engine", set_engine},       {"budget", set_budget},
};

Result<void> read_argument(std::string_view argument, NodeConfig& into) {
  std::string_view value = argument;
  const std::string_view name = take_word(value);
  const auto key = std::ranges::find(kKeys, name, &Key::name);
  if (key == std::end(kKeys)) {
    std::string known;
    for (const Key& k : kKeys) known += (known.empty() ? "" : ", ") + std::string(k.name);
    return invalid("argument " + quoted(argument) + " begins with none of: " + known);
  }
  if (value.empty()) return invalid("argument " + quoted(argument) + ": something was expected behind it");
  return key->read(value, into);
}

// Capsules come in the way they go out.
void take_carriers_of_neighbours(NodeConfig& config) {
  for (const NeighbourConfig& n : config.neighbours) {
    if (std::ranges::find(config.carriers, n.carrier) == config.carriers.end())
      config.carriers.push_back(n.carrier);
  }
}

}  // namespace

const char* name(Engine engine) { return engine == Engine::kJit ? "jit" : "interpreter"; }

Result<NodeAddress> read_address(std::string_view text) {
  const auto address = parse_address(text);
  if (!address) return invalid(quoted(text) + " is not the address of an active node");
  return *address;
}

Result<NeighbourConfig> read_neighbour(std::string_view address, std::string_view carrier) {
  const auto neighbour = read_address(address);
  if (!neighbour) return neighbour.error();
  return NeighbourConfig{*neighbour, std::string(carrier)};
}

Result<RouteConfig> read_route(std::string_view to, std::string_view via) {
  const auto prefix = parse_prefix(to);
  if (!prefix) return invalid(quoted(to) + " is no prefix of addresses of active nodes");
  const auto neighbour = read_address(via);
  if (!neighbour) return neighbour.error();
  return RouteConfig{*prefix, *neighbour};
}

Result<NodeConfig> read_arguments(std::span<const char* const> arguments) {
  NodeConfig config;
  for (const char* argument : arguments) {
    if (auto done = read_argument(argument, config); !done) return done.error();
  }
  if (config.carriers.empty()) take_carriers_of_neighbours(config);
  return config;
}

}  // namespace weft::pan
