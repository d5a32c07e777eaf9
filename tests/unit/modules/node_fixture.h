// SPDX-License-Identifier: Apache-2.0
// A small node for tests of the protocol modules: two Ethernet ports and a raw one,
// a routing table, and paths made by the real builder.
//
//   eth0  02:00:00:00:00:01  10.0.0.1/24   neighbour 10.0.0.2 at 02:..:aa
//   eth1  02:00:00:00:00:02  10.0.1.1/24   neighbour 10.0.1.2 at 02:..:bb
//   udp0  raw                10.0.2.1/30   neighbour 10.0.2.2
//
// At the end of every test, what went in and was made went out, was dropped, or is
// held; and every packet is back in the pool.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "modules/arp.h"
#include "modules/eth.h"
#include "modules/icmp.h"
#include "modules/icmp6.h"
#include "modules/ip.h"
#include "modules/ip4_header.h"
#include "modules/ip6.h"
#include "modules/udp.h"
#include "paths/builder.h"
#include "tests/path/packet_text.h"
#include "tests/unit/testing/partners.h"

namespace weft::test {

using Bytes = std::vector<uint8_t>;

inline Bytes text(std::string_view t) {
  auto bytes = packet_from_text(t);
  EXPECT_TRUE(bool(bytes)) << t << ": " << (bytes ? "" : bytes.error().sentence);
  return bytes ? *bytes : Bytes{};
}

inline Bytes bytes_in(const Packet& p) {
  const std::string s = bytes_of(p);
  return {s.begin(), s.end()};
}

// The Internet checksum of [from, to), word by word: not the code under test.
inline uint16_t plain_checksum(const Bytes& b, size_t from, size_t to, uint32_t sum = 0) {
  for (size_t i = from; i < to; i += 2) sum += uint32_t(b[i]) << 8 | (i + 1 < to ? b[i + 1] : 0);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return uint16_t(~sum);
}

// An IPv4 packet is what it says: length, header checksum, and the transport's.
inline void expect_true_ip4(const Bytes& b, size_t at) {
  ASSERT_GE(b.size(), at + 20);
  const size_t header = (b[at] & 15u) * 4u;
  const size_t total = size_t(b[at + 2]) << 8 | b[at + 3];
  ASSERT_EQ(b[at] >> 4, 4);
  ASSERT_GE(header, 20u);
  ASSERT_EQ(total, b.size() - at);
  ASSERT_LE(header, total);
  EXPECT_EQ(plain_checksum(b, at, at + header), 0);
  const bool fragment = (b[at + 6] & 0x3f) != 0 || b[at + 7] != 0;
  if (fragment) return;
  const size_t l4 = at + header;
  if (b[at + 9] == 1) {
    EXPECT_EQ(plain_checksum(b, l4, b.size()), 0);
  }
  if (b[at + 9] == 17 && b.size() >= l4 + 8 && (b[l4 + 6] | b[l4 + 7]) != 0) {
    uint32_t pseudo = 17 + uint32_t(total - header);
    for (size_t i = at + 12; i < at + 20; i += 2) pseudo += uint32_t(b[i]) << 8 | b[i + 1];
    EXPECT_EQ(plain_checksum(b, l4, b.size(), pseudo), 0);
  }
}

class NodeFixture : public ::testing::Test {
 protected:
  // Gives what is sorted again to `resort_to`, as the demux would.
  struct TestSorter final : Sorter {
    explicit TestSorter(NodeFixture& of) : node(of) {}
    void sort(uint16_t in_port, Pvec& v) override {
      while (!v.empty()) {
        PacketPtr p = v.pop_front();
        sorted.push_back(bytes_in(*p));
        EXPECT_EQ(p->in_port, in_port);
        ASSERT_NE(node.resort_to_, nullptr);
        node.resort_to_->enqueue(End::kNear, std::move(p));
      }
    }
    NodeFixture& node;
    std::vector<Bytes> sorted;
  };

  static constexpr uint32_t kToNeighbour0 = 1, kToNeighbour1 = 2, kToNeighbour2 = 3, kLink0 = 4, kLink1 = 5,
                            kLocal = 6, kUnreachable = 7, kProhibit = 8, kBlackhole = 9, kDefault = 10;

