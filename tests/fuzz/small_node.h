// SPDX-License-Identifier: Apache-2.0
// SmallNode: a router with an Ethernet port and a raw one, and a path of each kind, made
// as weftd makes them: by Geni, from their texts.
//
//   a   ethernet, mtu 1500   02:00:00:00:01:01   10.0.1.1/24   fd00:1::1/64   fe80::1/64
//   b   raw, mtu 1400                            10.0.2.1/24   fd00:2::1/64
//
//   10.0.1.2, fd00:1::2      host on a, 02:00:00:00:01:02; others there are not known yet
//   10.9.0.0/16, fd09::/64   behind b
//   10.8.0.0/16, fd08::/64   behind b, mtu 576 and 1280
//   10.66.0.0/16, 10.67.0.0/16, 10.68.0.0/16   unreachable, prohibited, blackhole;
//                            fd66::/64, fd67::/64, fd68::/64 likewise
//
// With fusion it must do what it does without.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "geni/geni.h"
#include "modules/arp.h"
#include "modules/eth.h"
#include "modules/flow.h"
#include "modules/fusion.h"
#include "modules/icmp.h"
#include "modules/icmp6.h"
#include "modules/ip.h"
#include "modules/ip6.h"
#include "modules/pan.h"
#include "modules/udp.h"
#include "tests/unit/testing/partners.h"

namespace weft::fuzz {

constexpr uint16_t kPorts = 2;

// The routing table of every SmallNode.
class SmallFib {
 public:
  static constexpr uint32_t kHost4 = 1, kHost6 = 2;  // next hops: the host on a
  SmallFib();
  const Fib& fib() const { return fib_; }

 private:
  void add(const char* prefix, unsigned length, NextHop hop);

  Fib fib_;
  uint32_t hops_ = 0;
};

class SmallNode {
 public:
  // `ids`: those of its IPv4 packets, so that two nodes can choose the same.
  SmallNode(const Fib& fib, Pool& pool, const IpIds& ids, bool fused);
  // Closes all paths and loses what the ports were given.
  ~SmallNode();

  // What a port will give in the next round.
  void will_give(uint16_t port, PacketPtr p) { devices_[port]->will_give(std::move(p)); }
  void advance_ns(uint64_t ns) { clock_.advance_ns(ns); }
  // Rounds until nothing moves; then the books of every path must balance.
  void run();

  // The neighbours that were asked for answer, or do not.
  void neighbours_answer();
  void neighbours_fail();

  // What a port was given since the last call, oldest first.
  std::vector<std::string> sent(uint16_t port);
  // Every counter of every path that two nodes with the same packets have in common.
  std::map<std::string, std::vector<uint64_t>> books() const;

 private:
  void open(const char* text, Partner* far);
  std::vector<NeighbourEvent> wanted();

  ManualClock clock_;
  IpNode node_;
  Host host_{node_};
  Neighbours neighbours_;
  FlowReader flow_;
  Demux demux_;
  std::unique_ptr<test::TestPartner> devices_[kPorts];
  test::TestPartner sink_;
  test::EchoPartner echo_[kPorts];  // over IPv4
  test::EchoPartner echo6_;         // over IPv6, on kB
  Worker worker_;
  EthModule eth_{node_, neighbours_, host_};
  ArpModule arp_{node_, neighbours_};
  Reassembly reassembly_{node_.pool, clock_, worker_.timers()};
  IpModule ip_{node_, host_, reassembly_, demux_};
  IcmpModule icmp_{node_};
  UdpModule udp_{node_};
  Ip6Module ip6_{node_, host_, reassembly_, demux_};
  Icmp6Module icmp6_{node_, neighbours_};
  PanModule pan_;
  Fusion fusion_;
  Geni geni_;
};

}  // namespace weft::fuzz
