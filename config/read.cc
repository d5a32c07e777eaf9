// SPDX-License-Identifier: Apache-2.0
#include "config/read.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "config/checks.h"
#include "config/read_ee.h"
#include "config/read_pan.h"
#include "config/read_partners.h"
#include "config/read_principals.h"
#include "config/table_reader.h"

namespace weft {

namespace {

constexpr size_t kMaxFile = 1u << 20;

NodeConfig read_node(TableReader& table) {
  NodeConfig node;
  if (const auto name = table.text("name")) {
    node.name = name->value;
    if (!is_name(node.name)) table.errors().add(name->at, not_a_name(node.name));
  }
  table.flag("forwarding", node.forwarding);
  table.flag("default_paths", node.default_paths);
  table.flag("kernel_routes", node.kernel_routes);
  table.flag("busy", node.busy);
  uint64_t packets = node.pool.packets;
  table.number("pool_packets", 256, 1 << 24, packets);
  node.pool.packets = packets;
  node.files = table.text("files");
  if (node.files && !node.files->value.starts_with('/')) {
    table.errors().add(node.files->at,
                       "'" + node.files->value + "' is not the whole path of a folder, from '/' on");
  }
  read_files(table, node.each_files);
  if (const auto kind = table.choice("pages", {"2M", "THP", "4K"})) node.pool.pages = PageKind(*kind);
  table.finish();
  return node;
}

void read_socket(TableReader& table, std::string& into) {
  const auto socket = table.text("socket");
  if (!socket) return;
  into = socket->value;
  if (!into.empty() && into.size() <= 107) return;
  table.errors().add(socket->at,
                     "a socket path has 1 to 107 bytes; this one has " + std::to_string(into.size()));
}

SnowConfig read_snow(TableReader& table) {
  SnowConfig snow;
  read_socket(table, snow.socket);
  snow.at = table.place_of("socket");
  read_session(table, snow.each);
  table.finish();
  return snow;
}

ControlConfig read_control(TableReader& table) {
  ControlConfig control;
  read_socket(table, control.socket);
  table.finish();
  return control;
}

std::vector<PathConfig> read_paths(TableReader& root, const NameCheck& check) {
  std::vector<PathConfig> paths;
  for (TableReader& table : root.array_of_tables("path")) {
    if (const auto text = table.required_text("text")) {
      check.path(*text);
      paths.push_back({*text});
    }
    table.finish();
  }
  return paths;
}

std::vector<JointConfig> read_joints(TableReader& root, const NameCheck& check) {
  std::vector<JointConfig> joints;
  for (TableReader& table : root.array_of_tables("joint")) {
    const auto a = table.required_text("a");
    const auto b = table.required_text("b");
    if (a) check.partner(*a);
    if (b) check.partner(*b);
    if (a && b) joints.push_back({a->value, b->value, table.at()});
    table.finish();
  }
  return joints;
}

std::vector<RouteConfig> read_routes(TableReader& root, const NameCheck& check) {
  std::vector<RouteConfig> routes;
  for (TableReader& table : root.array_of_tables("route")) {
    RouteConfig route;
    route.at = table.at();
    const auto to = table.required_text("to");
    bool good = to.has_value();
    if (to) good = take(parse_network(to->value), *to, table.errors(), route.to);
    if (const auto via = table.text("via")) {
      IpAddress gateway;
      good = take(parse_ip(via->value), *via, table.errors(), gateway) && good;
      route.via = gateway;
      route.via_at = via->at;
      if (good && gateway.family != route.to.address.family) {
        table.errors().add(via->at,
                           "gateway '" + via->value + "' is of another family than '" + to->value + "'");
      }
    }
    if (const auto port = table.required_text("port")) {
      check.partner(*port);
      route.port = port->value;
    }
    table.finish();
    if (good) routes.push_back(route);
  }
  return routes;
}

Config read_root(TableReader root, const std::vector<std::string>& modules) {
  Config config;
  if (auto node = root.table("node")) config.node = read_node(*node);
  if (auto control = root.table("control")) config.control = read_control(*control);
  if (auto snow = root.table("snow")) config.snow = read_snow(*snow);
  config.partners = read_partners(root);
  config.wires = read_wires(root);
  const NameCheck check(config.partners, modules, root.errors());
  config.paths = read_paths(root, check);
  config.joints = read_joints(root, check);
  config.routes = read_routes(root, check);
  if (auto pan = root.table("pan")) config.pan = read_pan(*pan, check);
  config.principals = read_principals(root, check);
  config.ees = read_ees(root, config.snow.value_or(SnowConfig{}).each, config.node);
  root.finish();
  check_whole(config, root.errors());
  return config;
}

}  // namespace

ConfigOrErrors parse_config(std::string_view text, std::string file,
                            const std::vector<std::string>& modules) {
  ConfigErrors errors;
  Config config;
  try {
    const toml::table root = toml::parse(text, file);
    const Source source(text);
    config = read_root(TableReader(root, "", Place{1, 1}, source, errors), modules);
  } catch (const toml::parse_error& error) {
    errors.add(place(error.source()), std::string(error.description()));
  }
  config.file = std::move(file);
  return {std::move(config), errors.take()};
}

ConfigOrErrors read_config(const std::string& file, const std::vector<std::string>& modules) {
  const auto refuse = [&](std::string sentence) {
    ConfigOrErrors result;
    result.config.file = file;
    result.errors.push_back({Place{}, std::move(sentence)});
    return result;
  };
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string text(kMaxFile + 1, '\0');
  if (!in.read(text.data(), std::streamsize(text.size())) && !in.eof()) {
    return refuse(errno != 0 ? std::strerror(errno) : "cannot be read");
  }
  text.resize(size_t(in.gcount()));
  if (text.size() > kMaxFile) return refuse("is larger than 1 MiB");
  return parse_config(text, file, modules);
}

}  // namespace weft
