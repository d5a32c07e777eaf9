// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_local.h"

#include <algorithm>
#include <random>

#include "tests/unit/modules/node_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::expect_true_ip4;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ";

class IpLocalTest : public test::NodeFixture {
 protected:
  IpLocalTest() : path_(open_host_path(0)) {}

  void expect_error(int type, int code) {
    auto back = sent(0);
    ASSERT_EQ(back.size(), 1u);
    expect_true_ip4(back[0], 14);
    EXPECT_EQ(back[0][34], type);
    EXPECT_EQ(back[0][35], code);
  }
  // The fragments of `whole`, a frame, each with at most `unit` bytes of payload.
  static std::vector<Bytes> fragments(const Bytes& whole, size_t unit) {
    std::vector<Bytes> all;
    const size_t header = 14 + (whole[14] & 15u) * 4u;
    for (size_t at = header; at < whole.size(); at += unit) {
      const size_t n = std::min(unit, whole.size() - at);
      Bytes f(whole.begin(), whole.begin() + ptrdiff_t(header));
      f.insert(f.end(), whole.begin() + ptrdiff_t(at), whole.begin() + ptrdiff_t(at + n));
      const size_t field = (at - header) / 8 | (at + n < whole.size() ? 0x2000 : 0);
      f[16] = uint8_t((f.size() - 14) >> 8);
      f[17] = uint8_t(f.size() - 14);
      f[20] = uint8_t(field >> 8);
      f[21] = uint8_t(field);
      f[24] = f[25] = 0;
      const uint16_t sum = test::plain_checksum(f, 14, header);
      f[24] = uint8_t(sum >> 8);
      f[25] = uint8_t(sum);
      all.push_back(std::move(f));
    }
    return all;
  }

  Path& path_;
};

TEST_F(IpLocalTest, PortAndProtocolUnreachable) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 1 > 2 / \"x\"");
  expect_error(3, 3);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 proto 99 / zeros 8");
  expect_error(3, 2);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.1 proto 99 / zeros 8");  // an address on another link
  auto back = sent(0);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(Bytes(back[0].begin() + 26, back[0].begin() + 30), (Bytes{10, 0, 1, 1})) << "it was spoken to";
  EXPECT_EQ(host_.drops()[DropReason::kNoListener], 3u);
}

// Nobody would have taken them: RFC 1122 section 4.1.3.4.
TEST_F(IpLocalTest, DatagramsThatAreWrongAreNotAnswered) {
  const std::string udp = kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 1 > 2 ";
  for (const char* wrong : {"checksum 1", "length 7", "length 10"}) {
    give(path_, udp + wrong + " / \"x\"");
    EXPECT_TRUE(sent(0).empty()) << wrong;
  }
  EXPECT_EQ(host_.drops()[DropReason::kBadChecksum], 1u);
  EXPECT_EQ(host_.drops()[DropReason::kBadLength], 1u);
  EXPECT_EQ(host_.drops()[DropReason::kTooShort], 1u);
  give(path_, udp + "checksum 0 / \"x\"");  // none
  expect_error(3, 3);
}

TEST_F(IpLocalTest, TheRoutingTableIsAnsweredFor) {
  give(path_, kIn + "ip 10.0.0.2 > 172.16.0.1 / udp 1 > 2");
  expect_error(3, 0);
  give(path_, kIn + "ip 10.0.0.2 > 10.9.1.1 / udp 1 > 2");
  expect_error(3, 1);
  give(path_, kIn + "ip 10.0.0.2 > 10.9.2.1 / udp 1 > 2");
  expect_error(3, 13);
  give(path_, kIn + "ip 10.0.0.2 > 10.9.3.1 / udp 1 > 2");
  EXPECT_TRUE(sent(0).empty()) << "a black hole is silent";
  EXPECT_EQ(path_.dropped(DropReason::kNoRoute), 2u);
  EXPECT_EQ(path_.dropped(DropReason::kProhibited), 2u);
}

TEST_F(IpLocalTest, AHostIsSilentAboutWhatIsNotForIt) {
  node_.forwarding = false;
  give(path_, kIn + "ip 10.0.0.2 > 172.16.0.1 / udp 1 > 2");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(path_.dropped(DropReason::kNotForUs), 1u);
}

TEST_F(IpLocalTest, SilentWhereTheKernelAnswers) {
  give_addresses_to_kernel(true);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 1 > 2");
  EXPECT_TRUE(sent(0).empty());
  EXPECT_EQ(host_.drops()[DropReason::kForKernel], 1u);
}

TEST_F(IpLocalTest, AnswersWhereTheKernelDoesNotHear) {
  give_addresses_to_kernel(false);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 / udp 1 > 2");
  EXPECT_EQ(sent(0).size(), 1u);
  EXPECT_EQ(host_.drops()[DropReason::kNoListener], 1u);
}

