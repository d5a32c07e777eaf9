// SPDX-License-Identifier: Apache-2.0
#include "config/checks.h"

#include <algorithm>
#include <map>
#include <set>

#include "paths/path_text.h"

namespace weft {

namespace {

// The locale of the process must not decide what a name is.
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_inner(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; }

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// Remembers where each thing was said first, and reports the second time.
class Once {
 public:
  explicit Once(ConfigErrors& errors) : errors_(errors) {}
  void add(const std::string& what, Place at) {
    const auto [first, fresh] = seen_.emplace(what, at);
    if (!fresh) errors_.add(at, what + " stands already in line " + std::to_string(first->second.line));
  }

 private:
  ConfigErrors& errors_;
  std::map<std::string, Place> seen_;
};

// Of an interface whose kernel is followed, the kernel has the addresses.
void check_owner(const Config& config, const PartnerConfig& p, ConfigErrors& errors) {
  const auto* device = std::get_if<AfPacketConfig>(&p.driver);
  if (device == nullptr || !config.node.kernel_routes || p.addresses.empty()) return;
  errors.add(p.addresses.front().at, "the kernel has the addresses of " + quoted(device->device) +
                                         ": set it there, with 'ip address add " +
                                         to_text(p.addresses.front().prefix) + " dev " + device->device +
                                         "'");
}

void check_partners(const Config& config, ConfigErrors& errors) {
  Once once(errors);
  std::map<std::string, std::vector<const PartnerConfig*>> wires;
  for (const PartnerConfig& p : config.partners) {
    for (const AddressConfig& a : p.addresses) once.add("address " + to_text(a.prefix.address), a.at);
    check_owner(config, p, errors);
    if (const auto* device = std::get_if<AfPacketConfig>(&p.driver))
      once.add("device " + quoted(device->device), p.at);
    if (const auto* tap = std::get_if<TapConfig>(&p.driver)) once.add("device " + quoted(tap->device), p.at);
    if (const auto* udp = std::get_if<UdpConfig>(&p.driver)) {
      if (udp->local.address.family != udp->remote.address.family) {
        errors.add(p.at, "'local' and 'remote' of [partner." + p.name + "] are of different families");
      }
      once.add("local " + to_text(udp->local) + " with remote " + to_text(udp->remote), p.at);
    }
    if (const auto* pcap = std::get_if<PcapConfig>(&p.driver); pcap != nullptr && !pcap->write.empty()) {
      once.add("output file " + quoted(pcap->write), p.at);
    }
    if (const auto* loop = std::get_if<LoopConfig>(&p.driver)) wires[loop->wire].push_back(&p);
  }
  for (const auto& [wire, ends] : wires) {
    if (ends.size() == 2) continue;
    errors.add(ends.back()->at, "wire " + quoted(wire) + " has " + std::to_string(ends.size()) +
                                    (ends.size() == 1 ? " end" : " ends") +
                                    "; two loop partners name one wire");
  }
  for (const WireConfig& wire : config.wires) {
    if (!wires.contains(wire.name)) errors.add(wire.at, "no loop partner names wire " + quoted(wire.name));
  }
}

using Joined = std::set<std::string>;

// Returns who has a joint.
Joined check_joints(const Config& config, ConfigErrors& errors) {
  Joined joined;
  for (const JointConfig& joint : config.joints) {
    if (joint.a == joint.b) {
      errors.add(joint.at, "a joint needs two partners, and " + quoted(joint.a) + " is both");
      continue;
    }
    for (const std::string& end : {joint.a, joint.b}) {
      if (!joined.insert(end).second) errors.add(joint.at, "partner " + quoted(end) + " has a joint already");
      const PartnerConfig* partner = config.find_partner(end);
      if (partner != nullptr && !partner->addresses.empty()) {
        errors.add(joint.at, "partner " + quoted(end) + " has addresses, which a joint passes by");
      }
    }
  }
  for (const PathConfig& path : config.paths) {
    const auto spec = parse_path(path.text.value);
    if (!spec) continue;
    for (const PathSide* side : {&spec->near, &spec->far}) {
      if (side->chain.empty() || !joined.contains(side->chain[0].name)) continue;
      errors.add(
          path.text.place_of(side->chain[0].column - 1),
          "partner " + quoted(side->chain[0].name) + " has a joint, so no path can begin or end there");
    }
  }
  for (const RouteConfig& route : config.routes) {
    if (joined.contains(route.port)) {
      errors.add(route.at, "partner " + quoted(route.port) + " has a joint, so no route can leave there");
    }
  }
  return joined;
}

// One spelling for one address of a node; nothing when it is none.
std::string canonical_node(const std::string& text) {
  if (const auto address = parse_ip(text)) return to_text(*address);
  if (const auto endpoint = parse_endpoint(text)) return to_text(*endpoint);
  return {};
}
// The same for a prefix of them.
std::string canonical_prefix(const std::string& text) {
  if (const auto prefix = parse_prefix(text)) return to_text(*prefix);
  return text == "default" ? text : canonical_node(text);
}

void check_carrier(const Text& carrier, const Joined& joined, ConfigErrors& errors) {
  const auto spec = parse_path(carrier.value);
  if (!spec || !joined.contains(spec->near.chain[0].name)) return;
  errors.add(carrier.place_of(spec->near.chain[0].column - 1),
             "partner " + quoted(spec->near.chain[0].name) + " has a joint, so it cannot carry capsules");
}

void check_pan(const PanConfig& pan, const Joined& joined, ConfigErrors& errors) {
  for (const Text& carrier : pan.carriers) check_carrier(carrier, joined, errors);
  Once neighbours(errors), routes(errors);
  std::vector<std::string> known;
  for (const PanNeighbourConfig& n : pan.neighbours) {
    if (std::ranges::find(pan.carriers, n.carrier.value, &Text::value) == pan.carriers.end()) {
      check_carrier(n.carrier, joined, errors);
    }
    const std::string address = canonical_node(n.address.value);
    if (address.empty()) continue;
    if (address == canonical_node(pan.address.value)) {
      errors.add(n.address.at, quoted(address) + " is this node itself; the address of another was expected");
    }
    if (std::ranges::find(known, address) == known.end()) {
      routes.add("route to " + canonical_prefix(address), n.address.at);
    }
    neighbours.add("neighbour " + address, n.address.at);
    known.push_back(address);
  }
  for (const PanRouteConfig& r : pan.routes) {
    if (const std::string to = canonical_prefix(r.to.value); !to.empty())
      routes.add("route to " + to, r.to.at);
    const std::string via = canonical_node(r.via.value);
    if (via.empty() || std::ranges::find(known, via) != known.end()) continue;
    errors.add(r.via.at, "no [[pan.neighbour]] has the address " + quoted(via) + did_you_mean(via, known));
  }
}

// One process has one instance of a shared object: its second EE would be the first.
void check_loaded(const std::vector<EeConfig>& ees, ConfigErrors& errors) {
  Once once(errors);
  for (const EeConfig& ee : ees) {
    if (ee.own_process || ee.command.empty()) continue;
    once.add("shared object " + quoted(normal_path(ee.command.front().value)), ee.command.front().at);
  }
}

// Whom an EE names there is, and everybody can be recognised by something.
void check_principals(const Config& config, ConfigErrors& errors) {
  std::vector<std::string> known;
  for (const PrincipalConfig& p : config.principals) known.push_back(p.name);
  std::set<std::string> named;
  const auto check = [&](const std::optional<Text>& principal) {
    if (!principal) return;
    named.insert(principal->value);
    if (std::ranges::find(known, principal->value) != known.end()) return;
    errors.add(principal->at,
               "no principal " + quoted(principal->value) + did_you_mean(principal->value, known));
  };
  for (const EeConfig& ee : config.ees) check(ee.principal);
  if (config.pan) check(config.pan->principal);
  for (const PrincipalConfig& p : config.principals) {
    if (p.uid || p.certificate || p.issuer || p.subject || named.contains(p.name)) continue;
    errors.add(p.at, "[principal." + p.name +
                         "] needs 'uid', 'certificate', or 'issuer' and 'subject', or an [ee.NAME] whose "
                         "'principal' it is");
  }
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, is_inner);
}

std::string not_a_name(std::string_view text) {
  return quoted(text) + " is not a name: a letter, then letters, digits, '_', '-' or '.'";
}

NameCheck::NameCheck(const std::vector<PartnerConfig>& partners, const std::vector<std::string>& modules,
                     ConfigErrors& errors)
    : modules_(modules), errors_(errors) {
  for (const PartnerConfig& p : partners) partners_.push_back(p.name);
}

void NameCheck::partner(const Text& name) const {
  if (std::ranges::find(partners_, name.value) != partners_.end()) return;
  errors_.add(name.at, "no partner " + quoted(name.value) + did_you_mean(name.value, partners_));
}

void NameCheck::path(const Text& text) const {
  const auto spec = parse_path(text.value);
  if (!spec) {
    errors_.add(mistake_in_path(text, spec.error()));
    return;
  }
  side(text, spec->near);
  if (spec->cut()) side(text, spec->far);
}

void NameCheck::side(const Text& text, const PathSide& side) const {
  for (size_t i = 0; i < side.chain.size(); ++i) {
    const ChainLink& link = side.chain[i];
    const auto& known = i == 0 ? partners_ : modules_;
    if (std::ranges::find(known, link.name) != known.end()) continue;
    errors_.add(text.place_of(link.column - 1),
                (i == 0 ? "no partner " : "no module ") + quoted(link.name) + did_you_mean(link.name, known));
  }
}

void check_sockets(const Config& config, ConfigErrors& errors) {
  if (!config.snow || normal_path(config.snow->socket) != normal_path(config.control.socket)) return;
  errors.add(config.snow->at,
             quoted(config.snow->socket) + " is where weft reaches the node; another socket was expected");
}

void check_whole(const Config& config, ConfigErrors& errors) {
  if (config.partners.empty()) errors.add({1, 1}, "no partner: a node needs at least one [partner.NAME]");
  check_partners(config, errors);
  const Joined joined = check_joints(config, errors);
  if (config.pan) check_pan(*config.pan, joined, errors);
  check_principals(config, errors);
  check_sockets(config, errors);
  check_loaded(config.ees, errors);
  Once once(errors);
  for (const PathConfig& path : config.paths) {
    if (const auto spec = parse_path(path.text.value)) {
      once.add("path " + quoted(to_text(*spec)), path.text.place_of(0));
    }
  }
  for (const RouteConfig& route : config.routes) {
    once.add("route to " + to_text(route.to), route.at);
  }
}

}  // namespace weft
