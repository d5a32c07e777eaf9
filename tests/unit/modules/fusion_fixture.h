// SPDX-License-Identifier: Apache-2.0
// What the tests of Fusion stand on: packets as strings of bytes, and a node of three ports,
// A and B on Ethernet and one on a raw link, around the loop.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "modules/fusion.h"
#include "partner/pool.h"
#include "tests/unit/testing/partners.h"

namespace weft {

inline constexpr uint16_t kA = 0, kB = 1, kRaw = 2, kPorts = 3;
inline constexpr MacAddress kMacs[kPorts] = {{2, 0, 0, 0, 0, 0xa}, {2, 0, 0, 0, 0, 0xb}, {}};
inline constexpr MacAddress kNeighbour = {2, 0, 0, 0, 1, 1};

// --- packets as strings of bytes -----------------------------------------------

inline std::string be16(unsigned n) { return {char(n >> 8), char(n)}; }
inline std::string text(const MacAddress& mac) { return {mac.begin(), mac.end()}; }

inline std::string ethernet(unsigned type, const MacAddress& to = kMacs[kA],
                            const MacAddress& from = kNeighbour) {
  return text(to) + text(from) + be16(type);
}

inline void write_ip4_checksum(std::string& ip) {
  auto* h = reinterpret_cast<uint8_t*>(ip.data());
  const size_t n = std::min<size_t>((ip[0] & 15u) * 4u, ip.size());
  store(h + 10, uint16_t{0});
  store(h + 10, uint16_t(~fold(add_checksum(0, h, n))));
}

struct Ip4 {
  uint8_t ttl = 64;
  uint8_t protocol = 17;
  unsigned fragment = 0;
  std::string source{"\x0a\x01\x00\x01", 4};
  std::string destination{"\x0a\x02\x00\x01", 4};
  std::string payload = be16(4000) + be16(7) + std::string(26, 'x');

  operator std::string() const {
    std::string ip = std::string("\x45\0", 2) + be16(unsigned(20 + payload.size())) + be16(0x1234) +
                     be16(fragment) + std::string{char(ttl), char(protocol), 0, 0} + source + destination +
                     payload;
    write_ip4_checksum(ip);
    return ip;
  }
};

struct Ip6 {
  uint8_t hop_limit = 64;
  uint8_t next = 17;
  std::string source = "\x20\x01" + std::string(13, '\0') + "\x01";
  std::string destination = "\x20\x02" + std::string(13, '\0') + "\x02";
  std::string payload = be16(4000) + be16(7) + std::string(26, 'x');

  operator std::string() const {
    return std::string("\x60\0\0\0", 4) + be16(unsigned(payload.size())) +
           std::string{char(next), char(hop_limit)} + source + destination + payload;
  }
};

inline std::string forwarded(std::string ip) {
  if ((ip[0] & 0xf0) == 0x60) {
    --ip[7];
  } else {
    --ip[8];
    write_ip4_checksum(ip);
  }
  return ip;
}

// --- the node around the loop ----------------------------------------------------

class NamedStage final : public Stage {
 public:
  void deliver(Dir dir, Pvec& v) override { hand_on(dir, v); }
};

// Takes what the loop leaves.
class SlowPath final : public Sorter {
 public:
  void sort(uint16_t in_port, Pvec& v) override {
    port = in_port;
    ++calls;
    while (!v.empty()) packets.push_back(v.pop_front());
  }
  std::deque<PacketPtr> packets;
  uint16_t port = Packet::kNoPort;
  int calls = 0;
};

class FusionTest : public ::testing::Test {
 protected:
  FusionTest() {
    for (uint16_t n = 0; n < kPorts; ++n) {
      const Link link = n == kRaw ? Link::kRaw : Link::kEthernet;
      devices[n] = std::make_unique<test::TestPartner>(PartnerInfo{.link = link, .mac = kMacs[n]});
      ports[n] = {n,
                  std::string(n == kA   ? "a"
                              : n == kB ? "b"
                                        : "raw"),
                  *info(*devices[n], Opening{0}), devices[n].get(), Opening{0}};
      outs[n] = std::make_unique<OutPort>(ports[n]);
      fusion.add_port(ports[n], *outs[n]);
    }
    add_route(1, {10, 2}, 16, kB);
    add_route(2, {10, 3}, 16, kRaw);
    add_route(3, {10, 4}, 16, kA);
    fib.next_hops.set(4, {.kind = NextHop::kLocal});
    fib.next_hops.set(5, {.kind = NextHop::kResolve, .out_port = kB, .mtu = 1500});
    fib.next_hops.set(6, {.kind = NextHop::kForward, .out_port = 900, .mtu = 1500});
    fib.next_hops.set(7, {.kind = NextHop::kForward, .out_port = kB, .mtu = 1500});
    insert4({10, 5}, 16, 4);
    insert4({10, 6}, 16, 5);
    insert4({10, 7}, 16, 6);
    const Address v6{0x20, 2};
    EXPECT_TRUE(fib.ip6.insert(v6.data(), 16, 1));
  }
  ~FusionTest() override {
    flush();
    for (auto& path : paths) path->close();
    paths.clear();
    slow.packets.clear();
    for (auto& device : devices) device->lose_all();
    EXPECT_EQ(pool->in_use(), 0u);
  }

