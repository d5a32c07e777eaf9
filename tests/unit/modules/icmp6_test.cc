// SPDX-License-Identifier: Apache-2.0
#include "modules/icmp6.h"

#include "tests/unit/modules/node6_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 fd00:a::2 > fd00:a::1 ";
const std::string kOut = "eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ip6 fd00:a::1 > fd00:a::2 ";

class Icmp6Test : public test::Node6Fixture {
 protected:
  Icmp6Test() : path_(open("eth0/ip6/icmp6")) {}
  Path& path_;
};

TEST_F(Icmp6Test, EchoOfEverySizeComesBack) {
  for (int size : {0, 1, 7, 8, 55, 56, 57, 1000, 1452}) {
    const std::string rest = "rest 00010002 / zeros " + std::to_string(size);
    give6(path_, kIn + "hop 3 class 184 flow 77 / icmp6 128 0 " + rest);
    EXPECT_EQ(sent(0), std::vector<Bytes>{text(kOut + "class 184 / icmp6 129 0 " + rest)}) << size;
  }
}

TEST_F(Icmp6Test, EveryChecksumIsAdjustedRight) {
  Bytes b = text(kIn + "/ icmp6 128 0 / zeros 2");
  for (int word = 0; word < 65536; word += 3) {
    b[62] = uint8_t(word >> 8);
    b[63] = uint8_t(word);
    b[56] = b[57] = 0;
    const uint16_t sum = test::plain_icmp6_checksum(b, 14);
    b[56] = uint8_t(sum >> 8);
    b[57] = uint8_t(sum);
    give6(path_, b);
    auto out = sent(0);
    ASSERT_EQ(out.size(), 1u);
    ASSERT_EQ(test::plain_icmp6_checksum(out[0], 14), 0);
  }
}

TEST_F(Icmp6Test, ThePayloadStaysWhereItIs) {
  PacketPtr p = packet_of(text(kIn + "/ icmp6 128 0 / zeros 1000"));
  const uint8_t* payload = p->data + 62;
  const uint64_t copied = pool_->bytes_copied();
  give6(path_, std::move(p));
  EXPECT_EQ(pool_->bytes_copied(), copied);
  ASSERT_EQ(devices_[0]->taken().size(), 1u);
  EXPECT_EQ(devices_[0]->taken()[0]->data + 62, payload);
}

TEST_F(Icmp6Test, ExtensionHeadersWereForTheRequest) {
  const Bytes plain = text(kIn + "/ icmp6 128 0 rest 00010002 / \"weft\"");
  for (size_t length : {8u, 16u, 64u}) {
    Bytes b(plain.begin(), plain.begin() + 54);
    b[19] = uint8_t(b[19] + length);
    b[20] = 60;
    Bytes options(length);
    options[0] = 58;
    options[1] = uint8_t(length / 8 - 1);
    // One option that is not known, to be skipped, over all of it.
    options[2] = 0x1e;
    options[3] = uint8_t(length - 4);
    b.insert(b.end(), options.begin(), options.end());
    b.insert(b.end(), plain.begin() + 54, plain.end());
    give6(path_, b);
    EXPECT_EQ(sent(0), std::vector<Bytes>{text(kOut + "/ icmp6 129 0 rest 00010002 / \"weft\"")}) << length;
  }
}

