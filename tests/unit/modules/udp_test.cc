// SPDX-License-Identifier: Apache-2.0
#include "modules/udp.h"

#include "modules/ip_header.h"
#include "tests/unit/modules/node6_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::expect_true_ip4;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ";
const std::string kBack = "eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ";

class UdpTest : public test::NodeFixture {
 protected:
  // What the path's owner received, which is then let go.
  std::vector<Bytes> received() {
    std::vector<Bytes> all;
    for (const PacketPtr& p : ee_.taken()) all.push_back(test::bytes_in(*p));
    return all;
  }
  ~UdpTest() override { ee_.lose_all(); }
  // Compares frames but for the IP identification and header checksum.
  static void expect_same(Bytes a, Bytes b) {
    expect_true_ip4(a, 14);
    for (Bytes* x : {&a, &b}) {
      ASSERT_GE(x->size(), 34u);
      (*x)[18] = (*x)[19] = (*x)[24] = (*x)[25] = 0;
    }
    EXPECT_EQ(a, b);
  }

  test::TestPartner ee_;
};

TEST_F(UdpTest, UpWithoutItsHeader) {
  Path& path = open("eth0/ip/udp (dstport=7)", &ee_);
  give(path, kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 4000 > 7 / \"hello\"");
  EXPECT_EQ(received(), std::vector<Bytes>{(Bytes{'h', 'e', 'l', 'l', 'o'})});
  UdpEnd sender, receiver;
  ASSERT_TRUE(read_udp_ends(*ee_.taken()[0], sender, receiver));
  EXPECT_EQ(sender.family, 4);
  EXPECT_EQ(sender.address, address("10.0.0.2"));
  EXPECT_EQ(receiver.address, address("10.0.0.1"));
  EXPECT_EQ(sender.port, 4000);
  EXPECT_EQ(receiver.port, 7);
}

TEST_F(UdpTest, GivenBackItReturnsToItsSender) {
  Path& path = open("eth0/ip/udp (dstport=7)", &ee_);
  for (const char* options : {"", " options 94040000"}) {
    give(path, kIn + "ip 10.0.0.2 > 10.0.0.1" + options + " / udp 4000 > 7 / \"hello\"");
    Pvec v;
    v.push_back(std::move(ee_.taken().front()));
    ee_.taken().clear();
    path.enqueue(End::kFar, v);
    run();
    auto out = sent(0);
    ASSERT_EQ(out.size(), 1u);
    expect_same(out[0], text(kBack + "ip 10.0.0.1 > 10.0.0.2 / udp 7 > 4000 / \"hello\""));
  }
}

TEST_F(UdpTest, FreshDatagramsGoWhereTheyAreAddressed) {
  Path& path = open("eth0/ip/udp (dstport=7)", &ee_);
  PacketPtr p = packet_of(Bytes{'x'});
  ASSERT_TRUE(write_udp_ends(*p, {.address = address("10.0.0.2"), .port = 99}, {}));
  path.enqueue(End::kFar, std::move(p));
  path.enqueue(End::kFar, packet_of(Bytes{'y'}));  // to nobody
  run();
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  expect_same(out[0], text(kBack + "ip 10.0.0.1 > 10.0.0.2 / udp 7 > 99 / \"x\""));
  EXPECT_EQ(path.dropped(DropReason::kNoRoute), 1u);
}

TEST_F(UdpTest, FarSidePutsFramesIntoDatagrams) {
  Path& path = open("eth0 -> udp0/ip/udp (dst=10.0.2.2, srcport=9, dstport=10, ttl=5, tos=8)");
  const Bytes frame = text(kIn + "ip 10.0.0.2 > 10.0.1.2 / udp 1 > 2");
  give(path, frame);
  auto out = sent(2);
  ASSERT_EQ(out.size(), 1u);
  expect_true_ip4(out[0], 0);
  EXPECT_EQ(out[0][1], 8);
  EXPECT_EQ(out[0][8], 5);
  EXPECT_EQ(Bytes(out[0].begin() + 12, out[0].begin() + 24), (Bytes{10, 0, 2, 1, 10, 0, 2, 2, 0, 9, 0, 10}));
  EXPECT_EQ(Bytes(out[0].begin() + 28, out[0].end()), frame);
}