  void insert4(Address prefix, unsigned length, uint16_t value) {
    EXPECT_TRUE(fib.ip4.insert(prefix.data(), length, value));
  }
  void add_route(uint16_t index, Address prefix, unsigned length, uint16_t out) {
    NextHop hop{.kind = NextHop::kForward, .out_port = out, .mtu = 1500};
    if (out != kRaw) {
      hop.link_length = 14;
      const std::string header = ethernet(0x0800, kNeighbour, kMacs[out]);
      std::copy(header.begin(), header.end(), hop.header);
    }
    fib.next_hops.set(index, hop);
    insert4(prefix, length, index);
  }

  Path& add_path(const std::string& text, std::vector<std::string> stages, bool fuse = true,
                 PathQueues queues = {}) {
    paths.push_back(std::make_unique<Path>(*parse_path(text), queues, nullptr));
    Path& path = *paths.back();
    for (auto& name : stages) path.append(name, std::make_unique<NamedStage>());
    for (uint16_t n = 0; n < kPorts; ++n) {
      if (path.spec().cut() && path.spec().far.chain[0].name == ports[n].name) {
        path.join(End::kFar, outs[n].get(), Opening{0});
      }
    }
    if (fuse && fusion.guard(path)) fusion.rewrite(path);
    return path;
  }
  Path& add_a_to_b() { return add_path("a/ip -> b", {"eth", "ip", "eth"}); }

  PacketPtr packet(const std::string& bytes) { return test::packet(*pool, bytes); }
  void sort(const std::string& bytes, uint16_t in = kA) { sort(packet(bytes), in); }
  void sort(PacketPtr p, uint16_t in = kA) {
    Pvec v;
    v.push_back(std::move(p));
    fusion.sort(in, v);
    EXPECT_TRUE(v.empty());
  }
  // The end of a round.
  void flush() {
    fusion.settle();
    for (auto& out : outs) out->flush();
  }
  // The one packet that left at `port` since the last call; "" when there is none.
  std::string sent(uint16_t port) {
    flush();
    if (devices[port]->taken().size() != 1) return {};
    std::string bytes = test::bytes_of(*devices[port]->taken().front());
    devices[port]->lose_all();
    return bytes;
  }
  // The one packet that was left to the complete path.
  std::string left() {
    if (slow.packets.size() != 1) return {};
    std::string bytes = test::bytes_of(*slow.packets.front());
    slow.packets.clear();
    return bytes;
  }
  void expect_left(const std::string& bytes, const char* why, uint16_t in = kA) {
    sort(bytes, in);
    EXPECT_EQ(left(), bytes) << why;
    EXPECT_EQ(sent(kB), "") << why;
  }

  std::unique_ptr<Pool> pool = *Pool::create({.packets = 1024, .pages = PageKind::k4K});
  Fib fib;
  SlowPath slow;
  TupleTable<NarrowFields> narrow;
  TupleTable<WideFields> wide;
  LocalAddresses addresses;
  Fusion fusion{fib, addresses, slow, narrow, wide};
  std::unique_ptr<test::TestPartner> devices[kPorts];
  Port ports[kPorts];
  std::unique_ptr<OutPort> outs[kPorts];
  std::vector<std::unique_ptr<Path>> paths;
};

inline const std::string kToB = ethernet(0x0800, kNeighbour, kMacs[kB]);

}  // namespace weft