TEST_F(Icmp6Test, BadChecksumAndShortMessages) {
  give6(path_, kIn + "/ icmp6 128 0 checksum 1 / zeros 8");
  EXPECT_EQ(path_.dropped(DropReason::kBadChecksum), 1u);
  for (const char* hex : {"", "80", "80007b0d", "80007b0d000000"}) {
    give6(path_, kIn + "next 58" + (*hex ? std::string(" / hex ") + hex : ""));
  }
  EXPECT_EQ(path_.dropped(DropReason::kTooShort), 4u);
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(Icmp6Test, AGroupAnswersFromAnAddressOfTheLink) {
  for (const char* group : {"ff02::1", "ff02::2", "ff02::1:ff00:1"}) {
    give6(path_, "eth 02:00:00:00:00:aa > 33:33:00:00:00:01 / ip6 fd00:a::2 > " + std::string(group) +
                     " / icmp6 128 0 rest 00010002 / \"weft\"");
    EXPECT_EQ(sent(0), std::vector<Bytes>{text(kOut + "/ icmp6 129 0 rest 00010002 / \"weft\"")}) << group;
  }
  // No address of this link would do.
  auto others = node_.addresses.all();
  std::erase_if(others, [](const LocalAddress& a) { return a.family == 6 && a.port == 0; });
  node_.addresses.set(std::move(others));
  give6(path_, "eth 02:00:00:00:00:aa > 33:33:00:00:00:01 / ip6 fd00:a::2 > ff02::1 / icmp6 128 0");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(path_.dropped(DropReason::kConsumed), 1u);
}

TEST_F(Icmp6Test, NobodyIsNotAnswered) {
  give6(path_, "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 :: > fd00:a::1 / icmp6 128 0");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(path_.dropped(DropReason::kMartianSource), 1u);
}

TEST_F(Icmp6Test, LeavesTheKernelsAddressesToIt) {
  give_addresses_to_kernel(true);
  give6(path_, kIn + "/ icmp6 128 0 / zeros 8");
  give6(path_, "eth 02:00:00:00:00:aa > 33:33:00:00:00:01 / ip6 fd00:a::2 > ff02::1 / icmp6 128 0");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(path_.dropped(DropReason::kForKernel), 2u);
}

TEST_F(Icmp6Test, AnswersForTheKernelWhereItDoesNotHear) {
  give_addresses_to_kernel(false);
  give6(path_, kIn + "/ icmp6 128 0 / zeros 8");
  EXPECT_EQ(sent(0).size(), 1u);
}

TEST_F(Icmp6Test, OtherTypesGoUpAndTheHostTakesThem) {
  for (int type : {0, 1, 2, 3, 4, 100, 127, 129, 130, 131, 132, 133, 134, 137, 143, 200, 255}) {
    give6(path_, kIn + "/ icmp6 " + std::to_string(type) + " 0 / zeros 48");
  }
  EXPECT_EQ(host_.drops()[DropReason::kConsumed], 17u);
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(Icmp6Test, SharedAndSplitRequests) {
  const Bytes in = text(kIn + "/ icmp6 128 0 rest 00010002 / \"as long as a sentence\"");
  const Bytes expected = text(kOut + "/ icmp6 129 0 rest 00010002 / \"as long as a sentence\"");
  PacketPtr original = packet_of(in);
  give6(path_, pool_->clone(*original));
  EXPECT_EQ(sent(0), std::vector<Bytes>{expected});
  EXPECT_EQ(test::bytes_in(*original), in);
  for (size_t cut = 1; cut < in.size(); ++cut) {
    PacketPtr first = packet_of(Bytes(in.begin(), in.begin() + ptrdiff_t(cut)));
    first->next = packet_of(Bytes(in.begin() + ptrdiff_t(cut), in.end())).release();
    first->segs = 2;
    give6(path_, std::move(first));
    EXPECT_EQ(sent(0), std::vector<Bytes>{expected}) << cut;
  }
}

TEST_F(Icmp6Test, AReplyWhoseRouteLeadsElsewhereGoesThere) {
  open_host_path6(1);
  give6(path_,
        "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 2001:db8::9 > fd00:a::1 / icmp6 128 0 / zeros 8");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(sent(1), std::vector<Bytes>{text("eth 02:00:00:00:00:02 > 02:00:00:00:00:bb / ip6 fd00:a::1 > "
                                             "2001:db8::9 / icmp6 129 0 / zeros 8")});
}

TEST_F(Icmp6Test, ALinkLocalAskerWaitsUntilItIsKnown) {
  give6(path_, "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 fe80::aa > fe80::1 / icmp6 128 0 / \"w\"");
  EXPECT_TRUE(sent(0).empty());
  NeighbourEvent event;
  ASSERT_TRUE(neighbours_.take_event(event));
  EXPECT_EQ(event.kind, NeighbourEvent::kWanted);
  EXPECT_EQ(event.address, address6("fe80::aa"));
  EXPECT_EQ(path_.held(), 1u);
  neighbours_.resolved(0, 6, address6("fe80::aa"), kTo6Neighbour0);
  EXPECT_EQ(sent(0),
            std::vector<Bytes>{text("eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ip6 fe80::1 > fe80::aa "
                                    "/ icmp6 129 0 / \"w\"")});
}

// --- paths of programs -----------------------------------------------------------

TEST_F(Icmp6Test, AProgramSeesOneTypeAndSendsWithTrueChecksums) {
  const std::string path_text = "eth0/ip6/icmp6 (src=fd00:a::2, type=129)";
  test::TestPartner program;
  Path& path = open(path_text, &program);
  const DemuxKey& key = keys_[path_text];
  ASSERT_EQ(key.payload.size(), 1u);
  EXPECT_EQ(key.payload[0].value, std::vector<uint8_t>{129});
  EXPECT_EQ(key.wide.protocol, 58);
  give6(path, kIn + "/ icmp6 129 0 rest 00010002 / \"weft\"");
  ASSERT_EQ(program.taken().size(), 1u);
  EXPECT_EQ(test::bytes_in(*program.taken()[0]).size(), 12u);
  program.lose_all();

  const Bytes request{128, 0, 0xff, 0xff, 0, 1, 0, 2, 'w', 'e', 'f', 't'};
  path.enqueue(End::kFar, packet_of(request));
  run();
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kOut + "/ icmp6 128 0 rest 00010002 / \"weft\"")});
  path.enqueue(End::kFar, packet_of({128, 0, 0, 0}));
  run();
  EXPECT_EQ(path.dropped(DropReason::kTooShort), 1u);
  // What is asked of such a path goes up unanswered.
  give6(path, kIn + "/ icmp6 128 0");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(program.taken().size(), 1u);
  program.lose_all();
}

TEST_F(Icmp6Test, PathTexts) {
  EXPECT_NE(refusal("eth0/icmp6").find("icmp6 stands on ip6"), std::string::npos);
  EXPECT_NE(refusal("eth0/ip6/icmp6 (type=256)").find("from 0 to 255"), std::string::npos);
  EXPECT_NE(refusal("eth0/ip6/icmp6 (proto=6)").find("icmp6 is protocol 58"), std::string::npos);
}

}  // namespace
}  // namespace weft
