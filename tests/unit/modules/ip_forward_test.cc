// SPDX-License-Identifier: Apache-2.0
#include "modules/ip_forward.h"

#include <random>

#include "tests/unit/modules/node_fixture.h"
#include "tests/unit/testing/allocations.h"

namespace weft {
namespace {

using test::Bytes;
using test::expect_true_ip4;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ";
const std::string kOut = "eth 02:00:00:00:00:02 > 02:00:00:00:00:bb / ";
const std::string kBack = "eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ";

class IpForwardTest : public test::NodeFixture {
 protected:
  IpForwardTest() : path_(open("eth0/ip -> eth1")) { open_host_path(0); }

  // The ICMP error that went back out of eth0, checked for everything but its quote.
  Bytes only_error(uint8_t type, uint8_t code) {
    auto back = sent(0);
    EXPECT_EQ(back.size(), 1u);
    if (back.size() != 1) return {};
    const Bytes& b = back[0];
    expect_true_ip4(b, 14);
    EXPECT_EQ(Bytes(b.begin(), b.begin() + 14), text(kBack + "ip 1.2.3.4 > 1.2.3.4").size()
                                                    ? Bytes({2, 0, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 1, 8, 0})
                                                    : Bytes{});
    EXPECT_LE(b.size() - 14, 576u);
    EXPECT_EQ(b[14 + 1] & 0xe0, 0xc0) << "precedence internetwork control";
    EXPECT_EQ(b[14 + 9], 1);
    EXPECT_EQ(Bytes(b.begin() + 26, b.begin() + 34), (Bytes{10, 0, 0, 1, 10, 0, 0, 2}));
    EXPECT_EQ(b[34], type);
    EXPECT_EQ(b[35], code);
    return b;
  }
  void expect_quote(const Bytes& error, const Bytes& frame) {
    ASSERT_GE(error.size(), 42u);
    const size_t n = std::min<size_t>(frame.size() - 14, 548);
    EXPECT_EQ(Bytes(error.begin() + 42, error.end()),
              Bytes(frame.begin() + 14, frame.begin() + 14 + ptrdiff_t(n)));
  }
  uint64_t drops(DropReason reason) const { return path_.dropped(reason); }

  Path& path_;
};

TEST_F(IpForwardTest, ForwardsWithLowerTtlAndNewLinkHeader) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 64 id 7 / udp 4000 > 7 / \"hi\"");
  EXPECT_EQ(sent(1),
            std::vector<Bytes>{text(kOut + "ip 10.0.0.2 > 10.0.1.2 ttl 63 id 7 / udp 4000 > 7 / \"hi\"")});
  EXPECT_EQ(path_.dropped(), 0u);
}

TEST_F(IpForwardTest, EveryTtl) {
  for (int ttl = 0; ttl <= 255; ++ttl) {
    const Bytes in =
        text(kIn + "ip 10.0.0.2 > 10.0.1.2 ttl " + std::to_string(ttl) + " / udp 4000 > 7 / \"hi\"");
    give(path_, in);
    auto out = sent(1);
    if (ttl <= 1) {
      EXPECT_TRUE(out.empty());
      expect_quote(only_error(11, 0), in);
    } else {
      ASSERT_EQ(out.size(), 1u) << ttl;
      EXPECT_EQ(out[0], text(kOut + "ip 10.0.0.2 > 10.0.1.2 ttl " + std::to_string(ttl - 1) +
                             " / udp 4000 > 7 / \"hi\""));
    }
  }
  EXPECT_EQ(drops(DropReason::kTtlExpired), 2u);
}

// A capture that is written from what leaves would put the error before its cause.
TEST_F(IpForwardTest, AnErrorHasNoTimeOfAnOldPacket) {
  Pvec v;
  pool_->alloc(v, Pvec::kCapacity);
  for (Packet* p : v) p->timestamp = 77;
  v.clear();
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 1 / udp 4000 > 7");
  ASSERT_EQ(devices_[0]->taken().size(), 1u);
  EXPECT_EQ(devices_[0]->taken()[0]->timestamp, 0u);
  only_error(11, 0);
}