  NodeFixture() {
    add_port("eth0", Link::kEthernet, {2, 0, 0, 0, 0, 1}, 1500);
    add_port("eth1", Link::kEthernet, {2, 0, 0, 0, 0, 2}, 1500);
    add_port("udp0", Link::kRaw, {}, 1400);
    add_address(0, "10.0.0.1", 24);
    add_address(1, "10.0.1.1", 24);
    add_address(2, "10.0.2.1", 30);

    set_hop(kToNeighbour0, NextHop::kForward, 0, 0xaa);
    set_hop(kToNeighbour1, NextHop::kForward, 1, 0xbb);
    set_hop(kToNeighbour2, NextHop::kForward, 2, 0);
    set_hop(kLink0, NextHop::kResolve, 0, 0);
    set_hop(kLink1, NextHop::kResolve, 1, 0);
    set_hop(kLocal, NextHop::kLocal, Packet::kNoPort, 0);
    set_hop(kUnreachable, NextHop::kUnreachable, Packet::kNoPort, 0);
    set_hop(kProhibit, NextHop::kProhibit, Packet::kNoPort, 0);
    set_hop(kBlackhole, NextHop::kBlackhole, Packet::kNoPort, 0);
    route("10.0.0.0", 24, kLink0);
    route("10.0.1.0", 24, kLink1);
    route("10.0.2.0", 30, kToNeighbour2);
    route("10.0.0.2", 32, kToNeighbour0);
    route("10.0.1.2", 32, kToNeighbour1);
    route("10.0.0.1", 32, kLocal);
    route("10.0.1.1", 32, kLocal);
    route("10.0.2.1", 32, kLocal);
    route("10.9.1.0", 24, kUnreachable);
    route("10.9.2.0", 24, kProhibit);
    route("10.9.3.0", 24, kBlackhole);
    route("192.168.0.0", 16, kToNeighbour1);  // a network behind that neighbour
    node_.icmp_limit.set(0, 1);
  }

