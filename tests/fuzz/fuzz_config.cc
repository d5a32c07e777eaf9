// SPDX-License-Identifier: Apache-2.0
// Any bytes as a config file.  Must hold:
//   - every error is one line, with a place in the file or just behind it, in the file's
//     order
//   - what is accepted is whole: names exist, path texts parse, wires have two ends, what
//     is joined is not used otherwise, numbers lie in the ranges of docs/config.md, and
//     addresses mean the same to those who will read them again
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/read.h"
#include "pan_ee/address.h"
#include "paths/path_text.h"
#include "tests/fuzz/require.h"

namespace weft::fuzz {
namespace {

const std::vector<std::string> kModules = {"eth", "arp", "ip", "ip6", "icmp", "icmp6", "udp", "pan"};

bool contains(const auto& all, std::string_view name) { return std::ranges::find(all, name) != all.end(); }

// --- errors ------------------------------------------------------------------

// Columns of each line, in characters; the newline counts as one, and so does the end of
// the file, which toml++ puts behind the last newline.
std::vector<size_t> widths(std::string_view text) {
  std::vector<size_t> widths(1, 1);
  for (char c : text) {
    if (c == '\n') {
      widths.push_back(1);
    } else {
      widths.back() += (uint8_t(c) & 0xc0) != 0x80;
    }
  }
  if (text.ends_with('\n')) ++widths[widths.size() - 2];
  return widths;
}

void check_errors(std::string_view text, const std::vector<ConfigError>& errors) {
  const std::vector<size_t> lines = widths(text);
  Place last;
  for (const ConfigError& e : errors) {
    require(e.at.line >= 1 && e.at.line <= lines.size(), e.sentence.c_str());
    require(e.at.column >= 1 && e.at.column <= lines[e.at.line - 1], e.sentence.c_str());
    require(e.at >= last, "in the order of the file");
    last = e.at;
    require(!e.sentence.empty());
    for (char c : e.sentence) require(uint8_t(c) >= ' ' && c != 0x7f, "an error is one line");
  }
}

// --- what was accepted -------------------------------------------------------

class Accepted {
 public:
  explicit Accepted(const Config& config) : config_(config) {}

  void check() {
    require(!config_.partners.empty());
    for (const JointConfig& joint : config_.joints) {
      require(joint.a != joint.b && joined_.insert(joint.a).second && joined_.insert(joint.b).second);
    }
    const NodeConfig& node = config_.node;
    require(node.pool.packets >= 256 && node.pool.packets <= 1u << 24);
    require(!config_.control.socket.empty() && config_.control.socket.size() <= 107);
    std::set<std::string> names;
    for (const PartnerConfig& p : config_.partners) {
      require(names.insert(p.name).second);
      require(config_.find_partner(p.name) == &p);
      check_partner(p);
    }
    for (const std::string& end : joined_) {
      const PartnerConfig* partner = config_.find_partner(end);
      require(partner != nullptr && partner->addresses.empty());
    }
    check_wires();
    std::set<std::string> texts;
    for (const PathConfig& path : config_.paths) {
      check_path(path.text);
      require(texts.insert(to_text(*parse_path(path.text.value))).second);
    }
    for (const RouteConfig& route : config_.routes) {
      check_port(route.port);
      check_prefix(route.to);
      if (route.via) require(route.via->family == route.to.address.family);
    }
    if (config_.pan) check_pan(*config_.pan);
    for (const PrincipalConfig& p : config_.principals) {
      require(!p.name.empty() && p.name.size() <= 63);
      require(p.uid || p.certificate || (p.issuer && p.subject));
      require(p.issuer.has_value() == p.subject.has_value());
      require(p.priority <= 7 && p.memory <= uint64_t{1} << 40 && p.bandwidth <= 1'000'000'000'000);
      require(p.domains <= 1u << 20 && p.channels <= 1u << 20 && p.threads <= 1u << 20);
      for (const Text& path : p.paths) check_path(path);
    }
    std::set<std::string> ees;
    for (const EeConfig& ee : config_.ees) {
      require(ees.insert(ee.name).second && ee.name != "pan" && ee.name != "mee");
      check_ee(ee);
    }
  }