// RFC 1624: the old equation went wrong where the checksum is near zero.
TEST_F(IpForwardTest, EveryChecksumIsAdjustedRight) {
  Bytes b = text(kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 64 id 0");
  for (int id = 0; id < 65536; ++id) {
    b[18] = uint8_t(id >> 8);
    b[19] = uint8_t(id);
    b[24] = b[25] = 0;
    const uint16_t sum = test::plain_checksum(b, 14, 34);
    b[24] = uint8_t(sum >> 8);
    b[25] = uint8_t(sum);
    give(path_, b);
    auto out = sent(1);
    ASSERT_EQ(out.size(), 1u);
    expect_true_ip4(out[0], 14);
  }
}

TEST_F(IpForwardTest, TruncatedAtEveryLength) {
  const Bytes whole =
      text(kIn + "ip 10.0.0.2 > 10.0.1.2 options 0101010101010100 / udp 4000 > 7 / \"hello\"");
  for (size_t n = 0; n < whole.size(); ++n) {
    give(path_, Bytes(whole.begin(), whole.begin() + ptrdiff_t(n)));
    EXPECT_TRUE(sent(1).empty()) << n;
    EXPECT_TRUE(sent(0).empty()) << n;
  }
  EXPECT_EQ(path_.dropped(), whole.size());
}

TEST_F(IpForwardTest, LinkPaddingIsCutOff) {
  Bytes b = text(kIn + "ip 10.0.0.2 > 10.0.1.2 / udp 4000 > 7 / \"hi\"");
  b.resize(60, 0x55);
  give(path_, b);
  auto out = sent(1);
  ASSERT_EQ(out.size(), 1u);
  expect_true_ip4(out[0], 14);
}

TEST_F(IpForwardTest, HeaderLies) {
  struct Case {
    const char* ip;
    DropReason reason;
  };
  for (const Case& c :
       {Case{"version 5", DropReason::kBadVersion}, Case{"version 6", DropReason::kBadVersion},
        Case{"ihl 0", DropReason::kBadHeaderLength}, Case{"ihl 4", DropReason::kBadHeaderLength},
        Case{"ihl 15", DropReason::kBadHeaderLength}, Case{"length 19", DropReason::kBadLength},
        Case{"length 0", DropReason::kBadLength}, Case{"length 65535", DropReason::kTooShort},
        Case{"length 31", DropReason::kTooShort}, Case{"checksum 1", DropReason::kBadChecksum}}) {
    const uint64_t before = drops(c.reason);
    give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 " + c.ip + " / udp 4000 > 7 / \"hi\"");
    EXPECT_EQ(drops(c.reason), before + 1) << c.ip;
  }
  EXPECT_TRUE(sent(1).empty());
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(IpForwardTest, Martians) {
  for (const char* source :
       {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255", "10.0.0.1",
        "10.0.1.1", "10.0.0.255", "10.0.0.0", "10.0.2.3"}) {
    const uint64_t before = drops(DropReason::kMartianSource);
    give(path_, kIn + "ip " + source + " > 10.0.1.2 / udp 4000 > 7");
    EXPECT_EQ(drops(DropReason::kMartianSource), before + 1) << source;
  }
  for (const char* destination : {"0.0.0.0", "0.9.9.9", "127.0.0.1", "127.255.255.255", "224.0.0.1",
                                  "224.1.2.3", "255.255.255.255", "10.0.1.255", "10.0.1.0", "10.0.2.3"}) {
    const uint64_t before = drops(DropReason::kMartianDestination);
    give(path_, kIn + "ip 10.0.0.2 > " + destination + " / udp 4000 > 7");
    EXPECT_EQ(drops(DropReason::kMartianDestination), before + 1) << destination;
  }
  EXPECT_TRUE(sent(1).empty());
  EXPECT_TRUE(sent(0).empty()) << "nothing may be said about martians";
}

TEST_F(IpForwardTest, FramesForOthersAndBroadcastFrames) {
  give(path_, "eth 02:00:00:00:00:aa > 02:00:00:00:00:99 / ip 10.0.0.2 > 10.0.1.2");
  give(path_, "eth 02:00:00:00:00:aa > ff:ff:ff:ff:ff:ff / ip 10.0.0.2 > 10.0.1.2");
  give(path_, "eth 02:00:00:00:00:aa > 01:00:5e:00:00:01 / ip 10.0.0.2 > 10.0.1.2 ttl 1");
  EXPECT_EQ(drops(DropReason::kNotForUs), 3u);
  EXPECT_TRUE(sent(1).empty());
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(IpForwardTest, FragmentsWhatIsTooBig) {
  set_mtu(kToNeighbour1, 576);
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 64 id 99 / udp 1 > 2 / zeros 1400");
  const uint64_t copied = pool_->bytes_copied();
  PacketPtr p = packet_of(in);
  const uint64_t for_the_packet = pool_->bytes_copied() - copied;
  give(path_, std::move(p));
  EXPECT_EQ(pool_->bytes_copied() - copied, for_the_packet) << "the payload is shared";
  auto out = sent(1);
  ASSERT_EQ(out.size(), 3u);
  Bytes payload;
  for (size_t i = 0; i < out.size(); ++i) {
    const Bytes& f = out[i];
    expect_true_ip4(f, 14);
    EXPECT_LE(f.size() - 14, 576u);
    const uint16_t field = uint16_t(f[20] << 8 | f[21]);
    EXPECT_EQ((field & 0x1fff) * 8u, payload.size());
    EXPECT_EQ((field & 0x2000) != 0, i + 1 < out.size());
    EXPECT_EQ(f[22], 63);
    EXPECT_EQ(f[19], 99);
    payload.insert(payload.end(), f.begin() + 34, f.end());
  }
  EXPECT_EQ(payload, Bytes(in.begin() + 34, in.end()));
  EXPECT_EQ(path_.ledger().made, 2u);
}

TEST_F(IpForwardTest, FragmentsOfFragmentsKeepTheirPlace) {
  set_mtu(kToNeighbour1, 100);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 mf offset 800 / hex " + std::string(400, 'a'));
  auto out = sent(1);
  ASSERT_EQ(out.size(), 3u);
  for (size_t i = 0; i < out.size(); ++i) {
    expect_true_ip4(out[i], 14);
    EXPECT_EQ(uint16_t(out[i][20] << 8 | out[i][21]), 0x2000 | (100 + 10 * i)) << "all have more behind them";
  }
}

TEST_F(IpForwardTest, FragmentOptionsByTheirCopyFlag) {
  set_mtu(kToNeighbour1, 100);
  // Security (130, copied), record route (7, not copied, full), end.
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 options 8204aabb0707080102030400 / udp 1 > 2 / zeros 120");
  auto out = sent(1);
  ASSERT_EQ(out.size(), 2u);
  for (const Bytes& f : out) expect_true_ip4(f, 14);
  EXPECT_EQ(Bytes(out[0].begin() + 34, out[0].begin() + 46),
            (Bytes{0x82, 4, 0xaa, 0xbb, 7, 7, 8, 1, 2, 3, 4, 0}));
  EXPECT_EQ(Bytes(out[1].begin() + 34, out[1].begin() + 46),
            (Bytes{0x82, 4, 0xaa, 0xbb, 1, 1, 1, 1, 1, 1, 1, 0}));
}

TEST_F(IpForwardTest, EverySizeAcrossEverySmallMtuArrivesWhole) {
  for (uint32_t mtu : {68u, 69u, 75u, 76u, 100u, 576u}) {
    set_mtu(kToNeighbour1, mtu);
    for (size_t size : {0u, 1u, 7u, 8u, 40u, 41u, 47u, 48u, 49u, 100u, 1300u}) {
      const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.1.2 / udp 1 > 2 / zeros " + std::to_string(size));
      give(path_, in);
      Bytes payload;
      for (const Bytes& f : sent(1)) {
        expect_true_ip4(f, 14);
        EXPECT_LE(f.size() - 14, mtu);
        payload.insert(payload.end(), f.begin() + 34, f.end());
      }
      EXPECT_EQ(payload, Bytes(in.begin() + 34, in.end())) << mtu << " " << size;
    }
  }
}

TEST_F(IpForwardTest, DontFragmentIsToldTheMtu) {
  set_mtu(kToNeighbour1, 1300);
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.1.2 df tos 40 / udp 1 > 2 / zeros 1400");
  give(path_, in);
  EXPECT_TRUE(sent(1).empty());
  const Bytes error = only_error(3, 4);
  EXPECT_EQ(Bytes(error.begin() + 38, error.begin() + 42), (Bytes{0, 0, 1300 >> 8, 1300 & 255}));
  EXPECT_EQ(error[15], (40 & 0x1e) | 0xc0);
  expect_quote(error, in);
  EXPECT_EQ(drops(DropReason::kTooBig), 1u);
}

TEST_F(IpForwardTest, ExactlyTheMtuPasses) {
  set_mtu(kToNeighbour1, 1000);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 df / udp 1 > 2 / zeros 972");
  EXPECT_EQ(sent(1).size(), 1u);
}

TEST_F(IpForwardTest, SuperPacketsAreMeasuredBySegment) {
  for (auto [segment, passes] : {std::pair{1448, true}, std::pair{1460, true}, std::pair{1461, false}}) {
    PacketPtr p = packet_of(text(kIn + "ip 10.0.0.2 > 10.0.1.2 df / tcp 1 > 2 / zeros 9000"));
    p->flags |= Packet::kOffload;
    p->offload() = {.segment_size = uint16_t(segment),
                    .headers_length = 54,
                    .checksum_start = 34,
                    .checksum_offset = 16,
                    .kind = Offload::kTcp4};
    give(path_, std::move(p));
    auto& taken = devices_[1]->taken();
    ASSERT_EQ(taken.size(), passes ? 1u : 0u) << segment;
    if (passes) {
      EXPECT_TRUE(taken[0]->flags & Packet::kOffload);
      EXPECT_EQ(taken[0]->offload().headers_length, 54);
      EXPECT_EQ(taken[0]->offload().checksum_start, 34);
      EXPECT_EQ(taken[0]->offload().segment_size, segment);
    } else {
      only_error(3, 4);
    }
    sent(1);
  }
}

TEST_F(IpForwardTest, NoErrorAboutErrorsFragmentsOrGroups) {
  const std::string ip = kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 1";
  for (int type : {3, 4, 5, 11, 12, 1, 2, 6, 7, 19, 41, 255}) {
    give(path_, ip + " / icmp " + std::to_string(type) + " 0 / zeros 8");
  }
  give(path_, ip + " offset 8 / udp 1 > 2");
  give(path_, ip + " proto 1");  // an ICMP packet without a type
  EXPECT_TRUE(sent(0).empty());
  for (int type : {0, 8, 13, 17}) give(path_, ip + " / icmp " + std::to_string(type) + " 0 / zeros 8");
  give(path_, ip + " mf / udp 1 > 2");
  EXPECT_EQ(sent(0).size(), 5u);
}

TEST_F(IpForwardTest, ErrorsAreLimitedByKind) {
  node_.icmp_limit.set(10, 3);
  clock_.advance_ns(1'000'000'000);
  for (int i = 0; i < 20; ++i) give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 1 / udp 1 > 2");
  EXPECT_EQ(sent(0).size(), 3u);
  clock_.advance_ns(100'000'000);
  for (int i = 0; i < 20; ++i) give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 1 / udp 1 > 2");
  EXPECT_EQ(sent(0).size(), 1u);
  set_mtu(kToNeighbour1, 100);
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 df / udp 1 > 2 / zeros 100");
  EXPECT_EQ(sent(0).size(), 1u) << "other kinds have their own";
  EXPECT_EQ(drops(DropReason::kTtlExpired), 40u);
}

// --- options -------------------------------------------------------------------

TEST_F(IpForwardTest, RecordRouteGetsTheAddressOfTheWayOut) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 64 options 070b0400000000000000000000000000 / udp 1 > 2");
  auto out = sent(1);
  ASSERT_EQ(out.size(), 1u);
  expect_true_ip4(out[0], 14);
  EXPECT_EQ(Bytes(out[0].begin() + 34, out[0].begin() + 45), (Bytes{7, 11, 8, 10, 0, 1, 1, 0, 0, 0, 0}));
}

TEST_F(IpForwardTest, TimestampsAreFilledInAndCounted) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 options 440c0500000000000000000000000000 / udp 1 > 2");
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 options 440c0501000000000000000000000000 / udp 1 > 2");
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 options 44080910ffffffff / udp 1 > 2");
  auto out = sent(1);
  ASSERT_EQ(out.size(), 3u);
  for (const Bytes& f : out) expect_true_ip4(f, 14);
  EXPECT_EQ(out[0][36], 9);
  EXPECT_NE(Bytes(out[0].begin() + 38, out[0].begin() + 42), (Bytes{0, 0, 0, 0}));
  EXPECT_EQ(out[1][36], 13);
  EXPECT_EQ(Bytes(out[1].begin() + 38, out[1].begin() + 42), (Bytes{10, 0, 0, 1}));
  EXPECT_EQ(out[2][37], 0x20) << "overflow is counted";
}

TEST_F(IpForwardTest, MalformedOptionsAreAProblemAtTheirOctet) {
  struct Case {
    const char* options;
    int at;
  };
  for (const Case& c :
       {Case{"0700000000000000", 20}, Case{"0709000000000000", 20}, Case{"01010107", 23},
        Case{"0702000000000000", 21}, Case{"0707030000000000", 22}, Case{"0707060000000000", 22},
        Case{"0703040707040000", 23}, Case{"44040400", 22}, Case{"4403050000000000", 21},
        Case{"440406f0", 23}, Case{"440a05010000000000000000", 22}, Case{"8302000000000000", 21},
        Case{"8303030000000000", 22}, Case{"8303048303040000", 23}, Case{"94030000", 21},
        Case{"ff010000", 20}}) {
    give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 options " + c.options + " / udp 1 > 2");
    EXPECT_TRUE(sent(1).empty()) << c.options;
    auto back = sent(0);
    ASSERT_EQ(back.size(), 1u) << c.options;
    expect_true_ip4(back[0], 14);
    EXPECT_EQ(back[0][34], 12) << c.options;
    EXPECT_EQ(back[0][38], c.at) << c.options;
  }
}

TEST_F(IpForwardTest, SourceRoutesAreRefusedInSilence) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 options 8307040a00030300 / udp 1 > 2");
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 options 8907040a00030300 / udp 1 > 2");
  EXPECT_EQ(drops(DropReason::kBadOptions), 2u);
  EXPECT_TRUE(sent(1).empty());
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(IpForwardTest, RouterAlertAndUnknownOptionsPass) {
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 9 options 94040000 / udp 1 > 2");
  give(path_, kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 9 options ff04abcd / udp 1 > 2");
  EXPECT_EQ(sent(1),
            (std::vector<Bytes>{text(kOut + "ip 10.0.0.2 > 10.0.1.2 ttl 8 options 94040000 / udp 1 > 2"),
                                text(kOut + "ip 10.0.0.2 > 10.0.1.2 ttl 8 options ff04abcd / udp 1 > 2")}));
}

// Every option type with every length byte and pointer: nothing may be overrun, and
// what leaves is a true packet.
TEST_F(IpForwardTest, EveryOptionTypeLengthAndPointer) {
  Bytes b = text(kIn + "ip 10.0.0.2 > 10.0.1.2 options 00000000000000000000000000000000 / udp 1 > 2");
  std::mt19937 random(1);
  uint64_t in = 0, out = 0, errors = 0;
  for (int type = 0; type < 256; ++type) {
    for (int length = 0; length < 20; ++length) {
      for (int pointer = 0; pointer < 20; pointer += pointer < 10 ? 1 : 3) {
        b[34] = uint8_t(type);
        b[35] = uint8_t(length);
        b[36] = uint8_t(pointer);
        for (size_t i = 37; i < 50; ++i) b[i] = uint8_t(random());
        b[24] = b[25] = 0;
        const uint16_t sum = test::plain_checksum(b, 14, 50);
        b[24] = uint8_t(sum >> 8);
        b[25] = uint8_t(sum);
        ++in;
        give(path_, b);
        for (const Bytes& f : sent(1)) expect_true_ip4(f, 14), ++out;
        for (const Bytes& f : sent(0)) expect_true_ip4(f, 14), ++errors;
      }
    }
  }
  EXPECT_EQ(in, out + path_.dropped());
  EXPECT_GT(out, 0u);
  EXPECT_GT(errors, 0u);
}

// --- memory --------------------------------------------------------------------

TEST_F(IpForwardTest, SharedBytesAreNotWrittenTo) {
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 64 / udp 1 > 2 / zeros 100");
  PacketPtr original = packet_of(in);
  PacketPtr twin = pool_->clone(*original);
  give(path_, std::move(twin));
  auto out = sent(1);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0], text(kOut + "ip 10.0.0.2 > 10.0.1.2 ttl 63 / udp 1 > 2 / zeros 100"));
  EXPECT_EQ(test::bytes_in(*original), in);
}