TEST_F(UdpTest, LiesAndChecksums) {
  Path& path = open("eth0/ip/udp (dstport=7)", &ee_);
  const std::string ip = kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 4000 > 7 ";
  give(path, ip + "checksum 1 / \"hello\"");
  EXPECT_EQ(path.dropped(DropReason::kBadChecksum), 1u);
  give(path, ip + "length 7 / \"hello\"");
  give(path, ip + "length 0 / \"hello\"");
  EXPECT_EQ(path.dropped(DropReason::kBadLength), 2u);
  give(path, ip + "length 14 / \"hello\"");
  give(path, ip + "length 65535 / \"hello\"");
  EXPECT_EQ(path.dropped(DropReason::kTooShort), 2u);
  EXPECT_TRUE(received().empty());
  give(path, ip + "checksum 0 / \"hello\"");            // none
  give(path, ip + "checksum 0 length 10 / \"hello\"");  // what is behind is not its own
  EXPECT_EQ(received(), (std::vector<Bytes>{{'h', 'e', 'l', 'l', 'o'}, {'h', 'e'}}));
}

TEST_F(UdpTest, TruncatedAtEveryLength) {
  Path& path = open("eth0/ip/udp (dstport=7)", &ee_);
  for (size_t n = 0; n < 8; ++n) {
    give(path, kIn + "ip 10.0.0.2 > 10.0.0.1 proto 17" + (n ? " / zeros " + std::to_string(n) : ""));
  }
  EXPECT_EQ(path.dropped(DropReason::kTooShort), 8u);
}

TEST_F(UdpTest, AChecksumLeftForLaterIsGood) {
  Path& path = open("eth0/ip/udp (dstport=7)", &ee_);
  PacketPtr p = packet_of(text(kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 4000 > 7 checksum 4660 / \"hello\""));
  p->flags |= Packet::kOffload;
  p->offload() = {.headers_length = 42, .checksum_start = 34, .checksum_offset = 6};
  give(path, std::move(p));
  EXPECT_EQ(received().size(), 1u);
}