  ~NodeFixture() override {
    for (auto& [name, path] : paths_) {
      path->close();
      const Path::Ledger ledger = path->ledger();
      EXPECT_EQ(ledger.in_packets + ledger.made, ledger.out_packets + path->dropped() + path->held()) << name;
      host_.remove_path(*path);
    }
    for (auto& device : devices_) device->lose_all();
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  static Address address(const char* dotted) {
    Address a{};
    EXPECT_EQ(::inet_pton(AF_INET, dotted, a.data()), 1) << dotted;
    return a;
  }
  void route(const char* prefix, unsigned length, uint32_t hop) {
    ASSERT_TRUE(bool(fib_.ip4.insert(address(prefix).data(), length, uint16_t(hop))));
  }
  void set_hop(uint32_t index, NextHop::Kind kind, uint16_t port, uint8_t last_of_mac) {
    NextHop hop;
    hop.kind = kind;
    hop.out_port = port;
    if (port < ports_.size()) hop.mtu = ports_[port]->info.mtu;
    if (kind == NextHop::kForward && ports_[port]->info.link == Link::kEthernet) {
      hop.link_length = 14;
      const uint8_t header[14] = {2, 0, 0, 0, 0, last_of_mac, 2, 0, 0, 0, 0, uint8_t(port + 1), 8, 0};
      std::memcpy(hop.header, header, sizeof header);
    }
    fib_.next_hops.set(index, hop);
  }
  // The node's addresses are the kernel's, which hears what comes in at port 0, or does not.
  void give_addresses_to_kernel(bool hears) {
    set_hop(kLocal, NextHop::kKernel, Packet::kNoPort, 0);
    fib_.heard_by_kernel = {hears};
  }
  void set_mtu(uint32_t hop_index, uint32_t mtu) {
    NextHop hop = fib_.next_hops[hop_index];
    hop.mtu = mtu;
    fib_.next_hops.set(hop_index, hop);
  }

  // A path of that text, joined to its devices; its far end to the host unless it is
  // cut through.
  Path& open(const std::string& path_text, Partner* far = nullptr, Pool* finish_in = nullptr) {
    Builder builder(
        modules_, [this](std::string_view name) { return find_port(name); },
        [] { return std::vector<std::string>{}; });
    auto built = builder.build(path_text, {}, nullptr, finish_in);
    if (!built) {
      ADD_FAILURE() << built.error().sentence;
      std::abort();
    }
    keys_[path_text] = built->key;
    Path& path = *built->path;
    path.join(End::kNear, devices_[built->near->number].get(), Opening{0});
    if (built->far != nullptr) {
      path.join(End::kFar, devices_[built->far->number].get(), Opening{0});
    } else {
      path.join(End::kFar, far != nullptr ? far : &host_, Opening{0});
    }
    paths_[path_text] = std::move(built->path);
    return path;
  }
  std::string refusal(const std::string& path_text) {
    Builder builder(
        modules_, [this](std::string_view name) { return find_port(name); },
        [] { return std::vector<std::string>{}; });
    auto built = builder.build(path_text);
    return built ? "" : built.error().sentence;
  }
  // "PORT/ip", known to the host.
  Path& open_host_path(uint16_t port) {
    Path& path = open(ports_[port]->name + "/ip");
    host_.add_path(port, 4, path);
    return path;
  }

  PacketPtr packet_of(const Bytes& b, uint16_t in_port = 0) {
    PacketPtr p = pool_->copy(b);
    p->in_port = in_port;
    return p;
  }
  // Sends one packet into the near end, with the route that the demux would find.
  void give(Path& path, PacketPtr p, uint32_t link_header = 14) {
    uint8_t destination[4];
    if (p->length >= link_header + 20) {
      std::memcpy(destination, p->data + link_header + 16, 4);
      p->next_hop = fib_.ip4.find(destination);
    }
    path.enqueue(End::kNear, std::move(p));
    run();
  }
  void give(Path& path, const Bytes& b) { give(path, packet_of(b)); }
  void give(Path& path, std::string_view t) { give(path, text(t)); }

  // Until all paths are quiet.
  void run() {
    for (bool any = true; any;) {
      any = false;
      for (auto& [name, path] : paths_) any = path->run() > 0 || any;
    }
  }

  // What a device was given, oldest first, as bytes.
  std::vector<Bytes> sent(uint16_t port) {
    std::vector<Bytes> all;
    auto& taken = devices_[port]->taken();
    for (const PacketPtr& p : taken) all.push_back(bytes_in(*p));
    taken.clear();
    return all;
  }

  Port* find_port(std::string_view name) {
    for (auto& port : ports_) {
      if (port->name == name) return port.get();
    }
    return nullptr;
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 4096, .pages = PageKind::k4K});
  Fib fib_;
  ManualClock clock_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<TestPartner>> devices_;
  IpNode node_{.fib = fib_, .pool = *pool_, .clock = clock_};
  Host host_{node_};
  Neighbours neighbours_;
  EthModule eth_{node_, neighbours_, host_};
  Timers timers_;
  TestSorter sorter_{*this};
  Reassembly reassembly_{*pool_, clock_, timers_};
  IpModule ip_{node_, host_, reassembly_, sorter_};
  IcmpModule icmp_{node_};
  UdpModule udp_{node_};
  ArpModule arp_{node_, neighbours_};
  Ip6Module ip6_{node_, host_, reassembly_, sorter_};
  Icmp6Module icmp6_{node_, neighbours_};
  std::vector<Module*> modules_{&eth_, &arp_, &ip_, &icmp_, &udp_, &ip6_, &icmp6_};
  std::map<std::string, std::unique_ptr<Path>> paths_;
  std::map<std::string, DemuxKey> keys_;
  Path* resort_to_ = nullptr;

 private:
  void add_port(const char* name, Link link, MacAddress mac, uint32_t mtu) {
    auto port = std::make_unique<Port>();
    port->number = uint16_t(ports_.size());
    port->name = name;
    port->info.link = link;
    port->info.mac = mac;
    port->info.mtu = mtu;
    devices_.push_back(std::make_unique<TestPartner>(port->info));
    port->partner = devices_.back().get();
    ports_.push_back(std::move(port));
  }
  void add_address(uint16_t port, const char* dotted, uint8_t length) {
    node_.addresses.add({.family = 4, .port = port, .address = address(dotted), .length = length});
  }
};

}  // namespace weft::test