TEST_F(IpForwardTest, HeadersSplitOverSegsAtEveryPlace) {
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 64 options 94040000 / udp 1 > 2 / zeros 20");
  for (size_t cut = 1; cut < in.size(); ++cut) {
    PacketPtr first = packet_of(Bytes(in.begin(), in.begin() + ptrdiff_t(cut)));
    first->next = packet_of(Bytes(in.begin() + ptrdiff_t(cut), in.end())).release();
    first->segs = 2;
    give(path_, std::move(first));
    auto out = sent(1);
    ASSERT_EQ(out.size(), 1u) << cut;
    EXPECT_EQ(out[0], text(kOut + "ip 10.0.0.2 > 10.0.1.2 ttl 63 options 94040000 / udp 1 > 2 / zeros 20"));
  }
}

TEST_F(IpForwardTest, AnEmptyPoolLosesPacketsNotTheNode) {
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 1 / udp 1 > 2");
  PacketPtr p = packet_of(in);
  std::vector<PacketPtr> all;
  while (PacketPtr q = pool_->alloc()) all.push_back(std::move(q));
  give(path_, std::move(p));
  EXPECT_EQ(drops(DropReason::kTtlExpired), 1u);
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(IpForwardTest, ForwardingAllocatesAndCopiesNothing) {
  const Bytes in = text(kIn + "ip 10.0.0.2 > 10.0.1.2 ttl 64 / udp 1 > 2 / zeros 100");
  PacketPtr p = packet_of(in);
  p->next_hop = kToNeighbour1;
  Pvec v;
  v.push_back(std::move(p));
  auto& taken = devices_[1]->taken();
  const uint64_t copied = pool_->bytes_copied();
  path_.enqueue(End::kNear, v);
  taken.push_back(nullptr);  // the test's deque has its room
  taken.clear();
  const uint64_t before = testing::allocations();
  path_.run();
  EXPECT_EQ(testing::allocations() - before, 0u);
  EXPECT_EQ(pool_->bytes_copied(), copied);
  EXPECT_EQ(sent(1).size(), 1u);
}

TEST_F(IpForwardTest, RandomBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    Bytes b(14 + random() % 120);
    for (uint8_t& octet : b) octet = uint8_t(random());
    const Bytes good = text(kIn + "ip 10.0.0.2 > 10.0.1.2 / udp 1 > 2");
    if (random() % 4) std::copy(good.begin(), good.begin() + 14, b.begin());
    if (b.size() >= 34 && random() % 4) {
      b[14] = uint8_t(0x45 + random() % 11);
      b[16] = 0;
      b[17] = uint8_t(b.size() - 14);
      std::copy(good.begin() + 26, good.begin() + 34, b.begin() + 26);
      const size_t header = (b[14] & 15u) * 4u;
      if (14 + header <= b.size()) {
        b[24] = b[25] = 0;
        const uint16_t sum = test::plain_checksum(b, 14, 14 + header);
        b[24] = uint8_t(sum >> 8);
        b[25] = uint8_t(sum);
      }
    }
    give(path_, b);
    for (const Bytes& f : sent(1)) expect_true_ip4(f, 14);
    for (const Bytes& f : sent(0)) ASSERT_EQ(test::plain_checksum(f, 14, 34), 0);
  }
}

}  // namespace
}  // namespace weft
