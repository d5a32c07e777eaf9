// SPDX-License-Identifier: Apache-2.0
// The node of node_fixture.h, with IPv6.
//
//   eth0  fd00:a::1/64  fe80::1/64   neighbour fd00:a::2 at 02:..:aa
//   eth1  fd00:b::1/64  fe80::2/64   neighbour fd00:b::2 at 02:..:bb
//   udp0  fd00:c::1/64               neighbour fd00:c::2
#pragma once

#include "modules/icmp6_error.h"
#include "modules/ip6_header.h"
#include "tests/unit/modules/node_fixture.h"

namespace weft::test {

// The ICMPv6 checksum of a packet whose message begins right behind the IPv6 header at
// `at`: 0 when it is true.  Not the code under test.
inline uint16_t plain_icmp6_checksum(const Bytes& b, size_t at) {
  uint32_t pseudo = uint32_t(b.size() - at - 40) + 58;
  for (size_t i = at + 8; i < at + 40; i += 2) pseudo += uint32_t(b[i]) << 8 | b[i + 1];
  return plain_checksum(b, at + 40, b.size(), pseudo);
}

// An IPv6 packet is what it says: version, length, and the checksum of ICMPv6.
inline void expect_true_ip6(const Bytes& b, size_t at) {
  ASSERT_GE(b.size(), at + 40);
  EXPECT_EQ(b[at] >> 4, 6);
  EXPECT_EQ((size_t(b[at + 4]) << 8 | b[at + 5]) + 40, b.size() - at);
}

class Node6Fixture : public NodeFixture {
 protected:
  static constexpr uint32_t kTo6Neighbour0 = 21, kTo6Neighbour1 = 22, kTo6Neighbour2 = 23;

  Node6Fixture() {
    add_address6(0, "fe80::1", 64);
    add_address6(0, "fd00:a::1", 64);
    add_address6(1, "fe80::2", 64);
    add_address6(1, "fd00:b::1", 64);
    add_address6(2, "fd00:c::1", 64);
    set_hop6(kTo6Neighbour0, 0, 0xaa);
    set_hop6(kTo6Neighbour1, 1, 0xbb);
    set_hop6(kTo6Neighbour2, 2, 0);
    route6("fd00:a::", 64, kLink0);
    route6("fd00:b::", 64, kLink1);
    route6("fd00:c::", 64, kTo6Neighbour2);
    route6("fd00:a::2", 128, kTo6Neighbour0);
    route6("fd00:b::2", 128, kTo6Neighbour1);
    route6("fd00:1::", 64, kUnreachable);
    route6("fd00:2::", 64, kProhibit);
    route6("fd00:3::", 64, kBlackhole);
    route6("2001:db8::", 32, kTo6Neighbour1);  // a network behind that neighbour
    for (const LocalAddress& a : node_.addresses) {
      if (a.family == 6) insert6(a.address, 128, kLocal);
    }
  }

  static Address address6(const char* text) {
    Address a{};
    EXPECT_EQ(::inet_pton(AF_INET6, text, a.data()), 1) << text;
    return a;
  }
  void route6(const char* prefix, unsigned length, uint32_t hop) { insert6(address6(prefix), length, hop); }
  void set_hop6(uint32_t index, uint16_t port, uint8_t last_of_mac) {
    set_hop(index, NextHop::kForward, port, last_of_mac);
    NextHop hop = fib_.next_hops[index];
    if (hop.link_length == 14) store_be16(hop.header + 12, ip6::kLinkProtocol);
    fib_.next_hops.set(index, hop);
  }
  // "PORT/ip6", known to the host.
  Path& open_host_path6(uint16_t port) {
    Path& path = open(ports_[port]->name + "/ip6");
    host_.add_path(port, 6, path);
    return path;
  }
  // Sends one packet into the near end, with the route that the demux would find.
  void give6(Path& path, PacketPtr p, uint32_t link_header = 14) {
    const Bytes b = bytes_in(*p);
    if (b.size() >= link_header + 40) p->next_hop = fib_.ip6.find(b.data() + link_header + 24);
    path.enqueue(End::kNear, std::move(p));
    run();
  }
  void give6(Path& path, const Bytes& b) { give6(path, packet_of(b)); }
  void give6(Path& path, std::string_view t) { give6(path, text(t)); }

 private:
  void add_address6(uint16_t port, const char* a, uint8_t length) {
    node_.addresses.add({.family = 6, .port = port, .address = address6(a), .length = length});
  }
  void insert6(const Address& a, unsigned length, uint32_t hop) {
    ASSERT_TRUE(bool(fib_.ip6.insert(a.data(), length, uint16_t(hop))));
  }
};

}  // namespace weft::test
