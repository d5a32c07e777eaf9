// SPDX-License-Identifier: Apache-2.0
// Config: what the operator wants, as passive data.
//
// Read from TOML by read.h; docs/config.md describes every key.  Each item keeps
// the place where it stands in the file, so that a failure at start can name it.
//
// Threads: a plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/ip_text.h"
#include "config/place.h"
#include "config/text.h"
#include "partner/partner.h"
#include "partner/pool.h"

namespace weft {

// What may lie in the files of one EE.
struct FilesConfig {
  uint64_t bytes = 64 * 1024 * 1024;
  uint64_t number = 4096;
};

struct NodeConfig {
  std::string name = "weft";
  bool forwarding = true;     // act as a router
  bool default_paths = true;  // open the usual paths of every port (docs/config.md)
  bool kernel_routes = true;  // follow the kernel's routes, neighbours and addresses
  bool busy = false;          // the worker never sleeps
  PoolSpec pool;
  std::optional<Text> files;  // the folder with a folder for each EE; none: EEs have no files
  FilesConfig each_files;
};

struct ControlConfig {
  std::string socket = "/run/weft/weft.sock";
};

// What an EE in a process of its own may have of the node.
struct SessionConfig {
  uint32_t packets = 1024;  // in each direction
  uint32_t objects = 4096;  // domains, channels, keys, open files
};

// EEs in other processes may join, each with so much.
struct SnowConfig {
  std::string socket = "/run/weft/snow.sock";
  Place at;  // of the socket, or of the table
  SessionConfig each;
};

// --- drivers: one struct for each, as its keys stand in [partner.NAME] --------

struct AfPacketConfig {
  std::string device;
  uint32_t ring_frames = 2048;
  bool promiscuous = false;
  bool offload = true;
};

struct TapConfig {
  std::string device;
  Link link = Link::kEthernet;  // kRaw: a TUN
  std::optional<uint32_t> mtu;
  bool offload = true;
};

struct UdpConfig {
  Endpoint local;
  Endpoint remote;
  Link link = Link::kRaw;
  uint32_t mtu = 1400;
};

struct PcapConfig {
  std::string read;     // a file to replay; empty: none
  std::string write;    // a file to record; empty: none
  bool timed = false;   // replay at the times in the file
  uint64_t passes = 1;  // through the file; 0: without end
  Link link = Link::kEthernet;
  uint32_t mtu = 1500;
};

// One end of a wire in memory; two partners name the same wire.
struct LoopConfig {
  std::string wire;
};

using DriverConfig = std::variant<AfPacketConfig, TapConfig, UdpConfig, PcapConfig, LoopConfig>;
const char* driver_name(const DriverConfig& driver);  // "af_packet"

struct AddressConfig {
  IpPrefix prefix;
  Place at;
};

struct PartnerConfig {
  std::string name;
  Place at;
  DriverConfig driver;
  std::vector<AddressConfig> addresses;  // that Weft owns on this link
};

// What a wire between two loop partners does to packets, in each direction.
struct WireConfig {
  std::string name;
  Place at;
  Link link = Link::kEthernet;
  uint32_t mtu = 1500;
  uint32_t queue = 1024;  // packets under way
  uint64_t delay_us = 0;
  uint64_t jitter_us = 0;  // at most delay_us
  double loss = 0;         // probability, 0 .. 1
  double reorder = 0;      // probability, 0 .. 1
  uint64_t rate_bits = 0;  // per second; 0: without limit
};

struct PathConfig {
  Text text;
};

struct JointConfig {
  std::string a, b;  // partners
  Place at;
};

struct RouteConfig {
  IpPrefix to;
  std::optional<IpAddress> via;  // none: on the link
  std::string port;              // a partner
  Place at;
  Place via_at;
};

// --- PAN: addresses of active nodes stay text, "10.0.0.1" or "127.0.0.1:4000" --------

struct PanNeighbourConfig {
  Text address;
  Text carrier;  // a path text: "udp0/pan"
};

struct PanRouteConfig {
  Text to;   // a prefix, an address, or "default"
  Text via;  // the address of a neighbour
};

struct PanConfig {
  Text address;
  std::vector<Text> carriers;  // path texts that capsules come in by
  std::vector<PanNeighbourConfig> neighbours;
  std::vector<PanRouteConfig> routes;
  std::optional<Text> code;       // a folder of code objects; none: the one that came with weftd
  bool interpreted = false;       // the engine: not JIT
  uint32_t budget = 100'000;      // instructions for each capsule
  std::optional<Text> principal;  // whose bounds are PAN's; none: it has none
  Place at;
};

// Who may have what of the node by the API.  At least one of: uid; certificate; issuer and
// subject; an EE or PAN names it.
struct PrincipalConfig {
  std::string name;
  Place at;
  std::optional<uint32_t> uid;
  std::optional<Text> certificate;  // a PEM file
  std::optional<Text> issuer;       // a PEM file
  std::optional<Text> subject;      // "CN=alice,O=Example"
  uint64_t memory = 0;              // bytes; 0, here and below: without bound
  uint64_t bandwidth = 0;           // bits per second
  uint32_t domains = 0;
  uint32_t channels = 0;
  uint32_t threads = 0;
  uint32_t priority = 0;     // the highest
  uint32_t cpu_percent = 0;  // of one CPU
  std::vector<Text> paths;   // texts that it may open; numbers may be ranges
};

// --- EEs ---------------------------------------------------------------------------

enum class RestartWhen : uint8_t { kNever, kOnFailure, kAlways };

struct EeConfig {
  std::string name;
  Place at;
  bool own_process = false;   // exec, not load
  std::vector<Text> command;  // the shared object or program, then its arguments
  RestartWhen restart = RestartWhen::kOnFailure;
  FilesConfig files;              // as NodeConfig says, unless it says more
  std::optional<Text> principal;  // that its domains draw on; none: as docs/config.md says
  // Of a process of its own:
  std::optional<Text> user;  // none: an unprivileged one, if weftd is root
  std::vector<Text> read;    // absolute paths that it may read besides
  uint64_t memory = 0;       // bytes; 0: no limit
  uint32_t cpu_percent = 0;  // of one CPU; 0: no limit
  SessionConfig session;     // as SnowConfig says, unless it says more
  bool isolate = true;
};

struct Config {
  std::string file;  // as it was named
  NodeConfig node;
  ControlConfig control;
  std::optional<SnowConfig> snow;
  std::vector<PartnerConfig> partners;  // in the order of the file
  std::vector<WireConfig> wires;
  std::vector<PathConfig> paths;
  std::vector<JointConfig> joints;
  std::vector<RouteConfig> routes;
  std::optional<PanConfig> pan;
  std::vector<PrincipalConfig> principals;
  std::vector<EeConfig> ees;  // in the order of the file

  const PartnerConfig* find_partner(std::string_view name) const;
  const WireConfig* find_wire(std::string_view name) const;
};

}  // namespace weft