TEST_F(IpLocalTest, GroupsAreNotAnswered) {
  for (const char* to : {"255.255.255.255", "10.0.0.255", "224.0.0.1"}) {
    give(path_,
         "eth 02:00:00:00:00:aa > ff:ff:ff:ff:ff:ff / ip 10.0.0.2 > " + std::string(to) + " / udp 1 > 2");
  }
  give(path_, "eth 02:00:00:00:00:aa > ff:ff:ff:ff:ff:ff / ip 10.0.0.2 > 10.0.0.1 / udp 1 > 2");
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(IpLocalTest, OwnPacketsWithUntrueHeadersDoNotLeave) {
  const Bytes good = text("ip 10.0.0.1 > 10.0.0.2 / udp 1 > 2 / \"x\"");
  auto send = [&](Bytes b) {
    PacketPtr p = packet_of(b);
    p->flags |= Packet::kOrigin;
    path_.enqueue(End::kFar, std::move(p));
    run();
    return sent(0).size();
  };
  EXPECT_EQ(send(good), 1u);
  for (size_t n = 1; n < good.size(); ++n)
    EXPECT_EQ(send(Bytes(good.begin(), good.begin() + ptrdiff_t(n))), 0u);
  Bytes bad = good;
  bad[0] = 0x44;
  EXPECT_EQ(send(bad), 0u);
  bad[0] = 0x65;
  EXPECT_EQ(send(bad), 0u);
}

TEST_F(IpLocalTest, WhatADeviceLeftIsFinishedForWhoAsksForIt) {
  test::TestPartner ee;
  ports_[0]->info.offload = true;
  Path& path = open("eth0/ip (proto=6)", &ee, pool_.get());
  const Bytes good = text(kIn + "ip 10.0.0.2 > 10.0.0.1 / tcp 1 > 2 / \"hello\"");
  Bytes partial = good;
  uint32_t pseudo = 6 + uint32_t(good.size() - 34);
  for (size_t i = 26; i < 34; i += 2) pseudo += uint32_t(good[i]) << 8 | good[i + 1];
  while (pseudo >> 16) pseudo = (pseudo & 0xffff) + (pseudo >> 16);
  partial[50] = uint8_t(pseudo >> 8);
  partial[51] = uint8_t(pseudo);
  PacketPtr p = packet_of(partial);
  p->flags |= Packet::kOffload;
  p->offload() = {.headers_length = 54, .checksum_start = 34, .checksum_offset = 16};
  give(path, std::move(p));
  ASSERT_EQ(ee.taken().size(), 1u);
  EXPECT_EQ(test::bytes_in(*ee.taken()[0]), Bytes(good.begin() + 34, good.end()));
  EXPECT_FALSE(ee.taken()[0]->flags & Packet::kOffload);
  ee.lose_all();
}

// --- reassembly ------------------------------------------------------------------

class IpReassemblyTest : public IpLocalTest {
 protected:
  IpReassemblyTest() : icmp_path_(open("eth0/ip/icmp")) { resort_to_ = &icmp_path_; }
  static Bytes big_ping(size_t n, const std::string& more = "") {
    std::string hex;
    for (size_t i = 0; i < n; ++i) hex += "0123456789abcdef"[i * 7 % 16], hex += "0123456789abcdef"[i % 13];
    return text(kIn + "ip 10.0.0.2 > 10.0.0.1 id 321" + more + " / icmp 8 0 / hex " + hex);
  }
  Path& icmp_path_;
};

TEST_F(IpReassemblyTest, FragmentsInAnyOrderBecomeOnePacketThatIsSortedAgain) {
  const Bytes whole = big_ping(1000);
  std::vector<Bytes> parts = fragments(whole, 200);
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    sorter_.sorted.clear();
    for (const Bytes& f : parts) give(path_, f);
    ASSERT_EQ(sorter_.sorted.size(), 1u);
    EXPECT_EQ(sorter_.sorted[0], whole) << "with the frame of its first fragment";
    auto out = sent(0);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(Bytes(out[0].begin() + 38, out[0].end()), Bytes(whole.begin() + 38, whole.end()));
    std::shuffle(parts.begin(), parts.end(), random);
  }
  EXPECT_EQ(path_.held(), 0u);
}

TEST_F(IpReassemblyTest, LargestPacket) {
  const Bytes whole = big_ping(65507 - 0 - 0);
  Bytes ping = whole;  // 20 + 8 + 65507 = 65535
  for (const Bytes& f : fragments(ping, 1480)) give(path_, f);
  ASSERT_EQ(sorter_.sorted.size(), 1u);
  Bytes payload;
  for (const Bytes& f : sent(0)) {
    expect_true_ip4(f, 14);
    payload.insert(payload.end(), f.begin() + 34, f.end());
  }
  EXPECT_EQ(payload.size(), 65515u);
  EXPECT_EQ(payload[0], 0);
  EXPECT_EQ(test::plain_checksum(payload, 0, payload.size()), 0);
}

