// SPDX-License-Identifier: Apache-2.0
#include "modules/arp.h"

#include "tests/unit/modules/node_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::text;

class ArpTest : public test::NodeFixture {
 protected:
  ArpTest() : path_(open("eth0/arp")) {}
  bool heard(NeighbourEvent& event) { return neighbours_.take_event(event); }
  Path& path_;
};

const std::string kAsk = "eth 02:00:00:00:00:aa > ff:ff:ff:ff:ff:ff / arp request 02:00:00:00:00:aa ";

TEST_F(ArpTest, AnswersForItsAddressAndLearns) {
  give(path_, kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.0.1");
  EXPECT_EQ(sent(0),
            std::vector<Bytes>{text("eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / "
                                    "arp reply 02:00:00:00:00:01 10.0.0.1 > 02:00:00:00:00:aa 10.0.0.2")});
  NeighbourEvent event;
  ASSERT_TRUE(heard(event));
  EXPECT_EQ(event.kind, NeighbourEvent::kLearned);
  EXPECT_EQ(event.address, address("10.0.0.2"));
  EXPECT_EQ(event.mac, (MacAddress{2, 0, 0, 0, 0, 0xaa}));
  EXPECT_FALSE(event.solicited);
}

TEST_F(ArpTest, PaddingIsNotSentBack) {
  Bytes b = text(kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.0.1");
  b.resize(60, 0x5a);
  give(path_, b);
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].size(), 42u);
}

TEST_F(ArpTest, RepliesToUsAreLearnedAsAnswers) {
  give(path_,
       "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / "
       "arp reply 02:00:00:00:00:aa 10.0.0.2 > 02:00:00:00:00:01 10.0.0.1");
  NeighbourEvent event;
  ASSERT_TRUE(heard(event));
  EXPECT_TRUE(event.solicited);
  EXPECT_EQ(path_.dropped(DropReason::kConsumed), 1u);
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(ArpTest, ProbesAreAnsweredButNotLearned) {
  give(path_, kAsk + "0.0.0.0 > 00:00:00:00:00:00 10.0.0.1");
  EXPECT_EQ(sent(0).size(), 1u);
  NeighbourEvent event;
  EXPECT_FALSE(heard(event));
}

TEST_F(ArpTest, SilentAboutEverythingElse) {
  give(path_, kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.0.9");   // another's
  give(path_, kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.1.1");   // ours, but on another link
  give(path_, kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.0.2");   // gratuitous
  give(path_, kAsk + "10.0.0.1 > 00:00:00:00:00:00 10.0.0.1");   // says it is us
  give(path_, kAsk + "224.0.0.1 > 00:00:00:00:00:00 10.0.0.1");  // a group
  give(path_, kAsk + "127.0.0.1 > 00:00:00:00:00:00 10.0.0.1");
  give(path_,
       "eth 02:00:00:00:00:aa > ff:ff:ff:ff:ff:ff / "
       "arp request 03:00:00:00:00:aa 10.0.0.2 > 00:00:00:00:00:00 10.0.0.1");
  give(path_,
       "eth 02:00:00:00:00:aa > 02:00:00:00:00:99 / "
       "arp request 02:00:00:00:00:aa 10.0.0.2 > 00:00:00:00:00:00 10.0.0.1");
  EXPECT_TRUE(sent(0).empty());
  NeighbourEvent event;
  EXPECT_FALSE(heard(event));
  EXPECT_EQ(path_.dropped(), 8u);
}

TEST_F(ArpTest, LeavesTheKernelsAddressesToIt) {
  give_addresses_to_kernel(true);
  give(path_, kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.0.1");
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(ArpTest, TruncatedAndDamagedAtEveryByte) {
  const Bytes whole = text(kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.0.1");
  for (size_t n = 0; n < whole.size(); ++n) give(path_, Bytes(whole.begin(), whole.begin() + ptrdiff_t(n)));
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(path_.dropped(DropReason::kTooShort), whole.size());
  for (size_t at = 14; at < 22; ++at) {
    Bytes b = whole;
    b[at] ^= 0x80;
    give(path_, b);
  }
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(ArpTest, OwnRequestsLeaveAsTheyAre) {
  path_.enqueue(End::kFar, arp_request(*pool_, {2, 0, 0, 0, 0, 1}, address("10.0.0.1"), address("10.0.0.7")));
  run();
  EXPECT_EQ(sent(0),
            std::vector<Bytes>{text("eth 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff / "
                                    "arp request 02:00:00:00:00:01 10.0.0.1 > 00:00:00:00:00:00 10.0.0.7")});
}

TEST_F(ArpTest, WhoIsKnownIsAskedAlone) {
  const MacAddress known{2, 0, 0, 0, 0, 0xaa};
  path_.enqueue(End::kFar,
                arp_request(*pool_, {2, 0, 0, 0, 0, 1}, address("10.0.0.1"), address("10.0.0.7"), &known));
  run();
  EXPECT_EQ(sent(0),
            std::vector<Bytes>{text("eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / "
                                    "arp request 02:00:00:00:00:01 10.0.0.1 > 00:00:00:00:00:00 10.0.0.7")});
}

TEST_F(ArpTest, SharedRequestIsNotWrittenTo) {
  const Bytes in = text(kAsk + "10.0.0.2 > 00:00:00:00:00:00 10.0.0.1");
  PacketPtr original = packet_of(in);
  give(path_, pool_->clone(*original));
  EXPECT_EQ(test::bytes_in(*original), in);
  EXPECT_EQ(sent(0).size(), 1u);
}

TEST_F(ArpTest, PathTexts) {
  EXPECT_NE(refusal("udp0/arp").find("does not speak Ethernet"), std::string::npos);
  EXPECT_NE(refusal("eth0/eth/arp").find("whole frames"), std::string::npos);
  EXPECT_NE(refusal("eth0/arp -> eth1").find("leads nowhere"), std::string::npos);
  EXPECT_EQ(keys_["eth0/arp"].link_protocol, 0x0806);
}

}  // namespace
}  // namespace weft
