// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_forward.h"

#include <random>

#include "tests/unit/modules/node6_fixture.h"
#include "tests/unit/testing/allocations.h"

namespace weft {
namespace {

using test::Bytes;
using test::expect_true_ip6;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ";
const std::string kOut = "eth 02:00:00:00:00:02 > 02:00:00:00:00:bb / ";
const std::string kFlow = "ip6 fd00:a::2 > fd00:b::2";

class Ip6ForwardTest : public test::Node6Fixture {
 protected:
  Ip6ForwardTest() : path_(open("eth0/ip6 -> eth1")), host_path_(open_host_path6(0)) {}

  // The ICMPv6 error that went back out of eth0, checked for everything but its quote.
  Bytes only_error(uint8_t type, uint8_t code, uint32_t rest = 0, const char* from = "fd00:a::1") {
    auto back = sent(0);
    EXPECT_EQ(back.size(), 1u);
    if (back.size() != 1) return {};
    const Bytes& b = back[0];
    expect_true_ip6(b, 14);
    EXPECT_EQ(Bytes(b.begin(), b.begin() + 14), (Bytes{2, 0, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 1, 0x86, 0xdd}));
    EXPECT_LE(b.size() - 14, 1280u);
    EXPECT_EQ(test::plain_icmp6_checksum(b, 14), 0);
    EXPECT_EQ(b[14 + 6], 58);
    EXPECT_EQ(b[14 + 7], 64);
    EXPECT_EQ(ip6::address_at(b.data() + 22), address6(from));
    EXPECT_EQ(ip6::address_at(b.data() + 38), address6("fd00:a::2"));
    EXPECT_EQ(b[54], type);
    EXPECT_EQ(b[55], code);
    EXPECT_EQ(load_be32(b.data() + 58), rest);
    return b;
  }
  void expect_quote(const Bytes& error, const Bytes& frame) {
    ASSERT_GE(error.size(), 62u);
    const size_t n = std::min<size_t>(frame.size() - 14, 1280 - 48);
    EXPECT_EQ(Bytes(error.begin() + 62, error.end()),
              Bytes(frame.begin() + 14, frame.begin() + 14 + ptrdiff_t(n)));
  }
  void expect_silence() {
    EXPECT_TRUE(sent(0).empty());
    EXPECT_TRUE(sent(1).empty());
  }
  uint64_t drops(DropReason reason) const { return path_.dropped(reason); }

