// SPDX-License-Identifier: Apache-2.0
#include "modules/neighbour_discovery.h"

#include <random>

#include "tests/unit/modules/node6_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::text;

const MacAddress kHere{2, 0, 0, 0, 0, 1}, kThere{2, 0, 0, 0, 0, 0xaa};
const std::string kToGroup =
    "eth 02:00:00:00:00:aa > 33:33:ff:00:00:01 / ip6 fd00:a::2 > ff02::1:ff00:1 hop 255 / ";
const std::string kToNode =
    "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 fd00:a::2 > fd00:a::1 hop 255 / ";
const std::string kToAll = "eth 02:00:00:00:00:aa > 33:33:00:00:00:01 / ip6 fd00:a::2 > ff02::1 hop 255 / ";
const std::string kAsk = "icmp6 135 0 / nd fd00:a::1 source 02:00:00:00:00:aa";
const std::string kAnswer =
    "eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ip6 fd00:a::1 > fd00:a::2 hop 255 / "
    "icmp6 136 0 rest e0000000 / nd fd00:a::1 target 02:00:00:00:00:01";

class NeighbourDiscoveryTest : public test::Node6Fixture {
 protected:
  NeighbourDiscoveryTest() : path_(open("eth0/ip6/icmp6")) {}

  void expect_heard(const char* who, const MacAddress& mac, bool solicited, bool overrides) {
    NeighbourEvent event;
    ASSERT_TRUE(neighbours_.take_event(event)) << who;
    EXPECT_EQ(event.kind, NeighbourEvent::kLearned);
    EXPECT_EQ(event.family, 6);
    EXPECT_EQ(event.port, 0);
    EXPECT_EQ(event.address, address6(who));
    EXPECT_EQ(event.mac, mac) << who;
    EXPECT_EQ(event.solicited, solicited) << who;
    EXPECT_EQ(event.overrides, overrides) << who;
  }
  bool heard_nothing() {
    NeighbourEvent event;
    return !neighbours_.take_event(event);
  }
  // Neither an answer nor a lesson, and exactly this reason.
  void expect_refused(const std::string& packet, DropReason reason) {
    const uint64_t before = path_.dropped(reason);
    give6(path_, packet);
    EXPECT_EQ(path_.dropped(reason), before + 1) << packet;
    EXPECT_TRUE(sent(0).empty()) << packet;
    EXPECT_TRUE(heard_nothing()) << packet;
  }

  Path& path_;
};

// --- solicitations ---------------------------------------------------------------

TEST_F(NeighbourDiscoveryTest, AnswersForItsAddressesAndLearns) {
  for (const std::string& way : {kToGroup, kToNode}) {
    give6(path_, way + kAsk);
    EXPECT_EQ(sent(0), std::vector<Bytes>{text(kAnswer)});
    expect_heard("fd00:a::2", kThere, false, true);
  }
  EXPECT_EQ(path_.dropped(DropReason::kConsumed), 2u);
  EXPECT_EQ(path_.ledger().made, 2u);
}

TEST_F(NeighbourDiscoveryTest, AHostSaysThatItIsNoRouter) {
  node_.forwarding = false;
  give6(path_, kToGroup + kAsk);
  auto out = sent(0);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0][58], 0x60);
  EXPECT_EQ(test::plain_icmp6_checksum(out[0], 14), 0);
}

// An asker off all prefixes, whom no route leads to: the answer goes back on the link.
TEST_F(NeighbourDiscoveryTest, TheAnswerNeedsNoRoute) {
  give6(path_,
        "eth 02:00:00:00:00:aa > 33:33:ff:00:00:01 / ip6 2001:db8:f::9 > ff02::1:ff00:1 hop 255 / " + kAsk);
  EXPECT_EQ(sent(0), std::vector<Bytes>{
                         text("eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ip6 fd00:a::1 > 2001:db8:f::9 hop "
                              "255 / icmp6 136 0 rest e0000000 / nd fd00:a::1 target 02:00:00:00:00:01")});
  expect_heard("2001:db8:f::9", kThere, false, true);
}

TEST_F(NeighbourDiscoveryTest, WithoutALinkAddressItGoesWhereTheAskerIsKnown) {
  give6(path_, kToNode + "icmp6 135 0 / nd fd00:a::1");
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kAnswer)});
  EXPECT_TRUE(heard_nothing());
}

