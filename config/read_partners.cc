// SPDX-License-Identifier: Apache-2.0
#include "config/read_partners.h"

#include "base/bytes.h"
#include "config/checks.h"

namespace weft {

namespace {

constexpr int64_t kMinMtu = 68, kMaxMtu = 65535;  // RFC 791 3.2; the IPv4 length field
constexpr int64_t kMaxTapMtu = 65521;             // what fits 64 KB with a tagged Ethernet header
constexpr int64_t kMaxDatagram = 65489;           // in a datagram with an Ethernet header (udp.h)
constexpr size_t kMaxDevice = 15;                 // IFNAMSIZ - 1

std::string read_device(TableReader& table) {
  const auto device = table.required_text("device");
  if (!device) return {};
  if (device->value.empty() || device->value.size() > kMaxDevice ||
      device->value.find_first_of("/ \t\n") != std::string::npos) {
    table.errors().add(
        device->at,
        "'" + device->value + "' cannot be the name of an interface: 1 to 15 bytes, no '/' or space");
  }
  return device->value;
}

void read_link(TableReader& table, Link& link) {
  if (const auto kind = table.choice("link", {"ethernet", "raw"})) link = Link(*kind);
}

AfPacketConfig read_af_packet(TableReader& table) {
  AfPacketConfig c;
  c.device = read_device(table);
  table.number("ring_frames", 64, 65536, c.ring_frames);
  table.flag("promiscuous", c.promiscuous);
  table.flag("offload", c.offload);
  return c;
}

TapConfig read_tap(TableReader& table) {
  TapConfig c;
  c.device = read_device(table);
  read_link(table, c.link);
  if (table.has("mtu")) table.number("mtu", kMinMtu, kMaxTapMtu, c.mtu.emplace(1500));
  table.flag("offload", c.offload);
  return c;
}

UdpConfig read_udp(TableReader& table) {
  UdpConfig c;
  if (const auto local = table.required_text("local")) {
    take(parse_endpoint(local->value), *local, table.errors(), c.local);
  }
  if (const auto remote = table.required_text("remote")) {
    take(parse_endpoint(remote->value), *remote, table.errors(), c.remote);
  }
  read_link(table, c.link);
  table.number("mtu", kMinMtu, kMaxDatagram, c.mtu);
  return c;
}

PcapConfig read_pcap(TableReader& table) {
  PcapConfig c;
  table.text("read", c.read);
  table.text("write", c.write);
  table.flag("timed", c.timed);
  table.number("passes", 0, 1'000'000'000, c.passes);
  read_link(table, c.link);
  table.number("mtu", kMinMtu, kMaxMtu, c.mtu);
  if (c.read.empty() && c.write.empty()) {
    table.errors().add(table.at(), table.title() + " needs 'read', 'write', or both");
  }
  return c;
}

LoopConfig read_loop(TableReader& table) {
  LoopConfig c;
  if (const auto wire = table.required_text("wire")) {
    c.wire = wire->value;
    if (!is_name(c.wire)) table.errors().add(wire->at, not_a_name(c.wire));
  }
  return c;
}

// Nothing when the driver is missing or unknown: its keys then mean nothing.
std::optional<DriverConfig> read_driver(TableReader& table) {
  if (!table.required_text("driver")) return std::nullopt;
  const auto driver = table.choice("driver", {"af_packet", "tap", "udp", "pcap", "loop"});
  if (!driver) return std::nullopt;
  switch (*driver) {
    case 0:
      return read_af_packet(table);
    case 1:
      return read_tap(table);
    case 2:
      return read_udp(table);
    case 3:
      return read_pcap(table);
    default:
      return read_loop(table);
  }
}

// What it is instead of an address of somebody on a link; empty if it is one.
std::string_view no_host(const IpPrefix& prefix) {
  if (prefix.length == 0) return "covers every address";
  if (prefix.address.family != 4 || prefix.length > 30) return {};  // RFC 3021: a link of two has no others
  const uint32_t host = load_be32(prefix.address.bytes.data()) & (UINT32_MAX >> prefix.length);
  if (host == 0) return "is the network itself";
  return host == UINT32_MAX >> prefix.length ? "is the broadcast address of its network" : "";
}

std::vector<AddressConfig> read_addresses(TableReader& table) {
  std::vector<AddressConfig> addresses;
  for (const Text& text : table.texts("address")) {
    IpPrefix prefix;
    if (!take(parse_prefix(text.value), text, table.errors(), prefix)) continue;
    if (const std::string_view what = no_host(prefix); what.empty()) {
      addresses.push_back({prefix, text.at});
    } else {
      table.errors().add(
          text.at, "'" + text.value + "' " + std::string(what) + "; an address with its prefix was expected");
    }
  }
  return addresses;
}

}  // namespace

std::vector<PartnerConfig> read_partners(TableReader& root) {
  std::vector<PartnerConfig> partners;
  for (auto& [name, table] : root.named_tables("partner")) {
    if (!is_name(name)) table.errors().add(table.at(), not_a_name(name));
    PartnerConfig partner{name, table.at(), {}, read_addresses(table)};
    const auto driver = read_driver(table);
    if (driver) {
      partner.driver = *driver;
      table.finish();
    }
    partners.push_back(std::move(partner));
  }
  return partners;
}

std::vector<WireConfig> read_wires(TableReader& root) {
  std::vector<WireConfig> wires;
  for (auto& [name, table] : root.named_tables("wire")) {
    WireConfig wire;
    wire.name = name;
    wire.at = table.at();
    read_link(table, wire.link);
    table.number("mtu", kMinMtu, kMaxMtu, wire.mtu);
    table.number("queue", 1, 1 << 20, wire.queue);
    table.number("delay_us", 0, 60'000'000, wire.delay_us);
    table.number("jitter_us", 0, 60'000'000, wire.jitter_us);
    table.fraction("loss", wire.loss);
    table.fraction("reorder", wire.reorder);
    table.number("rate_bits", 0, 1'000'000'000'000, wire.rate_bits);
    if (wire.jitter_us > wire.delay_us) table.refuse("jitter_us", "'jitter_us' is larger than 'delay_us'");
    if (wire.reorder > 0 && wire.delay_us == 0) table.refuse("reorder", "'reorder' needs a 'delay_us'");
    table.finish();
    wires.push_back(wire);
  }
  return wires;
}

}  // namespace weft