TEST_F(UdpTest, SuperPacketsAreCutIntoDatagrams) {
  Path& path = open("eth0/ip/udp (dstport=7)", &ee_);
  PacketPtr p = packet_of(text(kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 4000 > 7 / zeros 250"));
  p->flags |= Packet::kOffload;
  p->offload() = {.segment_size = 100,
                  .headers_length = 42,
                  .checksum_start = 34,
                  .checksum_offset = 6,
                  .kind = Offload::kUdp};
  give(path, std::move(p));
  EXPECT_EQ(received(), (std::vector<Bytes>{Bytes(100), Bytes(100), Bytes(50)}));
  UdpEnd sender, receiver;
  for (const PacketPtr& d : ee_.taken()) {
    ASSERT_TRUE(read_udp_ends(*d, sender, receiver));
    EXPECT_EQ(sender.port, 4000);
  }
}

TEST_F(UdpTest, AChecksumOfZeroIsSentAsOnes) {
  Path& path = open("eth0/ip/udp (dstport=7, src=10.0.0.2, srcport=9)", &ee_);
  for (int word = 0; word < 65536; word += 1) {
    path.enqueue(End::kFar, packet_of(Bytes{uint8_t(word >> 8), uint8_t(word)}));
    path.run();
    ASSERT_EQ(devices_[0]->taken().size(), 1u);
    const Bytes b = test::bytes_in(*devices_[0]->taken()[0]);
    devices_[0]->taken().clear();
    ASSERT_TRUE(b[40] || b[41]) << word;
    if (word % 16 == 0 || (b[40] == 0xff && b[41] == 0xff)) expect_true_ip4(b, 14);
  }
}

TEST_F(UdpTest, TooLargeForIpIsDropped) {
  Path& path = open("eth0/ip/udp (dstport=7, src=10.0.0.2, srcport=9)", &ee_);
  path.enqueue(End::kFar, packet_of(Bytes(65507)));
  path.enqueue(End::kFar, packet_of(Bytes(65508)));
  run();
  EXPECT_EQ(path.dropped(DropReason::kTooBig), 1u);
  Bytes payload;
  for (const Bytes& f : sent(0)) {
    expect_true_ip4(f, 14);
    EXPECT_LE(f.size(), 1514u);
    payload.insert(payload.end(), f.begin() + 34, f.end());
  }
  EXPECT_EQ(payload.size(), 65515u);
}

TEST_F(UdpTest, KeysAndErrors) {
  open("eth0/ip/udp (srcport=5, dstport=7)", &ee_);
  const DemuxKey& key = keys_["eth0/ip/udp (srcport=5, dstport=7)"];
  EXPECT_EQ(key.shape, DemuxKey::kNarrow);
  EXPECT_EQ(key.narrow.protocol, 17);
  EXPECT_EQ(key.narrow.local, 1);
  EXPECT_EQ(swap_be(key.narrow.source_port), 5);
  EXPECT_EQ(swap_be(key.narrow.destination_port), 7);
  EXPECT_EQ(key.narrow_mask.destination_port, 0xffff);
  EXPECT_NE(refusal("eth0/ip/udp (dstport=0)").find("column 14: 'dstport' takes a number from 1 to 65535"),
            std::string::npos)
      << refusal("eth0/ip/udp (dstport=0)");
  EXPECT_NE(refusal("eth0/ip/udp (dstport=http)"), "");
  EXPECT_NE(refusal("eth0/udp (dstport=7)").find("udp stands on ip"), std::string::npos);
  EXPECT_NE(refusal("eth0 -> udp0/ip/udp (dstport=7)").find("where to?"), std::string::npos);
}

// --- over IPv6 -------------------------------------------------------------------

const std::string kIn6 = kIn + "ip6 fd00:a::2 > fd00:a::1 ";
const std::string kBack6 = kBack + "ip6 fd00:a::1 > fd00:a::2 ";

class Udp6Test : public test::Node6Fixture {
 protected:
  ~Udp6Test() override { ee_.lose_all(); }
  PacketPtr only_taken() {
    EXPECT_EQ(ee_.taken().size(), 1u);
    if (ee_.taken().empty()) return nullptr;
    PacketPtr p = std::move(ee_.taken().front());
    ee_.taken().clear();
    return p;
  }
  size_t received() { return ee_.taken().size(); }

  test::TestPartner ee_;
};

TEST_F(Udp6Test, UpWithoutItsHeadersAndBackToItsSender) {
  Path& path = open("eth0/ip6/udp (dstport=7)", &ee_);
  const Bytes plain = text(kIn6 + "/ udp 4000 > 7 / \"hello\"");
  for (const bool extended : {false, true}) {
    Bytes b = plain;
    if (extended) {  // by destination options
      const uint8_t options[] = {17, 0, 1, 4, 0, 0, 0, 0};
      b.insert(b.begin() + 54, std::begin(options), std::end(options));
      b[19] = uint8_t(b[19] + sizeof options);
      b[20] = 60;
    }
    give6(path, b);
    PacketPtr p = only_taken();
    ASSERT_TRUE(p) << extended;
    EXPECT_EQ(test::bytes_of(*p), "hello");
    UdpEnd sender, receiver;
    ASSERT_TRUE(read_udp_ends(*p, sender, receiver));
    EXPECT_EQ(sender.family, 6);
    EXPECT_EQ(sender.address, address6("fd00:a::2"));
    EXPECT_EQ(sender.port, 4000);
    EXPECT_EQ(receiver.address, address6("fd00:a::1"));
    EXPECT_EQ(receiver.port, 7);
    path.enqueue(End::kFar, std::move(p));
    run();
    EXPECT_EQ(sent(0), std::vector<Bytes>{text(kBack6 + "/ udp 7 > 4000 / \"hello\"")}) << extended;
  }
}

TEST_F(Udp6Test, FreshDatagramsGoWhereTheyAreAddressed) {
  Path& path = open("eth0/ip6/udp (dstport=7)", &ee_);
  PacketPtr p = packet_of(Bytes{'x'});
  ASSERT_TRUE(write_udp_ends(*p, {.family = 6, .address = address6("fd00:a::2"), .port = 99}, {.family = 6}));
  path.enqueue(End::kFar, std::move(p));
  path.enqueue(End::kFar, packet_of(Bytes{'y'}));  // to nobody
  run();
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kBack6 + "/ udp 7 > 99 / \"x\"")});
  EXPECT_EQ(path.dropped(DropReason::kNoRoute), 1u);
}