TEST_F(NeighbourDiscoveryTest, WhoWantsToTakeTheAddressIsAnsweredWithAllOthers) {
  const std::string probe = "eth 02:00:00:00:00:aa > 33:33:ff:00:00:01 / ip6 :: > ff02::1:ff00:1 hop 255 / ";
  give6(path_, probe + "icmp6 135 0 / nd fd00:a::1");
  EXPECT_EQ(sent(0), std::vector<Bytes>{
                         text("eth 02:00:00:00:00:01 > 33:33:00:00:00:01 / ip6 fd00:a::1 > ff02::1 hop 255 "
                              "/ icmp6 136 0 rest a0000000 / nd fd00:a::1 target 02:00:00:00:00:01")});
  EXPECT_TRUE(heard_nothing());
  // RFC 4861 section 7.1.1, the last two.
  expect_refused(probe + kAsk, DropReason::kMartianSource);
  expect_refused(
      "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 :: > fd00:a::1 hop 255 / icmp6 135 0 / nd fd00:a::1",
      DropReason::kMartianSource);
}

TEST_F(NeighbourDiscoveryTest, WhatIsNotAQuestionForThisNode) {
  expect_refused(kToNode + "icmp6 135 0 / nd fd00:a::9 source 02:00:00:00:00:aa", DropReason::kNotForUs);
  expect_refused(kToNode + "icmp6 135 0 / nd fd00:b::1 source 02:00:00:00:00:aa",
                 DropReason::kNotForUs);  // eth1's
  expect_refused(kToNode + "icmp6 135 0 / nd fe80::2 source 02:00:00:00:00:aa", DropReason::kNotForUs);
  give_addresses_to_kernel(true);
  expect_refused(kToGroup + kAsk, DropReason::kForKernel);
}

// RFC 4861 section 7.1.1.
TEST_F(NeighbourDiscoveryTest, InvalidSolicitations) {
  const auto at = [](const char* hop) {
    return "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 fd00:a::2 > fd00:a::1 hop " + std::string(hop) +
           " / ";
  };
  expect_refused(at("254") + kAsk, DropReason::kMartianSource);
  expect_refused(at("0") + kAsk, DropReason::kMartianSource);
  expect_refused(kToNode + "icmp6 135 1 / nd fd00:a::1 source 02:00:00:00:00:aa",
                 DropReason::kUnknownProtocol);
  expect_refused(kToNode + "icmp6 135 0 checksum 1 / nd fd00:a::1", DropReason::kBadChecksum);
  expect_refused(kToNode + "icmp6 135 0 / zeros 15", DropReason::kTooShort);
  expect_refused(kToNode + "icmp6 135 0 / nd ff02::1:ff00:1", DropReason::kMartianDestination);
  for (const char* options :
       {"hex 00", "hex 0100", "hex 0e00000000000000", "hex 0102000000000000", "hex 01ff0200000000aa",
        "hex 0e01000000000000 / hex 0100", "hex 0102 02000000 00aa0000 00000000 0000"}) {
    expect_refused(kToNode + "icmp6 135 0 / nd fd00:a::1 / " + options, DropReason::kBadOptions);
  }
  // RFC 6980 section 5: never fragmented, not even into one.
  const Bytes plain = text(kToNode + kAsk);
  Bytes fragment(plain.begin(), plain.begin() + 54);
  fragment[19] = uint8_t(fragment[19] + 8);
  fragment[20] = 44;
  const Bytes header{58, 0, 0, 0, 0, 0, 0, 7};
  fragment.insert(fragment.end(), header.begin(), header.end());
  fragment.insert(fragment.end(), plain.begin() + 54, plain.end());
  give6(path_, fragment);
  EXPECT_EQ(path_.dropped(DropReason::kBadOptions), 8u);
  EXPECT_TRUE(sent(0).empty());
  EXPECT_TRUE(heard_nothing());
}

TEST_F(NeighbourDiscoveryTest, UnknownOptionsAreSkipped) {
  give6(path_,
        kToGroup +
            "icmp6 135 0 / nd fd00:a::1 / hex 0e02000000000000 0000000000000000 / hex 01010200000000aa "
            "/ hex 0101020000000066 / hex fd01000000000000");
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kAnswer)});
  expect_heard("fd00:a::2", kThere, false, true);
}

// As many options as there can be; and more than anyone has a reason to send.
TEST_F(NeighbourDiscoveryTest, ALongMessage) {
  const auto with_options = [](int n) {
    std::string packet = kToGroup + kAsk;
    for (int i = 0; i < n; ++i) packet += " / hex 0e01000000000000";
    return packet;
  };
  give6(path_, with_options(151));
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kAnswer)});
  expect_heard("fd00:a::2", kThere, false, true);
  expect_refused(with_options(152), DropReason::kTooBig);
}

