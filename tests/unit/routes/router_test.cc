// SPDX-License-Identifier: Apache-2.0
// Router on the real kernel, in a network namespace of its own, with a running worker.
#include "routes/router.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <spdlog/sinks/ostream_sink.h>

#include <fstream>
#include <sstream>

#include "paths/policy_round_robin.h"
#include "tests/unit/testing/netns.h"
#include "tests/unit/testing/temporary_directory.h"

namespace weft {
namespace {

using testing::Netns;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;

Address address(const char* text) {
  Address a{};
  EXPECT_EQ(::inet_pton(::strchr(text, ':') ? AF_INET6 : AF_INET, text, a.data()), 1) << text;
  return a;
}
uint8_t family(const char* text) { return ::strchr(text, ':') ? 6 : 4; }

struct Question {
  uint16_t port;
  std::string target;
  unsigned attempt;
  friend bool operator==(const Question&, const Question&) = default;
};

// A worker with a Fib and a Router, and the control loop that serves it.
class NodeWithRoutes : public LinkAsker {
 public:
  explicit NodeWithRoutes(RouterOptions options = {})
      : logger_("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)),
        worker_({}, clock_, std::make_unique<RoundRobin>()),
        router_(worker_, clock_, fib_, node_, neighbours_, *this, logger_, options) {
    worker_.start();
  }
  ~NodeWithRoutes() override { worker_.stop(); }

  void ask(uint16_t port, uint8_t family, const Address& target, unsigned attempt,
           const MacAddress*) override {
    asked.push_back({port, to_text(family, target), attempt});
  }

  // Serves the Router until `done`, and says how long that took; -1: longer than allowed.
  template <typename F>
  int64_t until(F done, uint64_t at_most_ns = 10 * kSecond) {
    const uint64_t begin = clock_.now_ns();
    for (;;) {
      if (done()) return int64_t(clock_.now_ns() - begin);
      const uint64_t now = clock_.now_ns();
      if (now - begin > at_most_ns) return -1;
      const uint64_t due = router_.next_due_ns();
      pollfd wait{router_.fd(), POLLIN, 0};
      ::poll(&wait, 1, due <= now ? 0 : 1);
      router_.service();
    }
  }
  void settle() {
    ASSERT_GE(until([&] { return router_.settled(); }, 60 * kSecond), 0);
  }
  void serve_for(uint64_t ns) {
    until([] { return false; }, ns);
  }

  // What the worker finds, as it finds it.
  NextHop look(const char* text) {
    NextHop hop;
    const Address a = address(text);
    const uint8_t f = family(text);
    worker_.call([&] { hop = fib_.next_hops[f == 4 ? fib_.ip4.find(a.data()) : fib_.ip6.find(a.data())]; });
    return hop;
  }
  bool kernel_hears(uint16_t port) {
    bool hears;
    worker_.call([&] { hears = fib_.kernel_hears(port); });
    return hears;
  }
  NextHop::Kind kind(const char* text) { return look(text).kind; }
  std::vector<LocalAddress> addresses() {
    std::vector<LocalAddress> copy;
    worker_.call([&] { copy = node_.addresses.all(); });
    return copy;
  }
  Router& router() { return router_; }
  Worker& worker() { return worker_; }
  Fib& fib() { return fib_; }
  Neighbours& neighbours() { return neighbours_; }
  std::string log() const { return log_.str(); }

  std::vector<Question> asked;

 private:
  std::ostringstream log_;
  Logger logger_;
  SystemClock clock_;
  Fib fib_;
  std::unique_ptr<Pool> pool_ = std::move(*Pool::create({64, PageKind::k4K}));
  IpNode node_{fib_, *pool_, clock_};
  Neighbours neighbours_;
  Worker worker_;
  Router router_;
};

Port kernel_port(uint16_t number, const char* device) {
  Port port;
  port.number = number;
  port.name = device;
  port.info.driver = "af_packet";
  port.info.device = device;
  port.info.mac = {2, 0, 0, 0, 0, uint8_t(0xa0 + number)};
  port.info.ifindex = int(::if_nametoindex(device));
  EXPECT_NE(port.info.ifindex, 0);
  return port;
}
Port own_port(uint16_t number, Link link = Link::kEthernet) {
  Port port;
  port.number = number;
  port.name = "p" + std::to_string(number);
  port.info.link = link;
  port.info.mac = {2, 0, 0, 0, 0, uint8_t(number)};
  port.info.owns_address = true;
  return port;
}

// --- ports of the node's own ---------------------------------------------------

TEST(RouterOwn, AddressesAreLocalAndTheirPrefixIsOnTheLink) {
  NodeWithRoutes node;
  ASSERT_TRUE(node.router().add_port(own_port(0)));
  ASSERT_TRUE(node.router().add_address(0, {4, 24, address("10.0.0.1")}));
  ASSERT_TRUE(node.router().add_address(0, {4, 24, address("10.0.0.3")}));
  node.settle();
  for (const char* local :
       {"10.0.0.1", "10.0.0.3", "10.0.0.0", "10.0.0.255", "255.255.255.255", "224.0.0.1"}) {
    EXPECT_EQ(node.kind(local), NextHop::kLocal) << local;
  }
  EXPECT_EQ(node.kind("10.0.0.2"), NextHop::kResolve);
  EXPECT_EQ(node.look("10.0.0.2").out_port, 0);
  EXPECT_EQ(node.kind("10.0.1.2"), NextHop::kNoRoute);
  EXPECT_EQ(node.addresses().size(), 2u);
  EXPECT_FALSE(node.router().add_address(0, {4, 24, address("10.0.0.1")}));
  EXPECT_FALSE(node.router().add_address(0, {4, 24, address("224.0.0.5")}));
  EXPECT_FALSE(node.router().add_address(7, {4, 24, address("10.0.0.9")}));

  ASSERT_TRUE(node.router().remove_address(0, {4, 24, address("10.0.0.3")}));
  node.settle();
  EXPECT_EQ(node.kind("10.0.0.3"), NextHop::kResolve);
  EXPECT_EQ(node.kind("10.0.0.255"), NextHop::kLocal);  // the other address still needs it
  ASSERT_TRUE(node.router().remove_address(0, {4, 24, address("10.0.0.1")}));
  node.settle();
  EXPECT_EQ(node.kind("10.0.0.1"), NextHop::kNoRoute);
  EXPECT_EQ(node.kind("10.0.0.255"), NextHop::kNoRoute);
  EXPECT_TRUE(node.addresses().empty());
}

TEST(RouterOwn, Ip6AnswersAtItsSolicitedNodeGroup) {
  NodeWithRoutes node;
  ASSERT_TRUE(node.router().add_port(own_port(0)));
  ASSERT_TRUE(node.router().add_address(0, {6, 64, address("fe80::1")}));
  ASSERT_TRUE(node.router().add_address(0, {6, 64, address("2001:db8::12:3456")}));
  node.settle();
  EXPECT_EQ(node.kind("ff02::1:ff12:3456"), NextHop::kLocal);
  EXPECT_EQ(node.kind("ff02::1"), NextHop::kLocal);
  EXPECT_EQ(node.kind("2001:db8::7"), NextHop::kResolve);
  // RFC 4291 section 2.6.1: every router of the subnet.
  EXPECT_EQ(node.kind("2001:db8::"), NextHop::kLocal);
  // Of every link, so it says nothing about forwarding.
  EXPECT_EQ(node.kind("fe80::1"), NextHop::kLocal);
  EXPECT_EQ(node.kind("fe80::7"), NextHop::kNoRoute);
  // The global address is the one to speak from.
  EXPECT_EQ(node.addresses().at(0).address, address("2001:db8::12:3456"));
}

TEST(RouterOwn, ANeighbourThatAnswersGetsAHostRoute) {
  NodeWithRoutes node;
  ASSERT_TRUE(node.router().add_port(own_port(0)));
  ASSERT_TRUE(node.router().add_address(0, {4, 24, address("10.0.0.1")}));
  StaticRoute route{{4, 8, address("20.0.0.0")}};
  route.via_family = 4;
  route.via = address("10.0.0.9");
  ASSERT_TRUE(node.router().add_route(route));
  node.settle();
  // A gateway is asked for before any packet needs it.
  EXPECT_EQ(node.asked, (std::vector<Question>{{0, "10.0.0.9", 1}}));
  EXPECT_EQ(node.kind("20.1.1.1"), NextHop::kResolve);
  EXPECT_EQ(node.look("20.1.1.1").gateway, address("10.0.0.9"));

  const auto heard = [&](const char* text, uint8_t mac, bool solicited) {
    NeighbourEvent e{NeighbourEvent::kLearned, 4, 0, address(text), {2, 0, 0, 0, 1, mac}, solicited};
    node.worker().call([&] { node.neighbours().learned(e); });
    node.serve_for(20 * kMs);
  };
  heard("10.0.0.9", 9, true);
  for (const char* to : {"20.1.1.1", "10.0.0.9"}) {
    const NextHop hop = node.look(to);
    EXPECT_EQ(hop.kind, NextHop::kForward) << to;
    EXPECT_EQ(hop.link_length, 14);
    const uint8_t header[14] = {2, 0, 0, 0, 1, 9, 2, 0, 0, 0, 0, 0, 0x08, 0x00};
    EXPECT_EQ(std::memcmp(hop.header, header, 14), 0) << to;
    EXPECT_EQ(hop.mtu, 1500u);
  }
  // Strangers, our own address, and nonsense change nothing.
  heard("172.16.0.1", 1, false);
  heard("10.0.0.1", 1, true);
  heard("10.0.0.9", 0xff, false);
  EXPECT_EQ(node.router().neighbours().size(), 1u);
  EXPECT_EQ(node.look("20.1.1.1").header[5], 9);

  // A longer prefix that leads elsewhere wins against what is known of the link.
  StaticRoute hole{{4, 28, address("10.0.0.0")}, NextHop::kBlackhole};
  ASSERT_TRUE(node.router().add_route(hole));
  node.settle();
  EXPECT_EQ(node.kind("10.0.0.9"), NextHop::kBlackhole);
  EXPECT_EQ(node.kind("20.1.1.1"), NextHop::kForward);
  ASSERT_TRUE(node.router().remove_route(hole));
  node.settle();
  EXPECT_EQ(node.kind("10.0.0.9"), NextHop::kForward);
  ASSERT_TRUE(node.router().remove_route(route));
  EXPECT_FALSE(node.router().remove_route(route));
  node.settle();
  EXPECT_EQ(node.kind("20.1.1.1"), NextHop::kNoRoute);
}

// An IPv6 neighbour on a link-local address, as gateways are.
TEST(RouterOwn, ALinkLocalGatewayIsFoundAndConfirmed) {
  NodeWithRoutes node;
  ASSERT_TRUE(node.router().add_port(own_port(0)));
  ASSERT_TRUE(node.router().add_port(own_port(1)));
  for (uint16_t port : {0, 1}) ASSERT_TRUE(node.router().add_address(port, {6, 64, address("fe80::1")}));
  StaticRoute route{{6, 32, address("2001:db8::")}};
  route.via_family = 6;
  route.via = address("fe80::9");
  route.port = 1;
  ASSERT_TRUE(node.router().add_route(route));
  node.settle();
  EXPECT_EQ(node.asked, (std::vector<Question>{{1, "fe80::9", 1}}));
  EXPECT_EQ(node.kind("2001:db8::5"), NextHop::kResolve);
  const auto heard = [&](uint16_t port, const char* text, MacAddress mac, bool solicited) {
    NeighbourEvent e{NeighbourEvent::kLearned, 6, port, address(text), mac, solicited};
    node.worker().call([&] { node.neighbours().learned(e); });
    node.serve_for(20 * kMs);
  };
  heard(1, "fe80::9", {}, true);  // no link address, and none is known
  EXPECT_EQ(node.kind("2001:db8::5"), NextHop::kResolve);
  heard(1, "fe80::9", {2, 0, 0, 0, 1, 9}, true);
  EXPECT_EQ(node.kind("2001:db8::5"), NextHop::kForward);
  EXPECT_EQ(node.look("2001:db8::5").header[5], 9);
  EXPECT_EQ(node.look("2001:db8::5").out_port, 1);
  heard(1, "fe80::9", {}, true);  // the one that is known, still
  EXPECT_EQ(node.look("2001:db8::5").header[5], 9);
  EXPECT_EQ(node.kind("fe80::9"), NextHop::kNoRoute);  // no host route: it is of one link only
  // Who asks for us is likely to be answered.
  heard(0, "fe80::7", {2, 0, 0, 0, 1, 7}, false);
  EXPECT_EQ(node.router().neighbours().size(), 2u);
  EXPECT_EQ(node.router().neighbours().front().state, NeighbourState::kStale);
}

TEST(RouterOwn, ARawPortForwardsAtOnce) {
  NodeWithRoutes node;
  ASSERT_TRUE(node.router().add_port(own_port(0, Link::kRaw)));
  ASSERT_TRUE(node.router().add_address(0, {4, 30, address("10.0.0.1")}));
  StaticRoute route{{6, 0, {}}};
  route.port = 0;
  ASSERT_TRUE(node.router().add_route(route));
  node.settle();
  for (const char* to : {"10.0.0.2", "2001:db8::1"}) {
    EXPECT_EQ(node.kind(to), NextHop::kForward);
    EXPECT_EQ(node.look(to).link_length, 0);
  }
  EXPECT_TRUE(node.asked.empty());
}

TEST(RouterOwn, MistakesAreNamed) {
  NodeWithRoutes node;
  ASSERT_TRUE(node.router().add_port(own_port(0)));
  ASSERT_TRUE(node.router().add_address(0, {4, 24, address("10.0.0.1")}));
  StaticRoute route{{4, 8, address("20.0.0.0")}};
  EXPECT_FALSE(node.router().add_route(route));
  route.via_family = 4;
  route.via = address("11.0.0.1");
  const auto result = node.router().add_route(route);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().sentence,
            "route 20.0.0.0/8: the gateway 11.0.0.1 is on the link of no port; name the port");
  route.via = address("10.0.0.1");
  EXPECT_FALSE(node.router().add_route(route));  // ourselves
  route.port = 3;
  EXPECT_FALSE(node.router().add_route(route));
}

// --- the kernel ------------------------------------------------------------------

#define IN_NAMESPACE(ns)                             \
  const std::unique_ptr<Netns> ns = Netns::create(); \
  if (ns == nullptr) GTEST_SKIP() << Netns::kWhyNot

void sh(const std::string& line) { ASSERT_EQ(std::system(line.c_str()), 0) << line; }

// Under the thread sanitizer everything takes 5 to 15 times as long, so that there only a
// change that is not followed at all is seen; tests/system/route_change_test.py holds the
// program that users run to the bound.
#ifdef __SANITIZE_THREAD__
constexpr int64_t kBound = 100 * kMs;
#else
constexpr int64_t kBound = 10 * kMs;
#endif

// A route change is to reach forwarding within 10 ms.  One late wake-up on a machine that
// does other things proves nothing, so it is the median that is held to it.
void expect_quick(std::vector<int64_t> times) {
  std::sort(times.begin(), times.end());
  const int64_t median = times.at(times.size() / 2);
  ::testing::Test::RecordProperty("median_us", int(median / 1000));
  EXPECT_LT(median, kBound);
}

// Threads that the calling one makes from now on, and itself, run before what else the
// machine does: what is measured is Weft.  Without the right to it, as before.
void run_first() {
  sched_param first{};
  first.sched_priority = 5;
  ::sched_setscheduler(0, SCHED_FIFO, &first);
}

// Two ports, each with a host at the far end of its veth.
void two_links() {
  sh("ip link add pa type veth peer name ha && ip link add pb type veth peer name hb");
  for (const char* device : {"pa", "ha", "pb", "hb"}) {
    sh(std::string("ip link set ") + device + " addrgenmode none up");
  }
  sh("ip addr add 10.1.0.1/24 dev pa && ip addr add 10.2.0.1/24 dev pb");
  sh("ip -6 addr add 2001:db8:1::1/64 dev pa nodad && ip -6 addr add 2001:db8:2::1/64 dev pb nodad");
}

TEST(RouterKernel, FollowsRoutesWithinTenMilliseconds) {
  IN_NAMESPACE(ns);
  ns->run([] {
    run_first();
    two_links();
    NodeWithRoutes node;
    ASSERT_TRUE(node.router().add_port(kernel_port(0, "pa")));
    ASSERT_TRUE(node.router().add_port(kernel_port(1, "pb")));
    ASSERT_TRUE(node.router().add_port(own_port(2)));
    node.settle();
    EXPECT_TRUE(node.kernel_hears(0) && node.kernel_hears(1));
    EXPECT_FALSE(node.kernel_hears(2));
    EXPECT_EQ(node.kind("10.1.0.7"), NextHop::kResolve);
    EXPECT_EQ(node.look("10.1.0.7").out_port, 0);
    EXPECT_EQ(node.look("2001:db8:2::7").out_port, 1);
    for (const char* local :
         {"10.1.0.1", "10.2.0.1", "127.0.0.1", "10.1.0.0", "10.1.0.255", "2001:db8:1::1", "ff02::1"}) {
      EXPECT_EQ(node.kind(local), NextHop::kKernel) << local;
    }
    // A kernel that does not forward does not have this; the router is the node.
    EXPECT_EQ(node.kind("2001:db8:1::"), NextHop::kLocal);
    // RFC 2644: no broadcast of a link is forwarded, whatever other routes say.
    sh("ip route add 10.1.0.0/25 via 10.2.0.2 && ip route add 10.1.0.128/25 via 10.2.0.2");
    EXPECT_GE(node.until([&] { return node.look("10.1.0.129").out_port == 1; }, kSecond), 0);
    EXPECT_EQ(node.kind("10.1.0.0"), NextHop::kKernel);
    EXPECT_EQ(node.kind("10.1.0.255"), NextHop::kKernel);
    sh("ip route del 10.1.0.0/25 && ip route del 10.1.0.128/25");
    EXPECT_EQ(node.addresses().size(), 4u);
    EXPECT_FALSE(node.router().add_address(0, {4, 24, address("10.1.0.9")}));

    std::vector<int64_t> times;
    const auto follow = [&](const std::string& words, auto reached) {
      sh("ip " + words);
      const int64_t took = node.until(reached, 5 * kSecond);
      EXPECT_GE(took, 0) << words;
      times.push_back(took);
    };
    const auto leads = [&](const char* to, uint16_t port) {
      return [&node, to, port] {
        return node.look(to).out_port == port && node.look(to).kind != NextHop::kNoRoute;
      };
    };
    const auto is = [&](const char* to, NextHop::Kind kind) {
      return [&node, to, kind] { return node.kind(to) == kind; };
    };
    follow("route add 20.0.0.0/8 via 10.1.0.2", leads("20.1.1.1", 0));
    EXPECT_EQ(node.look("20.1.1.1").gateway, address("10.1.0.2"));
    follow("route replace 20.0.0.0/8 via 10.2.0.2", leads("20.1.1.1", 1));
    follow("route add 20.0.0.0/8 via 10.1.0.3 metric 50", leads("20.1.1.1", 1));  // worse
    follow("route del 20.0.0.0/8 via 10.2.0.2", leads("20.1.1.1", 0));            // falls back
    follow("route del 20.0.0.0/8", is("20.1.1.1", NextHop::kNoRoute));
    follow("route add blackhole 30.0.0.0/8", is("30.1.1.1", NextHop::kBlackhole));
    follow("route add unreachable 31.0.0.0/8", is("31.1.1.1", NextHop::kUnreachable));
    follow("route add prohibit 32.0.0.0/8", is("32.1.1.1", NextHop::kProhibit));
    follow("route del blackhole 30.0.0.0/8", is("30.1.1.1", NextHop::kNoRoute));
    follow("route add 40.0.0.0/8 nexthop via 10.2.0.2 nexthop via 10.1.0.2", leads("40.1.1.1", 1));
    follow("route del 40.0.0.0/8", is("40.1.1.1", NextHop::kNoRoute));
    follow("-6 route add 2001:db8:20::/48 via 2001:db8:1::2", leads("2001:db8:20::1", 0));
    follow("-6 route append 2001:db8:20::/48 via 2001:db8:2::2", leads("2001:db8:20::1", 0));
    follow("-6 route del 2001:db8:20::/48 via 2001:db8:1::2", leads("2001:db8:20::1", 1));
    follow("-6 route del 2001:db8:20::/48", is("2001:db8:20::1", NextHop::kNoRoute));
    follow("route add 41.0.0.0/8 via inet6 2001:db8:1::2 dev pa", is("41.1.1.1", NextHop::kUnreachable));
    follow("neigh replace 2001:db8:1::2 lladdr 02:00:00:00:00:22 nud permanent dev pa",
           is("41.1.1.1", NextHop::kForward));
    EXPECT_EQ(node.look("41.1.1.1").header[12], 0x08);
    follow("route add 42.0.0.0/8 via 10.1.0.2 mtu 1280", leads("42.1.1.1", 0));
    EXPECT_EQ(node.look("42.1.1.1").mtu, 1280u);
    follow("link set pa mtu 1400", [&] { return node.look("10.1.0.7").mtu == 1400; });
    EXPECT_EQ(node.look("42.1.1.1").mtu, 1280u);
    follow("addr add 10.1.5.1/24 dev pa", is("10.1.5.1", NextHop::kKernel));
    EXPECT_GE(node.until([&] { return node.addresses().size() == 5; }, kSecond), 0);
    // The kernel says nothing about the routes that go with an address or a link.
    follow("addr del 10.1.5.1/24 dev pa", is("10.1.5.7", NextHop::kNoRoute));
    follow("link set pa down", is("10.1.0.7", NextHop::kNoRoute));
    node.settle();
    EXPECT_EQ(node.kind("42.1.1.1"), NextHop::kNoRoute);
    EXPECT_EQ(node.kind("10.2.0.7"), NextHop::kResolve);
    follow("link set pa up", is("10.1.0.7", NextHop::kResolve));
    expect_quick(times);
    // Other tables say nothing about forwarding.
    sh("ip route add 60.0.0.0/8 via 10.2.0.2 table 100");
    node.serve_for(20 * kMs);
    EXPECT_EQ(node.kind("60.1.1.1"), NextHop::kNoRoute);
  });
}

TEST(RouterKernel, AnInterfaceThatIsNoPortLeadsNowhere) {
  IN_NAMESPACE(ns);
  ns->run([] {
    two_links();
    NodeWithRoutes node;
    ASSERT_TRUE(node.router().add_port(kernel_port(0, "pa")));
    sh("ip route add default via 10.1.0.2 && ip route add 50.0.0.0/8 via 10.2.0.2");
    node.settle();
    EXPECT_EQ(node.look("8.8.8.8").out_port, 0);
    EXPECT_EQ(node.kind("50.1.1.1"), NextHop::kNoRoute);
    EXPECT_EQ(node.kind("10.2.0.1"), NextHop::kKernel);
    ASSERT_TRUE(node.router().add_port(kernel_port(1, "pb")));
    node.settle();
    EXPECT_EQ(node.look("50.1.1.1").out_port, 1);
  });
}

TEST(RouterKernel, ResolvesThroughTheKernel) {
  IN_NAMESPACE(ns);
  const std::unique_ptr<Netns> far = Netns::create();
  ASSERT_NE(far, nullptr);
  testing::add_veth(*ns, "pa", *far, "eth0");
  far->ip("addr add 10.1.0.2/24 dev eth0");
  ns->ip("addr add 10.1.0.1/24 dev pa");
  ns->run([&] {
    NodeWithRoutes node;
    ASSERT_TRUE(node.router().add_port(kernel_port(0, "pa")));
    sh("ip route add 20.0.0.0/8 via 10.1.0.2");
    node.settle();
    // The gateway resolves though no packet has asked.
    const int64_t took = node.until([&] { return node.kind("20.1.1.1") == NextHop::kForward; }, 3 * kSecond);
    EXPECT_GE(took, 0);
    EXPECT_EQ(node.kind("10.1.0.2"), NextHop::kForward);
    EXPECT_EQ(node.kind("10.1.0.3"), NextHop::kResolve);
    sh("ip neigh flush dev pa && ip neigh replace 10.1.0.3 lladdr 02:00:00:00:00:33 nud reachable dev pa");
    EXPECT_GE(node.until([&] { return node.kind("10.1.0.3") == NextHop::kForward; }, kSecond), 0);
    EXPECT_EQ(node.look("10.1.0.3").header[5], 0x33);
    sh("ip neigh del 10.1.0.3 dev pa");
    EXPECT_GE(node.until([&] { return node.kind("10.1.0.3") == NextHop::kResolve; }, kSecond), 0);
    // Flushed, but still a gateway: it is asked for again.
    EXPECT_GE(node.until([&] { return node.kind("20.1.1.1") == NextHop::kForward; }, 3 * kSecond), 0);
  });
}

TEST(RouterKernel, WarnsOfAKernelThatForwardsToo) {
  IN_NAMESPACE(ns);
  ns->run([] {
    two_links();
    std::ofstream("/proc/sys/net/ipv4/conf/pa/forwarding") << 1;
    std::ofstream("/proc/sys/net/ipv4/conf/pb/forwarding") << 0;
    NodeWithRoutes node;
    ASSERT_TRUE(node.router().add_port(kernel_port(1, "pb")));
    EXPECT_EQ(node.log(), "");
    ASSERT_TRUE(node.router().add_port(kernel_port(0, "pa")));
    EXPECT_NE(node.log().find("pa: the kernel forwards here as well"), std::string::npos) << node.log();
    EXPECT_NE(node.log().find("net.ipv4.conf.pa.forwarding=0"), std::string::npos) << node.log();
  });
}

// Routes 100.0.0.0/24 and on, by `ip -batch`.
void batch(const testing::TemporaryDirectory& directory, const std::string& verb, int count,
           const char* tail) {
  std::ostringstream lines;
  for (int i = 0; i < count; ++i) {
    lines << "route " << verb << ' ' << 100 + i / 65536 << '.' << i / 256 % 256 << '.' << i % 256 << ".0/24 "
          << tail << '\n';
  }
  sh("ip -batch " + directory.write("routes", lines.str()));
}

TEST(RouterKernel, AfterAnOverrunWhatDidNotChangeStays) {
  IN_NAMESPACE(ns);
  ns->run([] {
    two_links();
    testing::TemporaryDirectory directory;
    RouterOptions options;
    options.kernel_buffer_bytes = 4096;
    NodeWithRoutes node(options);
    ASSERT_TRUE(node.router().add_port(kernel_port(0, "pa")));
    sh("ip route add 90.0.0.0/8 via 10.1.0.2 && ip route add 91.0.0.0/8 via 10.1.0.2");
    sh("ip route add 92.0.0.0/8 via 10.1.0.2");
    node.settle();
    // Nobody reads meanwhile.
    batch(directory, "add", 3000, "via 10.1.0.3");
    sh("ip route del 91.0.0.0/8 && ip route replace 92.0.0.0/8 via 10.1.0.4");
    size_t missing = 0;
    const auto all_there = [&] {
      missing += node.kind("90.1.1.1") != NextHop::kResolve;
      return node.router().settled() && node.kind("91.1.1.1") == NextHop::kNoRoute;
    };
    EXPECT_GE(node.until(all_there), 0);
    EXPECT_EQ(missing, 0u);
    EXPECT_GE(node.router().counts().kernel.overruns, 1u);
    EXPECT_EQ(node.look("100.11.183.1").gateway, address("10.1.0.3"));  // the last of the 3000
    EXPECT_EQ(node.look("92.1.1.1").gateway, address("10.1.0.4"));
    EXPECT_EQ(node.router().counts().not_installed, 0u);
  });
}

TEST(RouterKernel, OneOfAHundredThousandChangesAndTheOthersStay) {
  IN_NAMESPACE(ns);
  ns->run([] {
    two_links();
    testing::TemporaryDirectory directory;
    run_first();
    batch(directory, "add", 100'000, "via 10.1.0.2");
    NodeWithRoutes node;
    ASSERT_TRUE(node.router().add_port(kernel_port(0, "pa")));
    const int64_t loaded = node.until([&] { return node.router().settled(); }, 60 * kSecond);
    ASSERT_GE(loaded, 0);
    RecordProperty("load_ms", int(loaded / int64_t(kMs)));
    EXPECT_GE(node.router().counts().routes4, 100'000u);
    ASSERT_TRUE(node.router().add_port(kernel_port(1, "pb")));  // everything is said again

    // Meanwhile the worker looks at all of them, again and again.
    std::atomic<size_t> missing{0};
    std::atomic<size_t> looked{0};
    const std::function<void()> look_at_all = [&] {
      for (int i = 0; i < 100'000; i += 97) {
        const uint8_t a[4] = {uint8_t(100 + i / 65536), uint8_t(i / 256), uint8_t(i), 1};
        missing += node.fib().next_hops[node.fib().ip4.find(a)].kind != NextHop::kResolve;
      }
      ++looked;
    };
    std::vector<int64_t> times;
    for (int change = 0; change < 20; ++change) {
      const bool to_b = change % 2 == 0;
      sh(std::string("ip route replace 100.7.7.0/24 via ") + (to_b ? "10.2.0.2" : "10.1.0.2"));
      const int64_t took = node.until(
          [&] {
            node.worker().call(look_at_all);
            return node.look("100.7.7.1").out_port == (to_b ? 1 : 0);
          },
          10 * kSecond);
      // The first come while 100,000 routes are said again.
      EXPECT_GE(took, 0);
      times.push_back(took);
    }
    expect_quick(times);
    node.settle();
    node.worker().call(look_at_all);
    EXPECT_EQ(missing.load(), 0u);
    EXPECT_GT(looked.load(), 20u);

    batch(directory, "del", 100'000, "");
    EXPECT_GE(node.until(
                  [&] {
                    return node.kind("100.0.0.1") == NextHop::kNoRoute &&
                           node.kind("101.134.159.1") == NextHop::kNoRoute;
                  },
                  60 * kSecond),
              0);
    node.settle();
    EXPECT_LT(node.router().counts().routes4, 100u);
    EXPECT_LT(node.router().counts().next_hops, 20u);
  });
}

}  // namespace
}  // namespace weft
