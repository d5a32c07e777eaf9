// SPDX-License-Identifier: Apache-2.0
// What path texts with ip mean to the demux, and what is said about wrong ones.
#include "tests/unit/modules/node_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::text;

class IpPathTextTest : public test::NodeFixture {
 protected:
  DemuxKey key(const std::string& path_text) {
    open(path_text);
    return keys_[path_text];
  }
  void expect_refusal(const std::string& path_text, const std::string& part) {
    const std::string said = refusal(path_text);
    EXPECT_NE(said.find(part), std::string::npos) << path_text << ": " << said;
  }
};

TEST_F(IpPathTextTest, Keys) {
  EXPECT_EQ(key("eth0/ip -> eth1").shape, DemuxKey::kRoute);
  EXPECT_EQ(key("eth0/ip -> eth1/ip (ttl=9)").shape, DemuxKey::kRoute);
  const DemuxKey host = key("eth0/ip");
  EXPECT_EQ(host.shape, DemuxKey::kLink);
  EXPECT_EQ(host.link_protocol, 0x0800);
  EXPECT_FALSE(host.any_protocol);

  const DemuxKey by_source = key("eth0/ip (src=10.0.0.0/8) -> eth1");
  EXPECT_EQ(by_source.shape, DemuxKey::kNarrow);
  EXPECT_EQ(by_source.narrow_mask.local, 0);
  EXPECT_EQ(by_source.narrow_mask.source[0], 0xff);
  EXPECT_EQ(by_source.narrow_mask.source[1], 0);
  EXPECT_EQ(by_source.narrow.source[0], 10);

  EXPECT_EQ(key("eth0/ip/icmp").narrow.local, 1);
  EXPECT_EQ(key("eth0/ip (proto=89)").narrow.protocol, 89);
  const DemuxKey anyone = key("eth0/ip/icmp (dst=0.0.0.0/0)");
  EXPECT_EQ(anyone.narrow_mask.local, 0);
  EXPECT_EQ(anyone.narrow_mask.destination[0], 0);
  const DemuxKey echo = key("eth0/ip/icmp (type=0)");
  ASSERT_EQ(echo.payload.size(), 1u);
  EXPECT_EQ(echo.payload[0].value, std::vector<uint8_t>{0});
}

TEST_F(IpPathTextTest, Refusals) {
  expect_refusal("eth0/ip (src=10.0.0.0/33)", "column 10: '10.0.0.0/33' is not an IPv4 address");
  expect_refusal("eth0/ip (src=10.0.0)", "is not an IPv4 address");
  expect_refusal("eth0/ip (src=::1)", "is not an IPv4 address");
  expect_refusal("eth0/ip (src=10.0.0.1/8)", "bits set behind its prefix of 8 bits");
  expect_refusal("eth0/ip (proto=256)", "from 0 to 255");
  expect_refusal("eth0/ip (ttl=0)", "from 1 to 255");
  expect_refusal("eth0/ip (ttl=9) -> eth1", "write it behind the '->'");
  expect_refusal("eth0/ip -> eth1/ip (src=10.0.0.1)", "only ttl and tos");
  expect_refusal("eth0/ip/icmp (proto=6)", "icmp is protocol 1");
  expect_refusal("eth0/ip/ip", "ip stands on eth");
  expect_refusal("eth0/icmp", "icmp stands on ip");
}

TEST_F(IpPathTextTest, PathsByFieldsUseTheirDeviceWhateverTheRouteSays) {
  Path& path = open("eth0/ip (src=10.0.0.0/24) -> udp0");
  give(path, "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip 10.0.0.2 > 172.16.0.1 ttl 64 / udp 1 > 2");
  give(path, "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip 10.0.0.2 > 10.0.1.2 ttl 64 / udp 1 > 2");
  EXPECT_EQ(sent(2), (std::vector<Bytes>{text("ip 10.0.0.2 > 172.16.0.1 ttl 63 / udp 1 > 2"),
                                         text("ip 10.0.0.2 > 10.0.1.2 ttl 63 / udp 1 > 2")}));
}

TEST_F(IpPathTextTest, FarSideRewritesTtlAndTos) {
  Path& path = open("eth0/ip -> eth1/ip (ttl=9, tos=16)");
  give(path, "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip 10.0.0.2 > 10.0.1.2 ttl 64 / udp 1 > 2");
  EXPECT_EQ(
      sent(1),
      std::vector<Bytes>{text(
          "eth 02:00:00:00:00:02 > 02:00:00:00:00:bb / ip 10.0.0.2 > 10.0.1.2 ttl 9 tos 16 / udp 1 > 2")});
}

TEST_F(IpPathTextTest, TransportsOnTheNearSideOnlyChoose) {
  Path& path = open("eth0/ip/udp (dstport=2) -> eth1");
  EXPECT_EQ(keys_["eth0/ip/udp (dstport=2) -> eth1"].narrow_mask.local, 0);
  give(path, "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip 10.0.0.2 > 10.0.1.2 ttl 64 / udp 1 > 2 / \"x\"");
  EXPECT_EQ(
      sent(1),
      std::vector<Bytes>{text(
          "eth 02:00:00:00:00:02 > 02:00:00:00:00:bb / ip 10.0.0.2 > 10.0.1.2 ttl 63 / udp 1 > 2 / \"x\"")});
}

}  // namespace
}  // namespace weft