TEST_F(NeighbourDiscoveryTest, NobodyElseIsThisNodeOrAGroup) {
  for (const char* mac :
       {"03:00:00:00:00:aa", "00:00:00:00:00:00", "02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"}) {
    expect_refused(kToGroup + "icmp6 135 0 / nd fd00:a::1 source " + mac, DropReason::kMartianSource);
    expect_refused(kToNode + "icmp6 136 0 rest 60000000 / nd fd00:a::2 target " + mac,
                   DropReason::kMartianSource);
  }
  expect_refused(
      "eth 02:00:00:00:00:aa > 33:33:ff:00:00:01 / ip6 fd00:a::1 > ff02::1:ff00:1 hop 255 / " + kAsk,
      DropReason::kMartianSource);
  expect_refused(kToAll + "icmp6 136 0 rest 20000000 / nd fd00:a::1 target 02:00:00:00:00:aa",
                 DropReason::kMartianSource);
}

TEST_F(NeighbourDiscoveryTest, NoQuestionsOnALinkWithoutAddresses) {
  Path& raw = open("udp0/ip6/icmp6");
  give6(raw, packet_of(text("ip6 fd00:c::2 > fd00:c::1 hop 255 / icmp6 135 0 / nd fd00:c::1"), 2), 0);
  EXPECT_EQ(raw.dropped(DropReason::kUnknownProtocol), 1u);
  EXPECT_TRUE(sent(2).empty());
}

// --- advertisements --------------------------------------------------------------

TEST_F(NeighbourDiscoveryTest, AdvertisementsAreLearned) {
  const auto hear = [&](const std::string& way, const char* flags, const char* option) {
    give6(path_, way + "icmp6 136 0 rest " + flags + "000000 / nd fd00:a::7" + option);
  };
  const char* kOption = " target 02:00:00:00:00:aa";
  hear(kToNode, "60", kOption);
  expect_heard("fd00:a::7", kThere, true, true);
  hear(kToNode, "c0", kOption);
  expect_heard("fd00:a::7", kThere, true, false);
  hear(kToNode, "40", "");
  expect_heard("fd00:a::7", {}, true, false);
  hear(kToAll, "20", kOption);
  expect_heard("fd00:a::7", kThere, false, true);
  hear(kToAll, "00", "");
  EXPECT_TRUE(heard_nothing());
  hear(kToNode, "60", " source 02:00:00:00:00:aa");  // not the target's
  expect_heard("fd00:a::7", {}, true, true);
  EXPECT_EQ(path_.dropped(DropReason::kConsumed), 6u);
  EXPECT_TRUE(sent(0).empty());
}

// RFC 4861 section 7.1.2.
TEST_F(NeighbourDiscoveryTest, InvalidAdvertisements) {
  const std::string message = "icmp6 136 0 rest 60000000 / nd fd00:a::7 target 02:00:00:00:00:aa";
  expect_refused(kToAll + message, DropReason::kMartianDestination);  // solicited, and to a group
  expect_refused("eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 fd00:a::2 > fd00:a::1 hop 64 / " + message,
                 DropReason::kMartianSource);
  expect_refused("eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip6 :: > fd00:a::1 hop 255 / " + message,
                 DropReason::kMartianSource);
  expect_refused(kToNode + "icmp6 136 9 rest 60000000 / nd fd00:a::7", DropReason::kUnknownProtocol);
  expect_refused(kToNode + "icmp6 136 0 rest 60000000 / nd ff02::1", DropReason::kMartianDestination);
  expect_refused(kToNode + "icmp6 136 0 rest 60000000 / nd fd00:a::7 / hex 0200000000000000",
                 DropReason::kBadOptions);
  expect_refused(kToNode + "icmp6 136 0 rest 60000000 / zeros 8", DropReason::kTooShort);
}

// --- questions of the node's own -------------------------------------------------

TEST_F(NeighbourDiscoveryTest, EveryoneIsAskedThroughTheGroup) {
  path_.enqueue(End::kFar,
                nd::solicitation(*pool_, kHere, address6("fe80::1"), address6("fd00:a::12:3456"), nullptr));
  run();
  EXPECT_EQ(sent(0),
            std::vector<Bytes>{
                text("eth 02:00:00:00:00:01 > 33:33:ff:12:34:56 / ip6 fe80::1 > ff02::1:ff12:3456 hop 255 / "
                     "icmp6 135 0 / nd fd00:a::12:3456 source 02:00:00:00:00:01")});
}

