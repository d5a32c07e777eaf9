// SPDX-License-Identifier: Apache-2.0
// A line of three PAN nodes A - B - C on wires in memory, with one worker, one clock
// that the test turns, and one pool.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "geni/geni.h"
#include "modules/flow.h"
#include "modules/pan.h"
#include "nodeos_api/geni_node.h"
#include "pan_ee/node.h"
#include "partner/loop.h"
#include "paths/policy_round_robin.h"
#include "tests/unit/testing/partners.h"

namespace weft::test {

inline pan::NodeAddress pan_address(std::string_view text) { return *pan::parse_address(text); }

class PanLine {
 public:
  static constexpr size_t kPackets = 512;

  // A NodeOS with the ports "left" and "right"; an end that leads nowhere is the test's.
  struct Host {
    explicit Host(PanLine& line)
        : demux(line.fib, line.reader, *line.pool), geni(line.worker, demux, {&line.module}, {}) {}
    void start(PanLine& line) {
      node = std::make_unique<GeniNode>(GeniNode::Parts{geni, line.worker, *line.pool, line.clock, line.log});
    }
    Demux demux;
    Geni geni;
    std::unique_ptr<GeniNode> node;
    std::unique_ptr<pan::Node> pan;
  };

  PanLine() {
    for (auto& wire : wires) wire = *LoopPartner::create({.link = Link::kRaw, .mtu = 65535}, clock);
    for (size_t i = 0; i < hosts.size(); ++i) {
      hosts[i] = std::make_unique<Host>(*this);
      EXPECT_TRUE(hosts[i]->geni.add_port("left", *wires[i], *wires[i]->open("b", nullptr, kNoOpening)));
      EXPECT_TRUE(
          hosts[i]->geni.add_port("right", *wires[i + 1], *wires[i + 1]->open("a", nullptr, kNoOpening)));
      hosts[i]->start(*this);
    }
    left_end = *wires.front()->open("a", nullptr, kNoOpening);
    right_end = *wires.back()->open("b", nullptr, kNoOpening);
    start_pan(0, {.address = address(0),
                  .carriers = {"left/pan", "right/pan"},
                  .neighbours = {{address(1), "right/pan"}},
                  .routes = {{*pan::parse_prefix("10.0.0.0/24"), address(1)}}});
    start_pan(1, {.address = address(1),
                  .carriers = {"left/pan", "right/pan"},
                  .neighbours = {{address(0), "left/pan"}, {address(2), "right/pan"}},
                  .routes = {{*pan::parse_prefix("10.0.0.64/26"), address(2)},
                             {*pan::parse_prefix("10.0.0.4"), address(2)}}});
    start_pan(2, {.address = address(2),
                  .carriers = {"left/pan"},
                  .neighbours = {{address(1), "left/pan"}, {address(3), "right/pan"}},
                  .routes = {{*pan::parse_prefix("default"), address(1)}}});
    rounds();  // each node prepares its worker
  }
  ~PanLine() {
    for (auto& host : hosts) {
      host->pan.reset();
      host->node.reset();
    }
    rounds();
    lose_output();
    EXPECT_EQ(pool->in_use(), 0u);
  }

  // 10.0.0.1 is A, 10.0.0.2 B, 10.0.0.3 C.
  static pan::NodeAddress address(int host) { return pan_address("10.0.0." + std::to_string(host + 1)); }

  // With the code objects of the build, unless the config has others.
  void start_pan(size_t host, pan::NodeConfig config) {
    if (config.code_folder.empty()) config.code_folder = WEFT_CODE_FOLDER;
    std::string error;
    hosts[host]->pan = pan::Node::start(config, hosts[host]->node->root().handle(), error);
    ASSERT_NE(hosts[host]->pan, nullptr) << error;
  }
  pan::Node& pan_node(size_t host) { return *hosts[host]->pan; }

  void rounds() {
    int idle = 0;
    while (idle < 3) idle = worker.round() > 0 ? 0 : idle + 1;
  }
  // At the left end of the line, to A.
  void inject(std::string_view bytes) { inject(packet(*pool, bytes)); }
  void inject(PacketPtr p) {
    Pvec v;
    v.push_back(std::move(p));
    wires.front()->push(left_end, v);
    EXPECT_TRUE(v.empty());
    v.clear();
  }
  // What left the line at an end.
  std::vector<std::string> output(Opening end) {
    std::vector<std::string> all;
    for (;;) {
      Pvec v;
      (end == left_end ? wires.front() : wires.back())->pull(end, v, Pvec::kCapacity);
      if (v.empty()) return all;
      for (const Packet* p : v) all.push_back(bytes_of(*p));
      v.clear();
    }
  }
  void lose_output() {
    output(left_end);
    output(right_end);
  }

  an_DomainStats stats(size_t host) { return hosts[host]->pan->stats(); }
  static uint64_t dropped(const an_DomainStats& s) {
    uint64_t n = 0;
    for (uint64_t d : s.dropped) n += d;
    return n;
  }
  // received + made = sent + dropped + held, and nothing is held.
  void expect_balance() {
    for (size_t i = 0; i < hosts.size(); ++i) {
      const an_DomainStats s = stats(i);
      EXPECT_EQ(s.packets_held, 0u) << "node " << i;
      EXPECT_EQ(s.packets_received + s.packets_made, s.packets_sent + dropped(s)) << "node " << i;
    }
  }

  ManualClock clock;
  std::unique_ptr<Pool> pool = *Pool::create({.packets = kPackets, .pages = PageKind::k4K});
  Fib fib;
  FlowReader reader;
  PanModule module;
  Logger log{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  std::array<std::unique_ptr<LoopPartner>, 4> wires;
  Worker worker{{}, clock, std::make_unique<RoundRobin>()};
  std::array<std::unique_ptr<Host>, 3> hosts;
  Opening left_end, right_end;
};

}  // namespace weft::test