TEST_F(IpReassemblyTest, PingOfDeathIsRefused) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 id 5 proto 1 offset 65528 / zeros 100");
  EXPECT_EQ(path_.dropped(DropReason::kBadLength), 1u);
  EXPECT_EQ(path_.held(), 0u);
}

TEST_F(IpReassemblyTest, OverlapsTakeTheWholePacketWithThem) {
  auto fragment = [&](int offset, int n, bool more) {
    give(path_, kIn + "ip 10.0.0.2 > 10.0.0.1 id 5 proto 1 offset " + std::to_string(offset) +
                    (more ? " mf" : "") + " / zeros " + std::to_string(n));
  };
  fragment(0, 64, true);
  fragment(56, 64, true);
  EXPECT_EQ(path_.held(), 0u);
  EXPECT_EQ(path_.dropped(DropReason::kFragmentOverlap), 2u);
  fragment(64, 64, true);
  fragment(0, 128, true);  // over another
  EXPECT_EQ(path_.dropped(DropReason::kFragmentOverlap), 4u);
  fragment(0, 64, true);
  fragment(64, 64, true);
  fragment(0, 64, true);   // the same again
  fragment(32, 64, true);  // within what is there
  EXPECT_EQ(path_.dropped(DropReason::kFragmentOverlap), 6u);
  EXPECT_EQ(path_.held(), 2u);
  fragment(256, 8, false);
  fragment(264, 8, true);  // behind the end
  EXPECT_EQ(path_.held(), 0u);
  EXPECT_TRUE(sorter_.sorted.empty());
}

TEST_F(IpReassemblyTest, TimeoutTellsTheSenderWhenTheFirstIsThere) {
  const std::vector<Bytes> parts = fragments(big_ping(400), 200);
  give(path_, parts[1]);
  clock_.advance_ns(Reassembly::kTimeoutNs);
  timers_.fire_due(clock_.now_ns());
  run();
  EXPECT_EQ(path_.dropped(DropReason::kReassemblyTimeout), 1u);
  EXPECT_TRUE(sent(0).empty());
  give(path_, parts[0]);
  EXPECT_EQ(path_.held(), 1u);
  clock_.advance_ns(Reassembly::kTimeoutNs - 1);
  timers_.fire_due(clock_.now_ns());
  EXPECT_EQ(path_.held(), 1u);
  clock_.advance_ns(1);
  timers_.fire_due(clock_.now_ns());
  run();
  expect_error(11, 1);
  EXPECT_EQ(path_.held(), 0u);
}

TEST_F(IpReassemblyTest, CongestionMarksSurvive) {
  auto with_tos = [](Bytes f, uint8_t tos) {
    f[15] = tos;
    f[24] = f[25] = 0;
    const uint16_t sum = test::plain_checksum(f, 14, 34);
    f[24] = uint8_t(sum >> 8);
    f[25] = uint8_t(sum);
    return f;
  };
  const std::vector<Bytes> parts = fragments(big_ping(300), 200);
  ASSERT_EQ(parts.size(), 2u);
  give(path_, with_tos(parts[0], 2));
  give(path_, with_tos(parts[1], 3));
  ASSERT_EQ(sorter_.sorted.size(), 1u);
  EXPECT_EQ(sorter_.sorted[0][15], 3);
  give(path_, with_tos(parts[0], 0));
  give(path_, with_tos(parts[1], 3));
  EXPECT_EQ(sorter_.sorted.size(), 1u) << "marked, but not able to be";
  sent(0);
}

TEST_F(IpReassemblyTest, RandomFragmentsNeverMakeAnUntruePacket) {
  std::mt19937 random(11);
  const Bytes whole = big_ping(600);
  for (int i = 0; i < 5000; ++i) {
    Bytes f = fragments(whole, 8 * (1 + random() % 20))[0];
    const size_t field = random() % 90 | (random() % 3 ? 0x2000 : 0);
    f[18] = 0;
    f[19] = uint8_t(random() % 4);
    f[20] = uint8_t(field >> 8);
    f[21] = uint8_t(field);
    f[24] = f[25] = 0;
    const uint16_t sum = test::plain_checksum(f, 14, 34);
    f[24] = uint8_t(sum >> 8);
    f[25] = uint8_t(sum);
    give(path_, f);
  }
  for (const Bytes& s : sorter_.sorted) {
    EXPECT_EQ(test::plain_checksum(s, 14, 34), 0);
    EXPECT_EQ(size_t(s[16] << 8 | s[17]) + 14, s.size());
  }
  sent(0);
}

}  // namespace
}  // namespace weft