 private:
  void check_port(const std::string& name) const {
    require(config_.find_partner(name) != nullptr && !joined_.contains(name), name.c_str());
  }
  static void check_address(const IpAddress& address) {
    const auto again = parse_ip(to_text(address));
    require(again && *again == address);
  }
  static void check_prefix(const IpPrefix& prefix) {
    require(prefix.length <= (prefix.address.family == 4 ? 32 : 128));
    const auto again = parse_prefix(to_text(prefix));
    require(again && *again == prefix);
  }
  static void check_endpoint(const Endpoint& endpoint) {
    const auto again = parse_endpoint(to_text(endpoint));
    require(again && *again == endpoint);
  }

  static void check_mtu(uint32_t mtu) { require(mtu >= 68 && mtu <= 65535); }
  static void check_driver(const AfPacketConfig& c) {
    require(!c.device.empty() && c.device.size() <= 15 && c.ring_frames >= 64 && c.ring_frames <= 65536);
  }
  static void check_driver(const TapConfig& c) {
    require(!c.device.empty() && c.device.size() <= 15);
    if (c.mtu) check_mtu(*c.mtu);
  }
  static void check_driver(const UdpConfig& c) {
    check_endpoint(c.local);
    check_endpoint(c.remote);
    require(c.local.address.family == c.remote.address.family);
    check_mtu(c.mtu);
  }
  static void check_driver(const PcapConfig& c) {
    require(!c.read.empty() || !c.write.empty());
    check_mtu(c.mtu);
  }
  static void check_driver(const LoopConfig& c) { require(!c.wire.empty()); }
  void check_partner(const PartnerConfig& p) const {
    std::visit([](const auto& driver) { check_driver(driver); }, p.driver);
    for (const AddressConfig& address : p.addresses) {
      check_prefix(address.prefix);
      require(address.prefix.length > 0);
    }
    // A name begins path texts.
    const auto as_path = parse_path(p.name);
    require(as_path && to_text(*as_path) == p.name, p.name.c_str());
  }

  void check_wires() const {
    std::map<std::string, int> ends;
    for (const PartnerConfig& p : config_.partners) {
      if (const auto* loop = std::get_if<LoopConfig>(&p.driver)) ++ends[loop->wire];
    }
    for (const auto& [wire, n] : ends) require(n == 2, wire.c_str());
    for (const WireConfig& wire : config_.wires) {
      require(ends.contains(wire.name) && config_.find_wire(wire.name) == &wire);
      check_mtu(wire.mtu);
      require(wire.queue >= 1 && wire.jitter_us <= wire.delay_us);
      require(wire.loss >= 0 && wire.loss <= 1 && wire.reorder >= 0 && wire.reorder <= 1);
      require(wire.reorder == 0 || wire.delay_us > 0);
    }
  }

  void check_path(const Text& text) const {
    const auto spec = parse_path(text.value);
    require(bool(spec), text.value.c_str());
    for (const PathSide* side : {&spec->near, &spec->far}) {
      for (size_t i = 0; i < side->chain.size(); ++i) {
        if (i == 0) check_port(side->chain[i].name);
        if (i > 0) require(contains(kModules, side->chain[i].name), text.value.c_str());
      }
    }
  }

  static void check_ee(const EeConfig& ee) {
    require(!ee.command.empty());
    const std::string& code = ee.command.front().value;
    require(ee.own_process ? code.starts_with('/') : code.find('/') != std::string::npos, code.c_str());
    for (const Text& word : ee.command) require(word.value.find('\0') == std::string::npos);
    require(ee.own_process || (!ee.user && ee.memory == 0 && ee.cpu_percent == 0 && ee.isolate));
    require(ee.memory == 0 || (ee.memory >= 1u << 20 && ee.memory <= uint64_t{1} << 44));
    require(ee.cpu_percent <= 102'400);
  }

  static void check_node(const Text& address) {
    const auto node = pan::parse_address(address.value);
    require(node && !node->none(), address.value.c_str());
  }
  void check_pan(const PanConfig& pan) const {
    check_node(pan.address);
    for (const Text& carrier : pan.carriers) check_path(carrier);
    for (const PanNeighbourConfig& n : pan.neighbours) {
      check_node(n.address);
      check_path(n.carrier);
    }
    for (const PanRouteConfig& route : pan.routes) {
      require(bool(pan::parse_prefix(route.to.value)), route.to.value.c_str());
      check_node(route.via);
    }
  }

  const Config& config_;
  std::set<std::string> joined_;
};

}  // namespace
}  // namespace weft::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::fuzz;
  // Of exactly this size: a std::string would hide a read of one byte too many.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto [config, errors] = weft::parse_config(text, "weft.toml", kModules);
  if (errors.empty()) {
    Accepted(config).check();
  } else {
    check_errors(text, errors);
  }
  return 0;
}
