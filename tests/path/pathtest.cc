// SPDX-License-Identifier: Apache-2.0
// Runs path tests: a config, packets in, packets out, as text (*.pathtest).
//
//   about  TEXT
//   port   NAME [raw] [mac MAC] [mtu N] [address A/LENGTH]...
//   route  PREFIX/LENGTH port NAME mac MAC | unreachable | prohibit | blackhole
//   path   TEXT                  cut-through
//   host   TEXT                  its far end is the node itself
//   echo   TEXT                  its far end gives back what it gets
//   in     PORT PACKET           (packet_text.h)
//   out    PORT PACKET           the next one that must come out there; "id any" in its
//                                outermost header matches any identification
//   drops  PATH REASON COUNT     or: none
//
// Lines are done in order.  At the end nothing else may have come out, every path's
// books must balance, and every packet must be back in the pool.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/bytes.h"
#include "geni/geni.h"
#include "modules/arp.h"
#include "modules/eth.h"
#include "modules/flow.h"
#include "modules/icmp.h"
#include "modules/icmp6.h"
#include "modules/ip.h"
#include "modules/ip6.h"
#include "modules/udp.h"
#include "paths/policy_round_robin.h"
#include "tests/path/packet_text.h"
#include "tests/unit/testing/partners.h"

namespace weft {
namespace {

using test::EchoPartner;
using test::TestPartner;

struct Prefix {
  uint8_t family = 4;
  Address address{};
  uint8_t length = 0;
};

Prefix prefix(const std::string& text) {
  Prefix p;
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  p.family = address.find(':') == std::string::npos ? 4 : 6;
  if (::inet_pton(p.family == 4 ? AF_INET : AF_INET6, address.c_str(), p.address.data()) != 1) {
    throw std::runtime_error("'" + text + "' is not a prefix");
  }
  p.length =
      slash == std::string::npos ? (p.family == 4 ? 32 : 128) : uint8_t(std::stoi(text.substr(slash + 1)));
  return p;
}

MacAddress mac(const std::string& text) {
  MacAddress m{};
  std::istringstream in(text);
  for (uint8_t& byte : m) {
    unsigned value = 0;
    in >> std::hex >> value;
    in.ignore(1);
    byte = uint8_t(value);
  }
  return m;
}

// A node with test partners for devices.
class NodeTest : public ::testing::TestWithParam<std::filesystem::path> {
 protected:
  void TearDown() override {
    for (auto& [name, device] : devices_) {
      for (const PacketPtr& p : device->taken()) ADD_FAILURE() << "also out of " << name << ":\n" << hex(*p);
      device->lose_all();
    }
    geni_.for_each_path([](Opening, Path& path) {
      const Path::Ledger l = path.ledger();
      EXPECT_EQ(l.in_packets + l.made, l.out_packets + path.dropped() + path.held()) << path.text();
    });
    std::vector<Opening> open;
    geni_.for_each_path([&](Opening opening, Path& path) {
      host_.remove_path(path);
      open.push_back(opening);
    });
    for (Opening opening : open) geni_.close(opening);
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  void run(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb.empty() || verb.starts_with('#') || verb == "about") return;
    std::string rest;
    if (verb == "port") return port(words);
    if (verb == "route") return route(words);
    std::getline(words >> std::ws, rest);
    if (verb == "path" || verb == "host" || verb == "echo") return path(verb, rest);
    if (verb == "in" || verb == "out") {
      const size_t space = rest.find(' ');
      return verb == "in" ? in(rest.substr(0, space), rest.substr(space + 1))
                          : out(rest.substr(0, space), rest.substr(space + 1));
    }
    if (verb == "drops") return drops(rest);
    FAIL() << "'" << verb << "' is not a verb";
  }

 private:
  void port(std::istringstream& words) {
    std::string name, word, value;
    PartnerInfo info;
    std::vector<LocalAddress> addresses;
    words >> name;
    const auto number = uint16_t(geni_.port_count());
    while (words >> word) {
      if (word == "raw") {
        info.link = Link::kRaw;
        continue;
      }
      words >> value;
      if (word == "mac") info.mac = mac(value);
      if (word == "mtu") info.mtu = uint32_t(std::stoul(value));
      if (word == "address") {
        const Prefix p = prefix(value);
        addresses.push_back({p.family, number, p.address, p.length});
      }
    }
    devices_[name] = std::make_unique<TestPartner>(info);
    ASSERT_TRUE(geni_.add_port(name, *devices_[name], Opening{0}));
    for (const LocalAddress& a : addresses) {
      node_.addresses.add(a);
      NextHop local;
      local.kind = NextHop::kLocal;
      local.out_port = number;
      add_route({a.family, a.address, uint8_t(a.family == 4 ? 32 : 128)}, local);
    }
  }

  void route(std::istringstream& words) {
    std::string to, what, name, word, address;
    words >> to >> what;
    const Prefix destination = prefix(to);
    NextHop hop;
    if (what == "port") {
      words >> name >> word >> address;
      const Port& port = *geni_.find_port(name);
      hop.kind = NextHop::kForward;
      hop.out_port = port.number;
      hop.mtu = port.info.mtu;
      if (port.info.link == Link::kEthernet) {
        const MacAddress there = mac(address);
        hop.link_length = 14;
        std::copy(there.begin(), there.end(), hop.header);
        std::copy(port.info.mac.begin(), port.info.mac.end(), hop.header + 6);
        store_be16(hop.header + 12, destination.family == 4 ? 0x0800 : 0x86dd);
      }
    } else {
      hop.kind = what == "unreachable" ? NextHop::kUnreachable
                 : what == "prohibit"  ? NextHop::kProhibit
                                       : NextHop::kBlackhole;
    }
    add_route(destination, hop);
  }