  Path& path_;
  Path& host_path_;
};

TEST_F(Ip6ForwardTest, ForwardsWithLowerHopLimitAndNewLinkHeader) {
  give6(path_, kIn + kFlow + " hop 64 class 12 flow 99 / udp 4000 > 7 / \"hi\"");
  EXPECT_EQ(sent(1),
            std::vector<Bytes>{text(kOut + kFlow + " hop 63 class 12 flow 99 / udp 4000 > 7 / \"hi\"")});
  EXPECT_EQ(path_.dropped(), 0u);
}

TEST_F(Ip6ForwardTest, EveryHopLimit) {
  for (int hop = 0; hop <= 255; ++hop) {
    const Bytes in = text(kIn + kFlow + " hop " + std::to_string(hop) + " / udp 4000 > 7 / \"hi\"");
    give6(path_, in);
    if (hop <= 1) {
      expect_quote(only_error(3, 0), in);
      EXPECT_TRUE(sent(1).empty());
    } else {
      EXPECT_EQ(sent(1), std::vector<Bytes>{text(kOut + kFlow + " hop " + std::to_string(hop - 1) +
                                                 " / udp 4000 > 7 / \"hi\"")});
    }
  }
  EXPECT_EQ(drops(DropReason::kTtlExpired), 2u);
}

TEST_F(Ip6ForwardTest, TruncatedAtEveryLength) {
  const Bytes whole =
      text(kIn + kFlow + " next 0 / hex 11 01 05020000 01 00 00000000 0000 / udp 1 > 2 checksum 1");
  for (size_t n = 0; n < whole.size(); ++n) {
    give6(path_, Bytes(whole.begin(), whole.begin() + ptrdiff_t(n)));
    expect_silence();
  }
  EXPECT_EQ(path_.dropped(), whole.size());
}

TEST_F(Ip6ForwardTest, LinkPaddingIsCutOff) {
  Bytes b = text(kIn + kFlow);
  b.resize(60, 0x55);
  give6(path_, b);
  EXPECT_EQ(sent(1), std::vector<Bytes>{text(kOut + kFlow + " hop 63")});
}

TEST_F(Ip6ForwardTest, HeaderLies) {
  struct Case {
    const char* ip;
    DropReason reason;
  };
  for (const Case& c :
       {Case{" version 4", DropReason::kBadVersion}, Case{" version 7", DropReason::kBadVersion},
        Case{" version 0", DropReason::kBadVersion}, Case{" length 11", DropReason::kTooShort},
        Case{" length 65535", DropReason::kTooShort}}) {
    const uint64_t before = drops(c.reason);
    give6(path_, kIn + kFlow + c.ip + " / udp 4000 > 7 / \"hi\"");
    EXPECT_EQ(drops(c.reason), before + 1) << c.ip;
  }
  expect_silence();
}

TEST_F(Ip6ForwardTest, Martians) {
  for (const char* source : {"::", "::1", "ff02::1", "ff0e::1", "::ffff:10.0.0.1"}) {
    const uint64_t before = drops(DropReason::kMartianSource);
    give6(path_, kIn + "ip6 " + source + " > fd00:b::2 / udp 4000 > 7");
    EXPECT_EQ(drops(DropReason::kMartianSource), before + 1) << source;
  }
  for (const char* destination :
       {"::", "::1", "fe80::99", "ff00::1", "ff01::1", "ff02::1", "ff05::2", "ff0e::1", "ff02::1:ff00:1"}) {
    const uint64_t before = drops(DropReason::kMartianDestination);
    give6(path_, kIn + "ip6 fd00:a::2 > " + destination + " / udp 4000 > 7");
    EXPECT_EQ(drops(DropReason::kMartianDestination), before + 1) << destination;
  }
  expect_silence();
}

// RFC 4291 does not forbid these, and Linux passes them.
TEST_F(Ip6ForwardTest, OddAddressesThatPass) {
  route6("::", 0, kTo6Neighbour1);
  for (const char* flow : {"fd00:a::1 > fd00:b::2", "fec0::1 > fd00:b::2", "fd00:a::2 > ::ffff:10.0.0.1",
                           "fd00:a::2 > fec0::9", "::5 > fd00:b::2", "2002::1 > fd00:b::2"}) {
    give6(path_, kIn + "ip6 " + flow + " / udp 4000 > 7");
    EXPECT_EQ(sent(1).size(), 1u) << flow;
  }
}

TEST_F(Ip6ForwardTest, LinkLocalSourcesStayOnTheirLink) {
  const Bytes in = text(kIn + "ip6 fe80::99 > fd00:b::2 hop 5 / udp 4000 > 7");
  give6(path_, in);
  EXPECT_EQ(drops(DropReason::kMartianSource), 1u);
  // The answer's link address is asked for on the link that the packet came from.
  NeighbourEvent event;
  ASSERT_TRUE(neighbours_.take_event(event));
  EXPECT_EQ(event.kind, NeighbourEvent::kWanted);
  EXPECT_EQ(event.port, 0);
  EXPECT_EQ(event.address, address6("fe80::99"));
  neighbours_.resolved(0, 6, event.address, kTo6Neighbour0);
  auto back = sent(0);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(test::plain_icmp6_checksum(back[0], 14), 0);
  EXPECT_EQ(ip6::address_at(back[0].data() + 22), address6("fe80::1"));
  EXPECT_EQ(back[0][54], 1);
  EXPECT_EQ(back[0][55], 2);
  expect_quote(back[0], in);
  expect_silence();
}

TEST_F(Ip6ForwardTest, HopLimitIsSaidBeforeScope) {
  give6(path_, kIn + "ip6 fe80::99 > fd00:b::2 hop 1 / udp 4000 > 7");
  EXPECT_EQ(drops(DropReason::kTtlExpired), 1u);
}

TEST_F(Ip6ForwardTest, LinkLocalSourceMayTurnBackOntoItsLink) {
  Path& back = open("eth0/ip6 -> eth0");
  give6(back, kIn + "ip6 fe80::99 > fd00:a::2 hop 5 / udp 4000 > 7");
  EXPECT_EQ(sent(0).size(), 1u);
}

TEST_F(Ip6ForwardTest, FramesForOthersAndGroups) {
  give6(path_, "eth 02:00:00:00:00:aa > 02:00:00:00:00:99 / " + kFlow);
  give6(path_, "eth 02:00:00:00:00:aa > ff:ff:ff:ff:ff:ff / " + kFlow);
  give6(path_, "eth 02:00:00:00:00:aa > 33:33:00:00:00:01 / " + kFlow + " hop 1");
  EXPECT_EQ(drops(DropReason::kNotForUs), 3u);
  expect_silence();
}

// --- too big -------------------------------------------------------------------

TEST_F(Ip6ForwardTest, TooBigIsToldTheMtu) {
  set_mtu(kTo6Neighbour1, 1400);
  const Bytes in = text(kIn + kFlow + " / udp 1 > 2 / zeros 1400");
  give6(path_, in);
  EXPECT_TRUE(sent(1).empty());
  const Bytes error = only_error(2, 0, 1400);
  expect_quote(error, in);
  EXPECT_EQ(error.size(), 14u + 1280u);
  EXPECT_EQ(drops(DropReason::kTooBig), 1u);
}

TEST_F(Ip6ForwardTest, ExactlyTheMtuPasses) {
  set_mtu(kTo6Neighbour1, 1400);
  give6(path_, kIn + kFlow + " / udp 1 > 2 / zeros 1352");
  EXPECT_EQ(sent(1).size(), 1u);
  give6(path_, kIn + kFlow + " / udp 1 > 2 / zeros 1353");
  only_error(2, 0, 1400);
}

// RFC 8200 section 5: 1280 bytes cross every link.
TEST_F(Ip6ForwardTest, NoMtuBelowTheLeast) {
  set_mtu(kTo6Neighbour1, 576);
  give6(path_, kIn + kFlow + " / udp 1 > 2 / zeros 1232");
  EXPECT_EQ(sent(1).size(), 1u);
  give6(path_, kIn + kFlow + " / udp 1 > 2 / zeros 1233");
  only_error(2, 0, 1280);
}

TEST_F(Ip6ForwardTest, FragmentsAreForwardedNotMade) {
  give6(path_, kIn + kFlow + " next 44 / hex 11 00 0001 00000007 / zeros 1000");
  EXPECT_EQ(sent(1).size(), 1u);
}

TEST_F(Ip6ForwardTest, SuperPacketsAreMeasuredBySegment) {
  for (auto [segment, passes] : {std::pair{1428, true}, std::pair{1440, true}, std::pair{1441, false}}) {
    PacketPtr p = packet_of(text(kIn + kFlow + " / tcp 1 > 2 / zeros 9000"));
    p->flags |= Packet::kOffload;
    p->offload() = {.segment_size = uint16_t(segment),
                    .headers_length = 74,
                    .checksum_start = 54,
                    .checksum_offset = 16,
                    .kind = Offload::kTcp6};
    give6(path_, std::move(p));
    auto& taken = devices_[1]->taken();
    ASSERT_EQ(taken.size(), passes ? 1u : 0u) << segment;
    if (passes) {
      EXPECT_TRUE(taken[0]->flags & Packet::kOffload);
      EXPECT_EQ(taken[0]->offload().headers_length, 74);
      EXPECT_EQ(taken[0]->offload().checksum_start, 54);
    } else {
      only_error(2, 0, 1500);
    }
    sent(1);
  }
}

// --- routes --------------------------------------------------------------------

TEST_F(Ip6ForwardTest, RoutesThatLeadNowhere) {
  struct Case {
    const char* to;
    int code;
    DropReason reason;
  };
  for (const Case& c :
       {Case{"fd00:99::1", 0, DropReason::kNoRoute}, Case{"fd00:1::1", 0, DropReason::kNoRoute},
        Case{"fd00:2::1", 1, DropReason::kProhibited}, Case{"fd00:3::1", -1, DropReason::kProhibited}}) {
    const uint64_t before = host_path_.dropped(c.reason);
    // A hop limit that ends here does not matter: there is no route to go.
    const Bytes in = text(kIn + "ip6 fd00:a::2 > " + c.to + " hop 1 / udp 1 > 2");
    give6(host_path_, in);
    EXPECT_EQ(host_path_.dropped(c.reason), before + 1) << c.to;
    if (c.code < 0) {
      expect_silence();
    } else {
      expect_quote(only_error(1, uint8_t(c.code)), in);
    }
  }
}

TEST_F(Ip6ForwardTest, ANeighbourThatDoesNotAnswer) {
  const Bytes in = text(kIn + "ip6 fd00:a::2 > fd00:b::77 hop 9 / udp 1 > 2");
  give6(path_, in);
  EXPECT_EQ(path_.held(), 1u);
  neighbours_.failed(1, 6, address6("fd00:b::77"));
  run();
  const Bytes error = only_error(1, 3);
  EXPECT_EQ(error[62 + 7], 8) << "as it was when it was to be sent";
  EXPECT_EQ(drops(DropReason::kNeighbourFailed), 1u);
}

// --- errors --------------------------------------------------------------------

TEST_F(Ip6ForwardTest, NoErrorAboutErrorsAndRedirects) {
  const std::string ip = kIn + kFlow + " hop 1";
  for (int type : {1, 2, 3, 4, 0, 100, 127, 137}) {
    give6(path_, ip + " / icmp6 " + std::to_string(type) + " 0 / zeros 8");
    // Behind extension headers, too.
    give6(path_,
          ip + " next 60 / hex 3a 00 01 04 00000000 / icmp6 " + std::to_string(type) + " 0 checksum 1");
    give6(path_, ip + " next 44 / hex 3a 00 0001 00000001 / icmp6 " + std::to_string(type) + " 0 checksum 1");
  }
  give6(path_, ip + " next 58");  // a message without a type
  expect_silence();
  for (int type : {128, 129, 135, 136, 200}) give6(path_, ip + " / icmp6 " + std::to_string(type) + " 0");
  // A later fragment names no type, so it is not known to be an error.
  give6(path_, ip + " next 44 / hex 3a 00 0008 00000001 / hex 01 00 0000");
  EXPECT_EQ(sent(0).size(), 6u);
}

TEST_F(Ip6ForwardTest, ErrorsAreLimitedByKind) {
  node_.icmp_limit.set(10, 3);
  clock_.advance_ns(1'000'000'000);
  for (int i = 0; i < 20; ++i) give6(path_, kIn + kFlow + " hop 1 / udp 1 > 2");
  EXPECT_EQ(sent(0).size(), 3u);
  clock_.advance_ns(100'000'000);
  for (int i = 0; i < 20; ++i) give6(path_, kIn + kFlow + " hop 1 / udp 1 > 2");
  EXPECT_EQ(sent(0).size(), 1u);
  give6(path_, kIn + kFlow + " / udp 1 > 2 / zeros 1500");
  EXPECT_EQ(sent(0).size(), 1u) << "other kinds have their own";
}

TEST_F(Ip6ForwardTest, AnEmptyPoolLosesPacketsNotTheNode) {
  PacketPtr p = packet_of(text(kIn + kFlow + " hop 1 / udp 1 > 2"));
  std::vector<PacketPtr> all;
  while (PacketPtr q = pool_->alloc()) all.push_back(std::move(q));
  give6(path_, std::move(p));
  EXPECT_EQ(drops(DropReason::kTtlExpired), 1u);
  expect_silence();
}

// --- hop-by-hop options ----------------------------------------------------------

// `options` is the whole header but its first two bytes, 6 + 8n bytes in hex.
class Ip6OptionsTest : public Ip6ForwardTest {
 protected:
  static std::string packet(const std::string& options, const std::string& flow = kFlow) {
    const size_t bytes = options.size() / 2 + 2;
    char header[8];
    std::snprintf(header, sizeof header, "11%02zx", bytes / 8 - 1);
    return kIn + flow + " hop 9 next 0 / hex " + header + options + " / udp 1 > 2 checksum 1";
  }
};

TEST_F(Ip6OptionsTest, ThoseThatPass) {
  for (const char* options : {
           "050200000100",                  // router alert
           "0502ffff0100",                  // of an unknown kind
           "010400000000",                  // padding
           "000000000000", "1e0411111111",  // pad1; unknown, to be skipped
           "1e021111"
           "0000",                          //
           "3e003e003e003e003e003e003e00",  // seven, and
           "3e003e003e003e003e003e003e003e00"
           "010400000000",  // eight
           "01050000000000"
           "1e051111111111",  // as much padding as there may be
       }) {
    give6(path_, packet(options));
    auto out = sent(1);
    ASSERT_EQ(out.size(), 1u) << options;
    Bytes expected = text(packet(options));
    expected[14 + 7] = 8;
    EXPECT_EQ(Bytes(out[0].begin() + 14, out[0].end()), Bytes(expected.begin() + 14, expected.end()))
        << options;
  }
  EXPECT_TRUE(sent(0).empty());
}

TEST_F(Ip6OptionsTest, ThoseThatAreRefusedInSilence) {
  for (const char* options : {
           "400411111111",                  // unknown, 01: discard
           "7f0411111111", "050100000000",  // router alert of the wrong length
           "050300000000", "050400000000",  //
           "010500000000",                  // past the end
           "01ff00000000",
           "0000000000"
           "01",
           "000000000005",  // a type without a length
           "010400000001",  // something in the padding
           "00000000000000000000000000003e0c"
           "000000000000000000000000",
           "0106000000000000"
           "1e0411111111",  // too much padding
           "0104000000000000"
           "1e0411111111",  // likewise, of two kinds
           "3e003e003e003e003e003e003e003e003e00"
           "01020000",      // nine options
           "c20400010000",  // jumbo, where it must not stand: see below
       }) {
    if (std::string(options).starts_with("c2")) continue;
    const uint64_t before = drops(DropReason::kBadOptions);
    give6(path_, packet(options));
    EXPECT_EQ(drops(DropReason::kBadOptions), before + 1) << options;
    EXPECT_TRUE(sent(0).empty()) << options;
  }
  EXPECT_TRUE(sent(1).empty());
}

TEST_F(Ip6OptionsTest, ThoseThatAreToldOf) {
  for (auto [options, at] :
       {std::pair{"800411111111", 42}, std::pair{"c10411111111", 42}, std::pair{"01009f021111", 44},
        std::pair{"050200008f00", 46}, std::pair{"00000000ff00", 46}}) {
    const Bytes in = text(packet(options));
    give6(path_, in);
    expect_quote(only_error(4, 2, uint32_t(at)), in);
  }
  EXPECT_EQ(drops(DropReason::kBadOptions), 5u);
}

// RFC 4443 section 2.4 (e.3): 10 is told even to the sender to a group, 11 is not.
TEST_F(Ip6OptionsTest, ToGroups) {
  const std::string flow = "ip6 fd00:a::2 > ff0e::9";
  give6(host_path_, packet("c10411111111", flow));
  expect_silence();
  give6(host_path_, packet("810411111111", flow));
  only_error(4, 2, 42);
}

TEST_F(Ip6OptionsTest, Jumbograms) {
  give6(path_, packet("c20400000064"));
  only_error(4, 0, 44);  // less than a jumbogram
  give6(path_, packet("c20400010000"));
  only_error(4, 0, 42);  // beside a payload length
  give6(path_, packet("c20300010000"));
  give6(path_, packet("0100c2040001"
                      "0000010400000000"));  // not aligned
  expect_silence();
  for (const char* options : {"c20400010000", "010400000000", "050200000100"}) {
    const uint64_t before = drops(DropReason::kBadLength);
    Bytes b = text(packet(options));
    b[18] = b[19] = 0;
    give6(path_, b);
    EXPECT_EQ(drops(DropReason::kBadLength), before + 1) << options;
  }
  expect_silence();
}

TEST_F(Ip6OptionsTest, HeaderPastTheEnd) {
  give6(path_, kIn + kFlow + " next 0 / hex 1101010400000000");
  give6(path_, kIn + kFlow + " next 0 / hex 11ff010400000000 / zeros 500");
  give6(path_, kIn + kFlow + " next 0 / hex 110001");
  EXPECT_EQ(drops(DropReason::kBadOptions), 3u);
  // Behind the end that the IPv6 header names, but inside the frame.
  give6(path_, kIn + kFlow + " next 0 length 8 / hex 1101010400000000 / zeros 8");
  EXPECT_EQ(drops(DropReason::kBadOptions), 4u);
  expect_silence();
}

// The longest header, with nothing wrong in it, spread over Segs.
TEST_F(Ip6OptionsTest, LongHeaders) {
  for (int units : {10, 100, 150, 255}) {
    Bytes b = text(kIn + kFlow + " hop 9 next 0 / zeros " + std::to_string((units + 1) * 8) +
                   " / udp 1 > 2 checksum 1");
    b[54] = 17;
    b[55] = uint8_t(units);
    // One option that fills it, in parts of at most 255 bytes.
    size_t at = 56;
    const size_t end = 54 + size_t(units + 1) * 8;
    int parts = 0;
    for (; at < end; ++parts) {
      size_t n = std::min<size_t>(257, end - at);
      if (end - at - n == 1) --n;
      b[at] = 0x3e;
      b[at + 1] = uint8_t(n - 2);
      at += n;
    }
    set_mtu(kTo6Neighbour1, 9000);
    give6(path_, b);
    const bool fits = 40 + (units + 1) * 8 <= int(Packet::kRoom - Packet::kHeadroom) && parts <= 8;
    EXPECT_EQ(sent(1).size(), fits ? 1u : 0u) << units;
  }
  EXPECT_TRUE(sent(0).empty());
}

// Nothing may be overrun, and what leaves is a true packet.
TEST_F(Ip6OptionsTest, EveryTypeAndLengthWithRandomBytes) {
  Bytes b = text(packet("0000000000000000000000000000"));
  std::mt19937 random(1);
  uint64_t in = 0, out = 0, errors = 0;
  for (int type = 0; type < 256; ++type) {
    for (int length = 0; length < 24; ++length) {
      for (int pad = 0; pad < 4; ++pad) {
        for (size_t i = 56; i < 70; ++i) b[i] = uint8_t(random() % 3 == 0 ? random() : 0);
        for (int i = 0; i < pad; ++i) b[56 + size_t(i)] = 0;
        b[56 + size_t(pad)] = uint8_t(type);
        b[57 + size_t(pad)] = uint8_t(length);
        ++in;
        give6(path_, b);
        for (const Bytes& f : sent(1)) expect_true_ip6(f, 14), ++out;
        for (const Bytes& f : sent(0)) {
          expect_true_ip6(f, 14);
          ASSERT_EQ(test::plain_icmp6_checksum(f, 14), 0);
          ++errors;
        }
      }
    }
  }
  EXPECT_EQ(in, out + path_.dropped());
  EXPECT_GT(out, 0u);
  EXPECT_GT(errors, 0u);
}

// --- memory --------------------------------------------------------------------

TEST_F(Ip6ForwardTest, SharedBytesAreNotWrittenTo) {
  const Bytes in = text(kIn + kFlow + " hop 64 / udp 1 > 2 / zeros 100");
  PacketPtr original = packet_of(in);
  give6(path_, pool_->clone(*original));
  EXPECT_EQ(sent(1), std::vector<Bytes>{text(kOut + kFlow + " hop 63 / udp 1 > 2 / zeros 100")});
  EXPECT_EQ(test::bytes_in(*original), in);
}

TEST_F(Ip6ForwardTest, HeadersSplitOverSegsAtEveryPlace) {
  const std::string rest = " next 0 / hex 1100050200000100 / udp 1 > 2 checksum 1 / zeros 20";
  const Bytes in = text(kIn + kFlow + " hop 64" + rest);
  for (size_t cut = 1; cut < in.size(); ++cut) {
    PacketPtr first = packet_of(Bytes(in.begin(), in.begin() + ptrdiff_t(cut)));
    first->next = packet_of(Bytes(in.begin() + ptrdiff_t(cut), in.end())).release();
    first->segs = 2;
    give6(path_, std::move(first));
    EXPECT_EQ(sent(1), std::vector<Bytes>{text(kOut + kFlow + " hop 63" + rest)}) << cut;
  }
}

TEST_F(Ip6ForwardTest, ForwardingAllocatesAndCopiesNothing) {
  PacketPtr p = packet_of(text(kIn + kFlow + " / udp 1 > 2 / zeros 100"));
  p->next_hop = kTo6Neighbour1;
  Pvec v;
  v.push_back(std::move(p));
  auto& taken = devices_[1]->taken();
  taken.push_back(nullptr);  // the test's deque has its room
  taken.clear();
  const uint64_t copied = pool_->bytes_copied();
  path_.enqueue(End::kNear, v);
  const uint64_t before = testing::allocations();
  path_.run();
  EXPECT_EQ(testing::allocations() - before, 0u);
  EXPECT_EQ(pool_->bytes_copied(), copied);
  EXPECT_EQ(sent(1).size(), 1u);
}

TEST_F(Ip6ForwardTest, RandomBytes) {
  std::mt19937 random(7);
  const Bytes good = text(kIn + kFlow + " / udp 1 > 2");
  for (int i = 0; i < 20000; ++i) {
    Bytes b(14 + random() % 160);
    for (uint8_t& octet : b) octet = uint8_t(random() % 4 == 0 ? random() : random() % 64);
    if (random() % 8) std::copy(good.begin(), good.begin() + 14, b.begin());
    if (b.size() >= 54 && random() % 8) {
      b[14] = 0x60;
      b[18] = 0;
      b[19] = uint8_t(b.size() - 54);
      std::copy(good.begin() + 22, good.begin() + 54, b.begin() + 22);
      if (random() % 2) b[20] = std::array<uint8_t, 6>{0, 43, 44, 51, 58, 60}[random() % 6];
    }
    give6(path_, b);
    for (const Bytes& f : sent(1)) expect_true_ip6(f, 14);
    for (const Bytes& f : sent(0)) ASSERT_EQ(test::plain_icmp6_checksum(f, 14), 0);
  }
}

// --- texts ---------------------------------------------------------------------

TEST_F(Ip6ForwardTest, ByFieldsTheDeviceIsWhereItGoes) {
  Path& path = open("eth0/ip6 (src=fd00:a::/64, proto=17) -> eth1");
  const DemuxKey& key = keys_["eth0/ip6 (src=fd00:a::/64, proto=17) -> eth1"];
  EXPECT_EQ(key.shape, DemuxKey::kWide);
  EXPECT_EQ(key.wide_mask.protocol, 0xff);
  EXPECT_EQ(key.wide_mask.source[7], 0xff);
  EXPECT_EQ(key.wide_mask.source[8], 0);
  EXPECT_EQ(key.wide_mask.local, 0);
  give6(path, kIn + "ip6 fd00:a::2 > fd00:99::1 / udp 1 > 2");
  EXPECT_EQ(path.held(), 1u) << "no route, but this link";
}

TEST_F(Ip6ForwardTest, RewritesOnTheWayOut) {
  Path& path = open("eth0/ip6 -> eth1/ip6 (hop=9, class=200)");
  EXPECT_EQ(keys_["eth0/ip6 -> eth1/ip6 (hop=9, class=200)"].shape, DemuxKey::kRoute);
  EXPECT_EQ(keys_["eth0/ip6 -> eth1/ip6 (hop=9, class=200)"].link_protocol, 0x86dd);
  give6(path, kIn + kFlow + " hop 64 class 3 flow 77 / udp 1 > 2");
  EXPECT_EQ(sent(1), std::vector<Bytes>{text(kOut + kFlow + " hop 9 class 200 flow 77 / udp 1 > 2")});
}

TEST_F(Ip6ForwardTest, TextsThatAreRefused) {
  for (const char* path : {"eth0/ip6 (hop=9) -> eth1", "eth0/ip6 -> eth1/ip6 (src=fd00::1)",
                           "eth0/ip6 (src=10.0.0.1)", "eth0/ip6 (dst=fd00::1/64)", "eth0/ip6 (proto=256)",
                           "eth0/ip6 -> eth1/ip6 (hop=0)", "eth0/ip6/ip6", "eth0/ip/ip6"}) {
    EXPECT_NE(refusal(path).find("column"), std::string::npos) << path << ": " << refusal(path);
  }
}

}  // namespace
}  // namespace weft
