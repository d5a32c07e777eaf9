// SPDX-License-Identifier: Apache-2.0
#include "config/checks.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "paths/path_text.h"

namespace weft {

namespace {

// The locale of the process must not decide what a name is.
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_inner(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; }

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// Takes "TEXT: column N: " off the front of a path error.  Returns N, or 1.
// A long text is shown by its first 120 characters and "...".
size_t split_column(std::string_view text, std::string& sentence) {
  constexpr std::string_view kMark = ": column ";
  const size_t mark = sentence.find(kMark, text.size() > 120 ? 123 : text.size());
  if (mark == std::string::npos) return 1;
  size_t column = 1;
  const char* const number = sentence.data() + mark + kMark.size();
  const auto [end, error] = std::from_chars(number, sentence.data() + sentence.size(), column);
  if (error != std::errc{} || !std::string_view(end).starts_with(": ")) return 1;
  sentence.erase(0, size_t(end - sentence.data()) + 2);
  return column;
}

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

void check_partners(const Config& config, ConfigErrors& errors) {
  Once once(errors);
  std::map<std::string, std::vector<const PartnerConfig*>> wires;
  for (const PartnerConfig& p : config.partners) {
    for (const IpPrefix& address : p.addresses) once.add("address " + to_text(address.address), p.at);
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

void check_joints(const Config& config, ConfigErrors& errors) {
  std::map<std::string, const JointConfig*> joined;
  for (const JointConfig& joint : config.joints) {
    if (joint.a == joint.b) {
      errors.add(joint.at, "a joint needs two partners, and " + quoted(joint.a) + " is both");
      continue;
    }
    for (const std::string& end : {joint.a, joint.b}) {
      if (!joined.emplace(end, &joint).second)
        errors.add(joint.at, "partner " + quoted(end) + " has a joint already");
      const PartnerConfig* partner = config.find_partner(end);
      if (partner != nullptr && !partner->addresses.empty()) {
        errors.add(joint.at, "partner " + quoted(end) + " has addresses, which a joint passes by");
      }
    }
  }
  for (const PathConfig& path : config.paths) {
    const auto spec = parse_path(path.text);
    if (!spec) continue;
    for (const PathSide* side : {&spec->near, &spec->far}) {
      if (side->chain.empty() || !joined.contains(side->chain[0].name)) continue;
      errors.add({path.at.line, path.at.column}, "partner " + quoted(side->chain[0].name) +
                                                     " has a joint, so no path can begin or end there");
    }
  }
  for (const PanNeighbourConfig& n :
       config.pan ? config.pan->neighbours : std::vector<PanNeighbourConfig>{}) {
    const auto spec = parse_path(n.carrier);
    if (spec && joined.contains(spec->near.chain[0].name)) {
      errors.add(n.at,
                 "partner " + quoted(spec->near.chain[0].name) + " has a joint, so it cannot carry capsules");
    }
  }
  for (const RouteConfig& route : config.routes) {
    if (joined.contains(route.port)) {
      errors.add(route.at, "partner " + quoted(route.port) + " has a joint, so no route can leave there");
    }
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
    std::string sentence = spec.error().sentence;
    const size_t column = split_column(text.value, sentence);
    errors_.add(text.place_of(column - 1), std::move(sentence));
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

void check_whole(const Config& config, ConfigErrors& errors) {
  if (config.partners.empty()) errors.add({1, 1}, "no partner: a node needs at least one [partner.NAME]");
  check_partners(config, errors);
  check_joints(config, errors);
  Once once(errors);
  for (const PathConfig& path : config.paths) {
    if (const auto spec = parse_path(path.text)) once.add("path " + quoted(to_text(*spec)), path.at);
  }
  for (const RouteConfig& route : config.routes) {
    IpPrefix network{route.to.network(), route.to.length};
    once.add("route to " + to_text(network), route.at);
  }
}

}  // namespace weft