  void add_route(const Prefix& to, const NextHop& hop) {
    fib_.next_hops.set(++next_hops_, hop);
    const auto added = to.family == 4 ? fib_.ip4.insert(to.address.data(), to.length, uint16_t(next_hops_))
                                      : fib_.ip6.insert(to.address.data(), to.length, uint16_t(next_hops_));
    ASSERT_TRUE(added);
  }

  void path(const std::string& verb, const std::string& text) {
    Partner* peer = verb == "host" ? static_cast<Partner*>(&host_) : verb == "echo" ? &echo_ : nullptr;
    auto opened = geni_.open(text, peer, Opening{0});
    ASSERT_TRUE(opened) << opened.error().sentence;
    if (verb == "echo") echo_.answer_through(geni_, *opened);
    if (verb != "host") return;
    Path& path = *geni_.path(*opened);
    host_.add_path(geni_.find_port(path.spec().near.chain[0].name)->number,
                   path.spec().near.chain.back().name == "ip6" ? 6 : 4, path);
  }

  void in(const std::string& device, const std::string& text) {
    ASSERT_TRUE(devices_.contains(device)) << device;
    auto bytes = test::packet_from_text(text);
    ASSERT_TRUE(bytes) << bytes.error().sentence;
    devices_[device]->will_give(pool_->copy(*bytes));
    while (worker_.round() > 0) {
    }
  }

  void out(const std::string& device, std::string text) {
    ASSERT_TRUE(devices_.contains(device)) << device;
    auto& taken = devices_[device]->taken();
    ASSERT_FALSE(taken.empty()) << "nothing came out of " << device;
    const PacketPtr got = std::move(taken.front());
    taken.pop_front();
    if (const size_t any = text.find("id any"); any != std::string::npos) {
      text.replace(any, 6, "id " + std::to_string(identification(*got, devices_[device]->link())));
    }
    auto expected = test::packet_from_text(text);
    ASSERT_TRUE(expected) << expected.error().sentence;
    EXPECT_EQ(hex(*got), test::hex_dump(*expected));
  }

  // Of an IPv4 packet: the node chooses it for its own packets.
  static uint16_t identification(const Packet& p, Link link) {
    const size_t at = (link == Link::kEthernet ? 14 : 0) + 4;
    return p.length < at + 2 ? 0 : load_be16(p.data + at);
  }

  void drops(const std::string& rest) {
    if (rest == "none") {
      geni_.for_each_path([](Opening, Path& path) { EXPECT_EQ(path.dropped(), 0u) << path.text(); });
      return;
    }
    const size_t count_at = rest.rfind(' ');
    const size_t reason_at = rest.rfind(' ', count_at - 1);
    const auto paths = geni_.find_paths(rest.substr(0, reason_at));
    ASSERT_EQ(paths.size(), 1u) << rest;
    const Path* const path = geni_.path(paths.front());
    const std::string reason = rest.substr(reason_at + 1, count_at - reason_at - 1);
    for (size_t i = 0; i < kDropReasons; ++i) {
      if (reason != name(DropReason(i))) continue;
      EXPECT_EQ(path->dropped(DropReason(i)), std::stoul(rest.substr(count_at + 1))) << rest;
      return;
    }
    FAIL() << "no drop reason '" << reason << "'";
  }

  static std::string hex(const Packet& p) {
    const std::string bytes = test::bytes_of(p);
    return test::hex_dump({bytes.begin(), bytes.end()});
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 4096, .pages = PageKind::k4K});
  ManualClock clock_;
  Fib fib_;
  uint32_t next_hops_ = 0;
  IpNode node_{fib_, *pool_, clock_};
  Host host_{node_};
  Neighbours neighbours_;
  FlowReader flow_;
  Demux demux_{fib_, flow_, *pool_};
  std::map<std::string, std::unique_ptr<TestPartner>> devices_;
  EchoPartner echo_;
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  EthModule eth_{node_, neighbours_, host_};
  ArpModule arp_{node_, neighbours_};
  Reassembly reassembly_{*pool_, clock_, worker_.timers()};
  IpModule ip_{node_, host_, reassembly_, demux_};
  IcmpModule icmp_{node_};
  Icmp6Module icmp6_{node_, neighbours_};
  UdpModule udp_{node_};
  Ip6Module ip6_{node_, host_, reassembly_, demux_};
  Geni geni_{worker_, demux_, {&eth_, &arp_, &ip_, &icmp_, &udp_, &ip6_, &icmp6_}, {}};
};

TEST_P(NodeTest, Runs) {
  std::ifstream file(GetParam());
  ASSERT_TRUE(file);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    SCOPED_TRACE(GetParam().filename().string() + ":" + std::to_string(number) + ": " + line);
    try {
      run(line);
    } catch (const std::exception& e) {
      FAIL() << e.what();
    }
    if (HasFatalFailure()) return;
  }
}

std::vector<std::filesystem::path> all_tests() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(WEFT_PATH_TESTS)) {
    if (entry.path().extension() == ".pathtest") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, NodeTest, ::testing::ValuesIn(all_tests()), [](const auto& test) {
  std::string name = test.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace weft
