// SPDX-License-Identifier: Apache-2.0
// weftd: the node as a daemon.  The protocols and drivers that it knows stand here, by hand;
// assembly.cc joins them with what every node has.
//
// Exit codes: 0 stopped when asked to, 1 it failed (one sentence for each reason on
// standard error), 2 wrong usage.
#include <spdlog/sinks/stdout_sinks.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "config/checks.h"
#include "config/read.h"
#include "modules/arp.h"
#include "modules/eth.h"
#include "modules/icmp.h"
#include "modules/icmp6.h"
#include "modules/ip.h"
#include "modules/ip6.h"
#include "modules/pan.h"
#include "modules/udp.h"
#include "partner/af_packet.h"
#include "partner/loop.h"
#include "partner/pcap.h"
#include "partner/tap.h"
#include "partner/udp.h"
#include "tools/options/given_value.h"
#include "tools/weftd/daemon.h"
#include "tools/weftd/default_config.h"
#include "tools/weftd/ee_needs.h"
#include "tools/weftd/rehearsal.h"

namespace {

using namespace weft;

// --- the protocols that paths are made of ------------------------------------

using MadeModule = std::unique_ptr<Module>;

constexpr ModulePart kModules[] = {
    {"eth",
     [](NodeServices& n) -> MadeModule { return std::make_unique<EthModule>(n.ip, n.neighbours, n.host); }},
    {"arp", [](NodeServices& n) -> MadeModule { return std::make_unique<ArpModule>(n.ip, n.neighbours); }},
    {"ip",
     [](NodeServices& n) -> MadeModule {
       return std::make_unique<IpModule>(n.ip, n.host, n.reassembly, n.sorter);
     }},
    {"ip6",
     [](NodeServices& n) -> MadeModule {
       return std::make_unique<Ip6Module>(n.ip, n.host, n.reassembly, n.sorter);
     }},
    {"icmp", [](NodeServices& n) -> MadeModule { return std::make_unique<IcmpModule>(n.ip); }},
    {"icmp6",
     [](NodeServices& n) -> MadeModule { return std::make_unique<Icmp6Module>(n.ip, n.neighbours); }},
    {"pan", [](NodeServices&) -> MadeModule { return std::make_unique<PanModule>(); }},
    {"udp", [](NodeServices& n) -> MadeModule { return std::make_unique<UdpModule>(n.ip); }},
};

// --- the drivers that partners can have ----------------------------------------

template <typename P>
MadePartner as_partner(Result<std::unique_ptr<P>> made) {
  if (!made) return made.error();
  return MadePartner(std::move(*made));
}

struct Drivers {
  const WireConfig& wire;
  NodeServices& node;

  MadePartner operator()(const AfPacketConfig& c) const {
    return as_partner(AfPacket::create({.interface = c.device,
                                        .ring_frames = c.ring_frames,
                                        .promiscuous = c.promiscuous,
                                        .offload = c.offload},
                                       node.pool, node.clock));
  }
  MadePartner operator()(const TapConfig& c) const {
    return as_partner(TapPartner::create(
        {.name = c.device, .tun = c.link == Link::kRaw, .mtu = c.mtu.value_or(0), .offload = c.offload},
        node.pool, node.clock));
  }
  MadePartner operator()(const UdpConfig& c) const {
    return as_partner(UdpPartner::create(
        {.local = to_text(c.local), .remote = to_text(c.remote), .link = c.link, .mtu = c.mtu}, node.pool));
  }
  MadePartner operator()(const PcapConfig& c) const {
    return as_partner(PcapPartner::create({.read = c.read,
                                           .write = c.write,
                                           .timed = c.timed,
                                           .passes = c.passes,
                                           .link = c.link,
                                           .mtu = c.mtu},
                                          node.pool, node.clock));
  }
  MadePartner operator()(const LoopConfig&) const {
    return as_partner(LoopPartner::create({.name = wire.name,
                                           .link = wire.link,
                                           .mtu = wire.mtu,
                                           .line = {.queue = wire.queue,
                                                    .delay_ns = wire.delay_us * 1000,
                                                    .jitter_ns = wire.jitter_us * 1000,
                                                    .loss = wire.loss,
                                                    .reorder = wire.reorder,
                                                    .rate = wire.rate_bits}},
                                          node.clock));
  }
};

const Parts kParts{
    .modules = kModules,
    .make_partner = [](const DriverConfig& driver, const WireConfig& wire,
                       NodeServices& node) -> MadePartner {
      return std::visit(Drivers{wire, node}, driver);
    },
};

// --- the command line ----------------------------------------------------------

struct Arguments {
  std::string config;  // empty: the default
  std::string socket;  // in place of the config's; empty: the config's
  bool check = false;
  bool print_default = false;
};

ConfigOrErrors read(const Arguments& arguments) {
  std::vector<std::string> modules;
  for (const ModulePart& part : kModules) modules.emplace_back(part.name);
  auto result = arguments.config.empty() ? parse_config(kDefaultConfig, "(default config)", modules)
                                         : read_config(arguments.config, modules);
  if (!arguments.socket.empty() && result.errors.empty()) {
    result.config.control.socket = arguments.socket;
    ConfigErrors errors;
    check_sockets(result.config, errors);
    result.errors = errors.take();
  }
  if (result.errors.empty()) result.errors = rehearse(result.config, kParts);
  return result;
}

int run(const Arguments& arguments) {
  if (arguments.print_default) {
    std::fputs(kDefaultConfig, stdout);
    return 0;
  }
  const auto [config, errors] = read(arguments);
  for (const ConfigError& error : errors) {
    std::fprintf(stderr, "%s\n", at(config.file, error.at, error.sentence).c_str());
  }
  if (!errors.empty()) return 1;
  if (arguments.check) {
    for (const ConfigError& need : missing_needs(config.ees)) {
      std::fprintf(stderr, "%s\n", at(config.file, need.at, "warning: " + need.sentence).c_str());
    }
    std::printf("%s: ok\n", config.file.c_str());
    return 0;
  }
  Logger log("weftd", std::make_shared<spdlog::sinks::stderr_sink_st>());
  const auto done = run_daemon(config, kParts, log);
  if (done) return 0;
  std::fprintf(stderr, "weftd: %s\n", done.error().sentence.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("A path-based NodeOS: routes packets along paths, and hosts execution environments", "weftd");
  app.set_version_flag("--version", "weftd " WEFT_VERSION);
  app.add_option("--config", arguments.config, "The config (TOML); without it, a small default is run")
      ->check(given_value());
  app.add_option("--socket", arguments.socket, "Where to listen for weft, in place of what the config says")
      ->check(given_value());
  app.add_flag("--check", arguments.check, "Only check the config");
  app.add_flag("--print-default", arguments.print_default, "Only print the default config");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(arguments);
}
