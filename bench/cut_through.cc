// SPDX-License-Identifier: Apache-2.0
// A node whose partners are arrays in memory: what forwarding costs, from one partner's
// pull() to the other's push().  Run by bench/cut_through.py.
//
//   bench_cut_through FRAME PAGES ROUTES PATHS PACKETS fixed|fresh fused|unfused SHAPES
//
// Prints "ready"; for each line read, one slice's "NS_PER_PACKET CALIBRATION".
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/ip4_frames.h"
#include "bench/memory_partner.h"
#include "geni/geni.h"
#include "modules/eth.h"
#include "modules/flow.h"
#include "modules/fusion.h"
#include "modules/ip.h"
#include "paths/policy_round_robin.h"

using namespace weft;

namespace {

constexpr uint64_t kSliceNs = 500'000;

struct Case {
  uint32_t frame;  // bytes
  PageKind pages;
  uint32_t routes;
  uint16_t paths;
  uint32_t packets;  // that take turns
  bool fresh;        // a new destination each time
  bool fused;
  uint16_t shapes;  // of tuples in use, which match nothing
};

MacAddress mac(uint8_t kind, uint16_t number) { return {2, 0, 0, kind, 0, uint8_t(number)}; }

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_cut_through: %s\n", why.c_str());
  std::exit(1);
}

class Node {
 public:
  explicit Node(const Case& c) : case_(c) {
    add_partner("in", {2, 0, 0, 0, 0, 1});
    for (uint16_t i = 0; i < c.paths; ++i) add_partner("out" + std::to_string(i), mac(3, i));
    for (uint16_t i = 0; i < c.paths; ++i) {
      fib_.next_hops.set(i + 1u, next_hop(i));
      open("in/ip -> out" + std::to_string(i));
    }
    if (c.shapes > 0) open("in/ip (dst=198.19.0.0/16, proto=6) -> out0");
    if (c.shapes > 1) open("in/ip (src=198.18.3.0/25) -> out0");
    for (uint32_t i = 0; i < c.routes; ++i) {
      const uint32_t prefix = swap_be(route_prefix24(i, c.routes) << 8);
      const auto* bytes = reinterpret_cast<const uint8_t*>(&prefix);
      if (!fib_.ip4.insert(bytes, 24, uint16_t(1 + i % c.paths))) fail("the routing table is full");
    }
    if (fib_.ip4.large()) fib_.ip4.move_to_huge_pages();  // as the router does
    for (uint32_t i = 0; i < c.packets; ++i) {
      packets_.push_back(pool_->alloc().release());
      packets_.back()->length = c.frame;
      std::memset(packets_.back()->data, 0, c.frame);
    }
  }
  ~Node() {
    for (Packet* p : packets_) Pool::free(p);
  }

  // Forwards every packet once.  Returns the cycles that this took.
  uint64_t pass() {
    if (!case_.fresh) random_ = 1;
    for (Packet* p : packets_) write_frame(p->data, case_.frame, case_.routes, &random_);
    partners_[0]->will_give(packets_);
    const uint64_t from = cycles();
    while (!partners_[0]->gave_all()) worker_.round();
    const uint64_t spent = cycles() - from;
    size_t out = 0;
    for (auto& partner : partners_) out += partner->take();
    if (out != packets_.size()) fail("not every packet came out");
    return spent;
  }

 private:
  static std::unique_ptr<Pool> make_pool(const Case& c) {
    auto pool = Pool::create({.packets = c.packets, .pages = c.pages});
    if (!pool) fail(pool.error().sentence);
    if ((*pool)->pages() != c.pages) fail((*pool)->pages_reason());
    return std::move(*pool);
  }

  static NextHop next_hop(uint16_t path) {
    NextHop hop{.kind = NextHop::kForward, .link_length = 14, .out_port = uint16_t(path + 1), .mtu = 1500};
    std::memcpy(hop.header, mac(2, path).data(), 6);
    std::memcpy(hop.header + 6, mac(3, path).data(), 6);
    store_be16(hop.header + 12, flow::kIp4);
    return hop;
  }

  void add_partner(const std::string& name, const MacAddress& own) {
    partners_.push_back(std::make_unique<bench::Memory>(PartnerInfo{.mac = own}, case_.packets));
    auto number = geni_.add_port(name, *partners_.back(), Opening{0});
    if (!number) fail(number.error().sentence);
    if (!case_.fused) return;
    fusion_.add_port(geni_.port(*number), geni_.out_port(*number));
    geni_.set_sorter(*number, fusion_);
  }

  void open(const std::string& text) {
    if (auto opened = geni_.open(text, &host_, kNoOpening); !opened) fail(opened.error().sentence);
  }

  const Case case_;
  std::unique_ptr<Pool> pool_ = make_pool(case_);
  SystemClock clock_;
  Fib fib_;
  IpNode ip_{.fib = fib_, .pool = *pool_, .clock = clock_};
  Host host_{ip_};
  Neighbours neighbours_;
  EthModule eth_module_{ip_, neighbours_, host_};
  FlowReader reader_;
  Demux demux_{fib_, reader_, *pool_};
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  Reassembly reassembly_{*pool_, clock_, worker_.timers()};
  IpModule ip_module_{ip_, host_, reassembly_, demux_};
  Fusion fusion_{fib_, ip_.addresses, demux_, demux_.narrow_transit(), demux_.wide_transit()};
  std::vector<std::unique_ptr<bench::Memory>> partners_;
  Geni geni_{worker_, demux_, {&eth_module_, &ip_module_}, {&fusion_}};
  std::vector<Packet*> packets_;
  uint64_t random_ = 1;
};

Case read_case(char** words) {
  Case c;
  c.frame = uint32_t(std::atoi(words[1]));
  c.pages = words[2] == std::string("2M") ? PageKind::k2M : PageKind::k4K;
  c.routes = uint32_t(std::atoi(words[3]));
  c.paths = uint16_t(std::atoi(words[4]));
  c.packets = uint32_t(std::atoi(words[5]));
  c.fresh = words[6] == std::string("fresh");
  c.fused = words[7] == std::string("fused");
  c.shapes = uint16_t(std::atoi(words[8]));
  return c;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) fail("run it by bench/run cut_through");
  const Case c = read_case(argv);
  Node node(c);
  const double tsc = tsc_per_ns();
  std::puts("ready");
  std::fflush(stdout);
  for (char line[16]; std::fgets(line, sizeof line, stdin) != nullptr;) {
    const uint64_t calibration = calibration_cycles();
    node.pass();  // warms up
    uint64_t spent = 0, passes = 0;
    for (; double(spent) < kSliceNs * tsc; ++passes) spent += node.pass();
    std::printf("%.3f %lu\n", double(spent) / tsc / double(passes * c.packets), calibration);
    std::fflush(stdout);
  }
}
