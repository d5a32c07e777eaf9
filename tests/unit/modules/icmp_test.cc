// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp.h"

#include "tests/unit/modules/node_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::expect_true_ip4;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ";

class IcmpTest : public test::NodeFixture {
 protected:
  IcmpTest() : path_(open("eth0/ip/icmp")) {}

  // The reply of a request, but for its identification.
  void expect_reply(const Bytes& request, const Bytes& reply, size_t header = 20) {
    expect_true_ip4(reply, 14);
    ASSERT_EQ(reply.size(), request.size());
    EXPECT_EQ(Bytes(reply.begin(), reply.begin() + 12), (Bytes{2, 0, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 1}));
    EXPECT_EQ(reply[15], request[15]) << "TOS is kept";
    EXPECT_EQ(reply[22], 64);
    EXPECT_TRUE(std::equal(reply.begin() + 26, reply.begin() + 30, request.begin() + 30));
    EXPECT_TRUE(std::equal(reply.begin() + 30, reply.begin() + 34, request.begin() + 26));
    EXPECT_EQ(reply[14 + header], 0);
    EXPECT_TRUE(std::equal(reply.begin() + 14 + ptrdiff_t(header) + 4, reply.end(),
                           request.begin() + 14 + ptrdiff_t(header) + 4));
  }

  Path& path_;
};

TEST_F(IcmpTest, EchoOfEverySizeComesBack) {
  for (int size : {0, 1, 7, 8, 55, 56, 57, 1000, 1472}) {
    const Bytes in =
        text(kIn + "ip 10.0.0.2 > 10.0.0.1 ttl 3 tos 184 id 77 / icmp 8 0 rest 00010002 / zeros " +
             std::to_string(size));
    give(path_, in);
    auto out = sent(0);
    ASSERT_EQ(out.size(), 1u) << size;
    expect_reply(in, out[0]);
  }
}

TEST_F(IcmpTest, EveryChecksumIsAdjustedRight) {
  Bytes b = text(kIn + "ip 10.0.0.2 > 10.0.0.1 / icmp 8 0 / zeros 2");
  for (int word = 0; word < 65536; word += 3) {
    b[42] = uint8_t(word >> 8);
    b[43] = uint8_t(word);
    b[36] = b[37] = 0;
    const uint16_t sum = test::plain_checksum(b, 34, b.size());
    b[36] = uint8_t(sum >> 8);
    b[37] = uint8_t(sum);
    give(path_, b);
    auto out = sent(0);
    ASSERT_EQ(out.size(), 1u);
    expect_true_ip4(out[0], 14);
  }
}

TEST_F(IcmpTest, ThePayloadStaysWhereItIs) {
  PacketPtr p = packet_of(text(kIn + "ip 10.0.0.2 > 10.0.0.1 / icmp 8 0 / zeros 1000"));
  const uint8_t* payload = p->data + 42;
  const uint64_t copied = pool_->bytes_copied();
  give(path_, std::move(p));
  EXPECT_EQ(pool_->bytes_copied(), copied);
  ASSERT_EQ(devices_[0]->taken().size(), 1u);
  EXPECT_EQ(devices_[0]->taken()[0]->data + 42, payload);
}

TEST_F(IcmpTest, BadChecksumAndShortMessages) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 / icmp 8 0 checksum 1 / zeros 8");
  EXPECT_EQ(path_.dropped(DropReason::kBadChecksum), 1u);
  for (const char* hex : {"", "08", "0800f7ff", "0800f7ff000000"}) {
    give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 proto 1" + (*hex ? std::string(" / hex ") + hex : ""));
  }
  EXPECT_EQ(path_.dropped(DropReason::kTooShort), 4u);
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(IcmpTest, BroadcastEchoesGoWithoutAnswer) {
  for (const char* to : {"255.255.255.255", "10.0.0.255", "10.0.0.0", "224.0.0.1"}) {
    give(path_,
         "eth 02:00:00:00:00:aa > ff:ff:ff:ff:ff:ff / ip 10.0.0.2 > " + std::string(to) + " / icmp 8 0");
  }
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(path_.dropped(DropReason::kConsumed), 4u);
}

TEST_F(IcmpTest, OtherTypesGoUpAndTheHostTakesThem) {
  for (int type : {0, 3, 5, 11, 13, 17, 42}) {
    give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 / icmp " + std::to_string(type) + " 0 / zeros 8");
  }
  EXPECT_EQ(host_.drops()[DropReason::kConsumed], 7u);
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(IcmpTest, RecordRouteOfTheRequestIsInTheReply) {
  const Bytes in =
      text(kIn + "ip 10.0.0.2 > 10.0.0.1 options 070f0400000000000000000000000000 / icmp 8 0 / zeros 8");
  give(path_, in);
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  expect_reply(in, out[0], 36);
  EXPECT_EQ(Bytes(out[0].begin() + 34, out[0].begin() + 41), (Bytes{7, 15, 8, 10, 0, 0, 1}));
}

TEST_F(IcmpTest, SharedAndSplitRequests) {
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.0.1 / icmp 8 0 rest 00010002 / zeros 20");
  PacketPtr original = packet_of(in);
  give(path_, pool_->clone(*original));
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  expect_reply(in, out[0]);
  EXPECT_EQ(test::bytes_in(*original), in);
  for (size_t cut = 1; cut < in.size(); ++cut) {
    PacketPtr first = packet_of(Bytes(in.begin(), in.begin() + ptrdiff_t(cut)));
    first->next = packet_of(Bytes(in.begin() + ptrdiff_t(cut), in.end())).release();
    first->segs = 2;
    give(path_, std::move(first));
    out = sent(0);
    ASSERT_EQ(out.size(), 1u) << cut;
    expect_reply(in, out[0]);
  }
}

// The kernel has seen the request too: one of the two answers, not both.
TEST_F(IcmpTest, TheKernelAnswersForItsAddresses) {
  give_addresses_to_kernel(true);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 / icmp 8 0 / zeros 8");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(path_.dropped(DropReason::kForKernel), 1u);
}

TEST_F(IcmpTest, AnswersForTheKernelWhereItDoesNotHear) {
  give_addresses_to_kernel(false);
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.0.1 / icmp 8 0 / zeros 8");
  give(path_, in);
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  expect_reply(in, out[0]);
}

TEST_F(IcmpTest, AReplyWhoseRouteLeadsElsewhereGoesThere) {
  open_host_path(1);
  give(path_, kIn + "ip 192.168.0.9 > 10.0.0.1 / icmp 8 0 / zeros 8");
  EXPECT_TRUE(sent(0).empty());
  auto out = sent(1);
  ASSERT_EQ(out.size(), 1u);
  expect_true_ip4(out[0], 14);
  EXPECT_EQ(Bytes(out[0].begin() + 26, out[0].begin() + 34), (Bytes{10, 0, 0, 1, 192, 168, 0, 9}));
}

}  // namespace
}  // namespace weft
