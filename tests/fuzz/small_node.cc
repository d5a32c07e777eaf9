// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/small_node.h"

#include <arpa/inet.h>

#include <algorithm>

#include "paths/policy_round_robin.h"
#include "tests/fuzz/require.h"

namespace weft::fuzz {

namespace {

constexpr uint16_t kA = 0, kB = 1;
constexpr uint32_t kMtu[kPorts] = {1500, 1400};
constexpr MacAddress kOwn = {2, 0, 0, 0, 1, 1}, kHost = {2, 0, 0, 0, 1, 2};
constexpr size_t kMaxRounds = 10000;  // for one vector: more is no end

struct Own {
  uint16_t port;
  const char* address;
  uint8_t length;
};
constexpr Own kAddresses[] = {
    {kA, "10.0.1.1", 24}, {kA, "fd00:1::1", 64}, {kA, "fe80::1", 64},
    {kB, "10.0.2.1", 24}, {kB, "fd00:2::1", 64},
};

uint8_t family_of(std::string_view address) { return address.find(':') == std::string_view::npos ? 4 : 6; }

Address address_of(const char* text) {
  Address a{};
  require(::inet_pton(family_of(text) == 4 ? AF_INET : AF_INET6, text, a.data()) == 1, text);
  return a;
}

NextHop to_host(uint16_t ether_type) {
  NextHop hop{.kind = NextHop::kForward, .link_length = EthModule::kHeader, .out_port = kA, .mtu = kMtu[kA]};
  std::ranges::copy(kHost, hop.header);
  std::ranges::copy(kOwn, hop.header + 6);
  store_be16(hop.header + 12, ether_type);
  return hop;
}

LocalAddresses own_addresses() {
  LocalAddresses all;
  for (const Own& own : kAddresses) {
    all.add({family_of(own.address), own.port, address_of(own.address), own.length});
  }
  return all;
}

}  // namespace

// --- routes ------------------------------------------------------------------

SmallFib::SmallFib() {
  add("10.0.1.2", 32, to_host(0x0800));
  add("fd00:1::2", 128, to_host(0x86dd));
  const auto forward = [](uint16_t port, uint32_t mtu) {
    return NextHop{.kind = NextHop::kForward, .out_port = port, .mtu = mtu};
  };
  const NextHop on_link{.kind = NextHop::kResolve, .out_port = kA, .mtu = kMtu[kA]};
  add("10.0.1.0", 24, on_link);
  add("fd00:1::", 64, on_link);
  add("10.0.2.0", 24, forward(kB, kMtu[kB]));
  add("10.9.0.0", 16, forward(kB, kMtu[kB]));
  for (const char* prefix : {"fd00:2::", "fd09::"}) add(prefix, 64, forward(kB, kMtu[kB]));
  add("10.8.0.0", 16, forward(kB, 576));
  add("fd08::", 64, forward(kB, 1280));
  const NextHop::Kind refusals[] = {NextHop::kUnreachable, NextHop::kProhibit, NextHop::kBlackhole};
  for (int i = 0; i < 3; ++i) {
    add(("10." + std::to_string(66 + i) + ".0.0").c_str(), 16, {.kind = refusals[i]});
    add(("fd" + std::to_string(66 + i) + "::").c_str(), 64, {.kind = refusals[i]});
  }
  // As Router does: see routes/own_routes.h.
  for (const char* broadcast : {"10.0.1.255", "10.0.2.255", "10.0.1.0", "10.0.2.0", "255.255.255.255"}) {
    add(broadcast, 32, {.kind = NextHop::kLocal});
  }
  for (const char* anycast : {"fd00:1::", "fd00:2::"}) add(anycast, 128, {.kind = NextHop::kLocal});
  for (const Own& own : kAddresses) {
    add(own.address, family_of(own.address) == 4 ? 32 : 128,
        {.kind = NextHop::kLocal, .out_port = own.port, .mtu = kMtu[own.port]});
  }
}

void SmallFib::add(const char* prefix, unsigned length, NextHop hop) {
  fib_.next_hops.set(++hops_, hop);
  const Address a = address_of(prefix);
  const auto added = family_of(prefix) == 4 ? fib_.ip4.insert(a.data(), length, uint16_t(hops_))
                                            : fib_.ip6.insert(a.data(), length, uint16_t(hops_));
  require(bool(added), prefix);
}

// --- life --------------------------------------------------------------------

SmallNode::SmallNode(const Fib& fib, Pool& pool, const IpIds& ids, bool fused)
    : node_{.fib = fib, .pool = pool, .clock = clock_, .addresses = own_addresses(), .ids = ids},
      demux_(fib, flow_, pool),
      worker_({}, clock_, std::make_unique<RoundRobin>()),
      fusion_(fib, node_.addresses, demux_, demux_.narrow_transit(), demux_.wide_transit()),
      geni_(worker_, demux_, {&eth_, &arp_, &ip_, &icmp_, &udp_, &ip6_, &icmp6_, &pan_},
            fused ? std::vector<Transform*>{&fusion_} : std::vector<Transform*>{}) {
  const PartnerInfo what[kPorts] = {
      {.link = Link::kEthernet, .mac = kOwn, .mtu = kMtu[kA], .owns_address = true},
      {.link = Link::kRaw, .mtu = kMtu[kB], .owns_address = true}};
  for (uint16_t port : {kA, kB}) {
    devices_[port] = std::make_unique<test::TestPartner>(what[port]);
    require(bool(geni_.add_port(port == kA ? "a" : "b", *devices_[port], Opening{0})));
    fusion_.add_port(geni_.port(port), geni_.out_port(port));
    if (fused) geni_.set_sorter(port, fusion_);
  }
  open("a/arp", &sink_);
  for (const char* path : {"a/ip", "a/ip6", "b/ip", "b/ip6"}) open(path, &host_);
  for (const char* path :
       {"a/ip/icmp", "b/ip/icmp", "a/ip6/icmp6", "b/ip6/icmp6", "a/ip6 (proto=17)", "b/pan", "a/ip/pan"})
    open(path, &sink_);
  open("a/ip/udp (dstport=7)", &echo_[kA]);
  open("b/ip/udp (dstport=7)", &echo_[kB]);
  open("b/ip6/udp (dstport=7)", &echo6_);
  for (const char* path :
       {"a/ip -> b", "b/ip -> a", "a/ip -> a", "a/ip6 -> b", "b/ip6 -> a", "a/ip6 -> a",
        "a/ip (src=10.0.1.0/24, proto=253) -> b/ip (ttl=9)", "a/ip6 (proto=253) -> b/ip6 (hop=9)",
        "a/ip/udp (dst=10.9.0.0/16, dstport=9) -> b"}) {
    open(path, nullptr);
  }
}

SmallNode::~SmallNode() {
  std::vector<Opening> open;
  geni_.for_each_path([&](Opening opening, Path& path) {
    host_.remove_path(path);
    open.push_back(opening);
  });
  for (Opening opening : open) geni_.close(opening);
  for (auto& device : devices_) device->lose_all();
}

void SmallNode::open(const char* text, Partner* far) {
  auto opened = geni_.open(text, far, Opening{0});
  require(bool(opened), opened ? text : opened.error().sentence.c_str());
  for (test::EchoPartner* echo : {&echo_[kA], &echo_[kB], &echo6_}) {
    if (far == echo) echo->answer_through(geni_, *opened);
  }
  if (far != &host_) return;
  Path& path = *geni_.path(*opened);
  const PathSide& near = path.spec().near;
  host_.add_path(geni_.find_port(near.chain[0].name)->number, near.chain.back().name == "ip6" ? 6 : 4, path);
}

// --- running -----------------------------------------------------------------

void SmallNode::run() {
  size_t rounds = 0;
  while (worker_.round() > 0) require(++rounds < kMaxRounds, "it comes to rest");
  sink_.lose_all();
  geni_.for_each_path([](Opening, Path& path) {
    const Path::Ledger l = path.ledger();
    require(l.in_packets + l.made == l.out_packets + path.dropped() + path.held(), path.text().c_str());
  });
}

// Those that were asked for since the last call.
std::vector<NeighbourEvent> SmallNode::wanted() {
  std::vector<NeighbourEvent> all;
  NeighbourEvent event;
  while (neighbours_.take_event(event)) {
    if (event.kind == NeighbourEvent::kWanted) all.push_back(event);
  }
  return all;
}

void SmallNode::neighbours_answer() {
  for (const NeighbourEvent& w : wanted()) {
    neighbours_.resolved(w.port, w.family, w.address, w.family == 4 ? SmallFib::kHost4 : SmallFib::kHost6);
  }
}

void SmallNode::neighbours_fail() {
  for (const NeighbourEvent& w : wanted()) neighbours_.failed(w.port, w.family, w.address);
}

// --- what came of it ---------------------------------------------------------

std::vector<std::string> SmallNode::sent(uint16_t port) {
  std::vector<std::string> all;
  for (const PacketPtr& p : devices_[port]->taken()) {
    all.push_back(test::bytes_of(*p));
    if ((p->flags & Packet::kOffload) == 0) continue;
    const Offload& o = p->offload();
    for (unsigned n : {unsigned(o.kind), unsigned(o.ecn), unsigned(o.segment_size),
                       unsigned(o.headers_length), unsigned(o.checksum_start), unsigned(o.checksum_offset)}) {
      all.back() += "," + std::to_string(n);
    }
  }
  devices_[port]->taken().clear();
  return all;
}

std::map<std::string, std::vector<uint64_t>> SmallNode::books() const {
  std::map<std::string, std::vector<uint64_t>> all;
  geni_.for_each_path([&](Opening, Path& path) {
    const Path::Ledger l = path.ledger();
    std::vector<uint64_t>& book = all[path.text()];
    book = {l.in_packets, l.in_bytes, l.out_packets, l.out_bytes, l.made, path.held()};
    for (size_t i = 0; i < kDropReasons; ++i) book.push_back(path.dropped(DropReason(i)));
  });
  for (size_t i = 0; i < kDropReasons; ++i) {
    all["demux"].push_back(demux_.drops()[DropReason(i)]);
    all["host"].push_back(host_.drops()[DropReason(i)]);
  }
  return all;
}

}  // namespace weft::fuzz