// What came over one family says nothing about who is meant in the other.
TEST_F(Udp6Test, EndsOfTheOtherFamilyAreNotTaken) {
  Path& four = open("eth0/ip/udp (dstport=7)", &ee_);
  Path& six = open("eth0/ip6/udp (dstport=7)", &ee_);
  give(four, kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 4000 > 7 / \"hello\"");
  six.enqueue(End::kFar, only_taken());
  give6(six, kIn6 + "/ udp 4000 > 7 / \"hello\"");
  four.enqueue(End::kFar, only_taken());
  run();
  EXPECT_EQ(six.dropped(DropReason::kNoRoute), 1u);
  EXPECT_EQ(four.dropped(DropReason::kNoRoute), 1u);
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(Udp6Test, FarSidePutsFramesIntoDatagrams) {
  Path& path = open("eth0 -> udp0/ip6/udp (dst=fd00:c::2, srcport=9, dstport=10, hop=5, class=8)");
  const Bytes frame = text(kIn + "ip 10.0.0.2 > 10.0.1.2 / udp 1 > 2");
  give(path, frame);
  auto out = sent(2);
  ASSERT_EQ(out.size(), 1u);
  Bytes expected = text("ip6 fd00:c::1 > fd00:c::2 hop 5 class 8 / udp 9 > 10 / zeros 42");
  ASSERT_EQ(out[0].size(), expected.size());
  EXPECT_EQ(Bytes(out[0].begin(), out[0].begin() + 46), Bytes(expected.begin(), expected.begin() + 46));
  EXPECT_EQ(Bytes(out[0].begin() + 48, out[0].end()), frame);
  uint32_t pseudo = 17 + uint32_t(out[0].size() - 40);
  for (size_t i = 8; i < 40; i += 2) pseudo += uint32_t(out[0][i]) << 8 | out[0][i + 1];
  EXPECT_EQ(test::plain_checksum(out[0], 40, out[0].size(), pseudo), 0);
}

TEST_F(Udp6Test, EveryDatagramHasAChecksum) {
  Path& path = open("eth0/ip6/udp (dstport=7, src=fd00:a::2, srcport=9)", &ee_);
  give6(path, kIn6 + "/ udp 9 > 7 checksum 0 / \"hello\"");
  give6(path, kIn6 + "/ udp 9 > 7 checksum 1 / \"hello\"");
  EXPECT_EQ(path.dropped(DropReason::kBadChecksum), 2u);
  EXPECT_EQ(received(), 0u);
  for (int word = 0; word < 65536; ++word) {
    path.enqueue(End::kFar, packet_of(Bytes{uint8_t(word >> 8), uint8_t(word)}));
    path.run();
    ASSERT_EQ(devices_[0]->taken().size(), 1u);
    const Bytes b = test::bytes_in(*devices_[0]->taken()[0]);
    devices_[0]->taken().clear();
    ASSERT_TRUE(b[60] || b[61]) << word;
  }
}

TEST_F(Udp6Test, LargeOnesAreCutAndTooLargeOnesDropped) {
  Path& path = open("eth0/ip6/udp (dstport=7, src=fd00:a::2, srcport=9)", &ee_);
  path.enqueue(End::kFar, packet_of(Bytes(65527)));
  path.enqueue(End::kFar, packet_of(Bytes(65528)));
  run();
  EXPECT_EQ(path.dropped(DropReason::kTooBig), 1u);
  size_t payload = 0;
  for (const Bytes& f : sent(0)) {
    test::expect_true_ip6(f, 14);
    EXPECT_LE(f.size(), 14u + ip6::kMinMtu);
    payload += f.size() - 14 - 48;
  }
  EXPECT_EQ(payload, 65535u);
}

TEST_F(Udp6Test, KeysAndErrors) {
  open("eth0/ip6/udp (srcport=5, dstport=7)", &ee_);
  const DemuxKey& key = keys_["eth0/ip6/udp (srcport=5, dstport=7)"];
  EXPECT_EQ(key.shape, DemuxKey::kWide);
  EXPECT_EQ(key.wide.protocol, 17);
  EXPECT_EQ(key.wide.local, 1);
  EXPECT_EQ(swap_be(key.wide.source_port), 5);
  EXPECT_EQ(swap_be(key.wide.destination_port), 7);
  EXPECT_EQ(key.wide_mask.source_port, 0xffff);
  EXPECT_EQ(key.wide_mask.destination_port, 0xffff);
  EXPECT_NE(refusal("eth0 -> udp0/ip6/udp (dstport=7)").find("where to?"), std::string::npos);
  EXPECT_NE(refusal("eth0/ip6/udp (dst=10.0.0.1)").find("is not an IPv6 address"), std::string::npos);
  EXPECT_NE(refusal("eth0/ip6/udp (proto=6)").find("udp is protocol 17"), std::string::npos);
}

TEST_F(Udp6Test, OnTheNearSideOfACutThroughPathItOnlyChooses) {
  Path& path = open("eth0/ip6/udp (dstport=2) -> eth1");
  EXPECT_EQ(keys_["eth0/ip6/udp (dstport=2) -> eth1"].wide_mask.local, 0);
  give6(path, kIn + "ip6 fd00:a::2 > fd00:b::2 / udp 1 > 2 / \"x\"");
  EXPECT_EQ(sent(1), std::vector<Bytes>{text("eth 02:00:00:00:00:02 > 02:00:00:00:00:bb / "
                                             "ip6 fd00:a::2 > fd00:b::2 hop 63 / udp 1 > 2 / \"x\"")});
}

}  // namespace
}  // namespace weft
