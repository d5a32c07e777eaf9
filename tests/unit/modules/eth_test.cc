// SPDX-License-Identifier: Apache-2.0
#include "modules/eth.h"

#include "tests/unit/modules/node_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::expect_true_ip4;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ";

class EthTest : public test::NodeFixture {
 protected:
  NeighbourEvent wanted() {
    NeighbourEvent event;
    EXPECT_TRUE(neighbours_.take_event(event));
    EXPECT_EQ(event.kind, NeighbourEvent::kWanted);
    return event;
  }
};

TEST_F(EthTest, WaitsForTheNeighbourAndThenGoesOn) {
  Path& path = open("eth0/ip -> eth1");
  give(path, kIn + "ip 10.0.0.2 > 10.0.1.7 ttl 64 / udp 1 > 2 / \"a\"");
  give(path, kIn + "ip 10.0.0.2 > 10.0.1.7 ttl 64 / udp 1 > 2 / \"b\"");
  EXPECT_TRUE(sent(1).empty());
  EXPECT_EQ(path.held(), 2u);
  const NeighbourEvent event = wanted();
  EXPECT_EQ(event.port, 1);
  EXPECT_EQ(event.address, address("10.0.1.7"));
  set_hop(20, NextHop::kForward, 1, 0x77);
  neighbours_.resolved(1, 4, event.address, 20);
  const std::string out =
      "eth 02:00:00:00:00:02 > 02:00:00:00:00:77 / ip 10.0.0.2 > 10.0.1.7 ttl 63 / udp 1 > 2 / ";
  EXPECT_EQ(sent(1), (std::vector<Bytes>{text(out + "\"a\""), text(out + "\"b\"")}));
  EXPECT_EQ(path.held(), 0u);
}

TEST_F(EthTest, AsksForTheGatewayNotTheDestination) {
  NextHop hop;
  hop.kind = NextHop::kResolve;
  hop.out_port = 1;
  hop.mtu = 1500;
  hop.has_gateway = true;
  hop.gateway = address("10.0.1.9");
  fib_.next_hops.set(21, hop);
  route("172.16.0.0", 12, 21);
  Path& path = open("eth0/ip -> eth1");
  give(path, kIn + "ip 10.0.0.2 > 172.16.5.5 ttl 64 / udp 1 > 2");
  EXPECT_EQ(wanted().address, address("10.0.1.9"));
}

// RFC 1812 section 5.2.7.1: host unreachable when the last hop does not answer.
TEST_F(EthTest, ASilentNeighbourIsReported) {
  Path& path = open("eth0/ip -> eth1");
  open_host_path(0);
  give(path, kIn + "ip 10.0.0.2 > 10.0.1.7 ttl 64 / udp 1 > 2");
  neighbours_.failed(1, 4, address("10.0.1.7"));
  run();
  EXPECT_EQ(path.dropped(DropReason::kNeighbourFailed), 1u);
  auto back = sent(0);
  ASSERT_EQ(back.size(), 1u);
  expect_true_ip4(back[0], 14);
  EXPECT_EQ(back[0][34], 3);
  EXPECT_EQ(back[0][35], 1);
}

TEST_F(EthTest, ClosingLetsGoOfWhatWaits) {
  Path& path = open("eth0/ip -> eth1");
  give(path, kIn + "ip 10.0.0.2 > 10.0.1.7 / udp 1 > 2");
  path.close();
  EXPECT_EQ(path.held(), 0u);
  EXPECT_EQ(path.dropped(DropReason::kPathClosed), 1u);
}

TEST_F(EthTest, GroupsHaveAddressesOfTheirOwn) {
  Path& path = open("eth0/ip/udp (srcport=5, dstport=6, src=224.129.2.3)");
  route("224.0.0.0", 4, kLink0);
  path.enqueue(End::kFar, packet_of(Bytes{'x'}));
  run();
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(Bytes(out[0].begin(), out[0].begin() + 6), (Bytes{1, 0, 0x5e, 1, 2, 3}));
  expect_true_ip4(out[0], 14);
}

TEST_F(EthTest, DirectedBroadcastOfOurOwn) {
  Path& path = open("eth0/ip/udp (srcport=5, dstport=6, src=10.0.0.255)");
  path.enqueue(End::kFar, packet_of(Bytes{'x'}));
  run();
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(Bytes(out[0].begin(), out[0].begin() + 6), (Bytes(6, 0xff)));
}

TEST_F(EthTest, AlonePassesWholeFrames) {
  test::TestPartner up;
  Path& path = open("eth0/eth", &up);
  const Bytes frame = text("eth 02:00:00:00:00:aa > 02:00:00:00:00:99 type 2054 / hex 0102");
  give(path, frame);
  ASSERT_EQ(up.taken().size(), 1u);
  EXPECT_EQ(test::bytes_in(*up.taken()[0]), frame);
  up.lose_all();
  give(path, Bytes(13));
  EXPECT_EQ(path.dropped(DropReason::kTooShort), 1u);
}

TEST_F(EthTest, RefusesRawLinks) {
  EXPECT_NE(refusal("udp0/eth/ip -> eth1").find("does not speak Ethernet"), std::string::npos);
}

}  // namespace
}  // namespace weft