TEST_F(NeighbourDiscoveryTest, WhoIsKnownIsAskedAlone) {
  for (const char* who : {"fd00:a::7", "fe80::7", "2001:db8::7"}) {
    path_.enqueue(End::kFar, nd::solicitation(*pool_, kHere, address6("fe80::1"), address6(who), &kThere));
    run();
    EXPECT_EQ(sent(0), std::vector<Bytes>{text("eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ip6 fe80::1 > " +
                                               std::string(who) + " hop 255 / icmp6 135 0 / nd " + who +
                                               " source 02:00:00:00:00:01")});
  }
}

// --- hostile bytes ---------------------------------------------------------------

TEST_F(NeighbourDiscoveryTest, SharedAndSplitQuestions) {
  const Bytes in = text(kToGroup + kAsk);
  PacketPtr original = packet_of(in);
  give6(path_, pool_->clone(*original));
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kAnswer)});
  EXPECT_EQ(test::bytes_in(*original), in);
  for (size_t cut = 1; cut < in.size(); ++cut) {
    PacketPtr first = packet_of(Bytes(in.begin(), in.begin() + ptrdiff_t(cut)));
    first->next = packet_of(Bytes(in.begin() + ptrdiff_t(cut), in.end())).release();
    first->segs = 2;
    give6(path_, std::move(first));
    EXPECT_EQ(sent(0), std::vector<Bytes>{text(kAnswer)}) << cut;
  }
}

TEST_F(NeighbourDiscoveryTest, EveryTruncation) {
  const Bytes whole = text(kToGroup + kAsk);
  for (size_t n = 0; n < whole.size(); ++n) {
    Bytes b(whole.begin(), whole.begin() + ptrdiff_t(n));
    give6(path_, b);
    EXPECT_TRUE(sent(0).empty()) << n;
    if (n < 58) continue;
    // The same, when the headers tell the truth about what is left.
    b[18] = 0;
    b[19] = uint8_t(n - 54);
    b[56] = b[57] = 0;
    const uint16_t sum = test::plain_icmp6_checksum(b, 14);
    b[56] = uint8_t(sum >> 8);
    b[57] = uint8_t(sum);
    give6(path_, b);
    const bool without_option = n == whole.size() - 8;
    EXPECT_EQ(sent(0).size(), without_option ? 1u : 0u) << n;
  }
}

// Random messages with good checksums: whatever comes out is true, nothing is lost from
// the books (the fixture looks), and only this node's own address is answered for.
TEST_F(NeighbourDiscoveryTest, RandomMessages) {
  std::mt19937 random(5);
  const Bytes whole = text(kToGroup + kAsk + " / zeros 40");
  uint64_t answers = 0;
  for (int i = 0; i < 50000; ++i) {
    Bytes b = whole;
    b[54] = uint8_t(random() % 8 ? 135 + random() % 2 : random());
    b[21] = random() % 16 ? 255 : uint8_t(random());
    for (unsigned n = random() % 4; n > 0; --n) b[55 + random() % (b.size() - 55)] = uint8_t(random());
    for (size_t at = 86; at + 8 <= b.size(); at += 8) {
      b[at] = uint8_t(random() % 3);
      b[at + 1] = uint8_t(random() % 8 ? 1 : random() % 4);
    }
    b[56] = b[57] = 0;
    const uint16_t sum = test::plain_icmp6_checksum(b, 14);
    b[56] = uint8_t(sum >> 8);
    b[57] = uint8_t(sum);
    give6(path_, b);
    for (const Bytes& out : sent(0)) {
      ++answers;
      test::expect_true_ip6(out, 14);
      ASSERT_EQ(test::plain_icmp6_checksum(out, 14), 0);
      if (out[54] == 129) continue;
      ASSERT_EQ(out[54], 136);
      const Address about = ip6::address_at(out.data() + 62);
      ASSERT_TRUE(about == address6("fd00:a::1") || about == address6("fe80::1"));
    }
    if (i % 512 == 0) {
      NeighbourEvent event;
      while (neighbours_.take_event(event)) {
      }
    }
  }
  EXPECT_GT(answers, 1000u);
}

TEST_F(NeighbourDiscoveryTest, WhenThePoolIsEmptyTheQuestionIsCounted) {
  std::vector<PacketPtr> all;
  PacketPtr question = packet_of(text(kToGroup + kAsk));
  while (PacketPtr p = pool_->alloc()) all.push_back(std::move(p));
  give6(path_, std::move(question));
  EXPECT_EQ(path_.dropped(DropReason::kPoolExhausted), 1u);
  all.push_back(pool_->alloc());
  EXPECT_EQ(nd::solicitation(*pool_, kHere, address6("fe80::1"), address6("fd00:a::7"), nullptr), nullptr);
}

}  // namespace
}  // namespace weft
