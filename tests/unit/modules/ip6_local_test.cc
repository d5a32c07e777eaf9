// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_local.h"

#include <random>

#include "tests/unit/modules/node6_fixture.h"

namespace weft {
namespace {

using test::Bytes;
using test::text;

const std::string kIn = "eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ";
const std::string kBack = "eth 02:00:00:00:00:01 > 02:00:00:00:00:aa / ";
const std::string kToNode = "ip6 fd00:a::2 > fd00:a::1";

class Ip6LocalTest : public test::Node6Fixture {
 protected:
  Ip6LocalTest() : path_(open_host_path6(0)) {}

  // The ICMPv6 error that went back, from the address that was spoken to.
  void expect_error(uint8_t type, uint8_t code, uint32_t rest, const std::string& about) {
    auto back = sent(0);
    ASSERT_EQ(back.size(), 1u) << about;
    const Bytes& b = back[0];
    test::expect_true_ip6(b, 14);
    EXPECT_EQ(test::plain_icmp6_checksum(b, 14), 0);
    EXPECT_EQ(b[54], type) << about;
    EXPECT_EQ(b[55], code) << about;
    EXPECT_EQ(load_be32(b.data() + 58), rest) << about;
    EXPECT_EQ(ip6::address_at(b.data() + 22), address6("fd00:a::1"));
    const Bytes in = text(about);
    EXPECT_EQ(Bytes(b.begin() + 62, b.end()), Bytes(in.begin() + 14, in.end())) << about;
  }
  void expect_silence(const std::string& about) {
    give6(path_, about);
    EXPECT_TRUE(sent(0).empty()) << about;
  }

  Path& path_;
};

TEST_F(Ip6LocalTest, PortsThatNobodyListensOn) {
  for (const char* upper : {"/ udp 4000 > 9 / \"x\"", "/ tcp 4000 > 9",
                            "next 60 / hex 1100010400000000 / udp 1 > 2 checksum 1475",
                            "next 44 / hex 1100000000000007 / udp 1 > 2 checksum 1475"}) {
    const std::string packet = kIn + kToNode + " " + upper;
    give6(path_, packet);
    expect_error(1, 4, 0, packet);
  }
  EXPECT_EQ(host_.drops()[DropReason::kNoListener], 4u);
}

// Nobody would have taken them: RFC 1122 section 4.1.3.4, RFC 8200 section 8.1.
TEST_F(Ip6LocalTest, DatagramsThatAreWrongAreNotAnswered) {
  expect_silence(kIn + kToNode + " / udp 4000 > 9 checksum 0 / \"x\"");
  expect_silence(kIn + kToNode + " next 60 / hex 1100010400000000 / udp 1 > 2 checksum 0");
  expect_silence(kIn + kToNode + " / udp 4000 > 9 checksum 1 / \"x\"");
  expect_silence(kIn + kToNode + " next 60 / hex 1100010400000000 / udp 1 > 2 checksum 1");
  EXPECT_EQ(host_.drops()[DropReason::kBadChecksum], 4u);
  expect_silence(kIn + kToNode + " next 17 / hex 0fa00009");
}

TEST_F(Ip6LocalTest, UnknownNextHeadersAreNamed) {
  struct Case {
    const char* rest;
    uint32_t at;
  };
  for (const Case& c :
       {Case{" next 200 / zeros 8", 6}, Case{" next 132 / zeros 8", 6},
        Case{" next 60 / hex c800010400000000 / zeros 8", 40},
        Case{" next 0 / hex 3c00010400000000 / hex 2b00010400000000 / hex fd00000000000000 / zeros 4", 56},
        // A hop-by-hop header anywhere else is not known (RFC 8200 section 4.3).
        Case{" next 60 / hex 0000010400000000 / hex 1100010400000000 / udp 1 > 2 checksum 1475", 40}}) {
    const std::string packet = kIn + kToNode + c.rest;
    give6(path_, packet);
    expect_error(4, 1, c.at, packet);
  }
}

TEST_F(Ip6LocalTest, RoutingHeaders) {
  // RFC 8200 section 4.4: nothing left of it, and it is skipped.
  give6(path_, kIn + kToNode + " next 43 / hex 1100000000000000 / udp 1 > 2 checksum 1475");
  EXPECT_EQ(sent(0).size(), 1u);  // port unreachable
  for (const char* type : {"00", "02", "03", "04", "fe"}) {
    const std::string packet = kIn + kToNode + " next 43 / hex 1102" + type +
                               "0100000000fd00000b000000000000000000000002 / udp 1 > 2 checksum 1475";
    give6(path_, packet);
    expect_error(4, 0, 42, packet);
  }
}

TEST_F(Ip6LocalTest, DestinationOptions) {
  const std::string packet = kIn + kToNode + " next 60 / hex 110080041111 1111 / udp 1 > 2 checksum 1475";
  give6(path_, packet);
  expect_error(4, 2, 42, packet);
  // No router alert here, and no jumbo: options of an unknown type.
  const std::string jumbo = kIn + kToNode + " next 60 / hex 1100c20400010000 / udp 1 > 2 checksum 1475";
  give6(path_, jumbo);
  expect_error(4, 2, 42, jumbo);
  expect_silence(kIn + kToNode + " next 60 / hex 1100410411111111 / udp 1 > 2 checksum 1475");
  expect_silence(kIn + kToNode + " next 60 / hex 1101010400000000");
  EXPECT_EQ(path_.dropped(DropReason::kBadOptions), 4u);
}

TEST_F(Ip6LocalTest, WhatIsNotAnswered) {
  expect_silence(kIn + kToNode + " next 59 / zeros 9");
  expect_silence(kIn + kToNode + " / icmp6 128 0");  // known, if nobody listens
  expect_silence(kIn + kToNode + " / icmp6 1 4 / zeros 48");
  expect_silence(kIn + "ip6 :: > fd00:a::1 / udp 1 > 2");
  expect_silence(kIn + "ip6 fd00:a::2 > ff02::1 / udp 1 > 2");
  expect_silence(kIn + "ip6 fd00:a::2 > ff02::1 next 200 / zeros 8");
  expect_silence("eth 02:00:00:00:00:aa > 33:33:00:00:00:01 / " + kToNode + " / udp 1 > 2");
}

TEST_F(Ip6LocalTest, Groups) {
  const auto not_for_us = [&] { return path_.dropped(DropReason::kNotForUs); };
  for (const char* group : {"ff02::1", "ff02::2", "ff05::2", "ff02::1:ff00:1"}) {
    expect_silence(kIn + "ip6 fd00:a::2 > " + group + " / udp 1 > 2");
    EXPECT_EQ(not_for_us(), 0u) << group;
  }
  // Groups of others, of other ports, of no host.
  for (const char* group : {"ff02::1:ff00:2", "ff02::9", "ff0e::1"}) {
    const uint64_t before = not_for_us();
    expect_silence(kIn + "ip6 fd00:a::2 > " + group + " / udp 1 > 2");
    EXPECT_EQ(not_for_us(), before + 1) << group;
  }
  node_.forwarding = false;
  expect_silence(kIn + "ip6 fd00:a::2 > ff02::2 / udp 1 > 2");
  EXPECT_EQ(not_for_us(), 4u);
}

TEST_F(Ip6LocalTest, LinkLocalAddressesAreOfTheirLink) {
  expect_silence(kIn + "ip6 fd00:a::2 > fe80::2 / udp 1 > 2");  // eth1's
  expect_silence(kIn + "ip6 fd00:a::2 > fe80::77 / udp 1 > 2");
  EXPECT_EQ(path_.dropped(DropReason::kNotForUs), 2u);
  give6(path_, kIn + "ip6 fd00:a::2 > fe80::1 / udp 1 > 2");
  auto back = sent(0);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(ip6::address_at(back[0].data() + 22), address6("fe80::1"));
}

TEST_F(Ip6LocalTest, AHostIsSilentAboutWhatIsNotForIt) {
  node_.forwarding = false;
  expect_silence(kIn + "ip6 fd00:a::2 > fd00:99::1 / udp 1 > 2");
  EXPECT_EQ(path_.dropped(DropReason::kNotForUs), 1u);
}

TEST_F(Ip6LocalTest, ErrorsToOtherLinksLeaveByThem) {
  open_host_path6(1);
  give6(path_, kIn + "ip6 2001:db8::5 > fd00:a::1 / udp 1 > 2");
  auto out = sent(1);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(Bytes(out[0].begin(), out[0].begin() + 14),
            (Bytes{2, 0, 0, 0, 0, 0xbb, 2, 0, 0, 0, 0, 2, 0x86, 0xdd}));
  EXPECT_EQ(ip6::address_at(out[0].data() + 22), address6("fd00:a::1"));
}

// --- paths of programs -----------------------------------------------------------

class Ip6ProgramTest : public Ip6LocalTest {
 protected:
  Path& program(const std::string& path_text) {
    Path& path = open(path_text);
    path.join(End::kFar, &program_, Opening{0});
    return path;
  }
  PacketPtr only_taken() {
    EXPECT_EQ(program_.taken().size(), 1u);
    if (program_.taken().empty()) return nullptr;
    PacketPtr p = std::move(program_.taken().front());
    program_.taken().clear();
    return p;
  }

  test::TestPartner program_;
};

TEST_F(Ip6ProgramTest, HeadersComeOffAndTheAnswerReturns) {
  Path& path = program("eth0/ip6 (proto=200, class=8, hop=77)");
  const DemuxKey& key = keys_["eth0/ip6 (proto=200, class=8, hop=77)"];
  EXPECT_EQ(key.shape, DemuxKey::kWide);
  EXPECT_EQ(key.wide.protocol, 200);
  EXPECT_EQ(key.wide.local, 1);
  give6(path, kIn + kToNode + " next 60 / hex c800010400000000 / \"hello\"");
  PacketPtr p = only_taken();
  ASSERT_TRUE(p);
  EXPECT_EQ(test::bytes_of(*p), "hello");
  EXPECT_TRUE(p->flags & Packet::kHeaders);
  EXPECT_EQ(p->transport_header(), p->data);
  EXPECT_EQ(p->data - p->network_header(), 48);
  path.enqueue(End::kFar, std::move(p));
  run();
  EXPECT_EQ(sent(0), std::vector<Bytes>{
                         text(kBack + "ip6 fd00:a::1 > fd00:a::2 next 200 class 8 hop 77 / \"hello\"")});
}

TEST_F(Ip6ProgramTest, AnswersToGroupsComeFromAnAddress) {
  Path& path = program("eth0/ip6 (proto=200, dst=ff02::9)");
  give6(path, kIn + "ip6 fd00:a::2 > ff02::9 next 200 / \"hello\"");
  path.enqueue(End::kFar, only_taken());
  run();
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kBack + "ip6 fd00:a::1 > fd00:a::2 next 200 / \"hello\"")});
}

TEST_F(Ip6ProgramTest, FreshPacketsGoWhereTheAttributesSay) {
  Path& path = program("eth0/ip6 (proto=200, src=fd00:a::2)");
  path.enqueue(End::kFar, test::packet(*pool_, "hello"));
  run();
  EXPECT_EQ(sent(0), std::vector<Bytes>{text(kBack + "ip6 fd00:a::1 > fd00:a::2 next 200 / \"hello\"")});
  Path& group = program("eth0/ip6 (proto=201, src=ff02::9)");
  group.enqueue(End::kFar, test::packet(*pool_, "hello"));
  run();
  EXPECT_EQ(sent(0),
            std::vector<Bytes>{text(
                "eth 02:00:00:00:00:01 > 33:33:00:00:00:09 / ip6 fe80::1 > ff02::9 next 201 / \"hello\"")});
  Path& nowhere = program("eth0/ip6 (proto=202)");
  nowhere.enqueue(End::kFar, test::packet(*pool_, "hello"));
  run();
  EXPECT_EQ(nowhere.dropped(DropReason::kNoRoute), 1u);
}

// The demux reads what stands behind an authentication header; here nobody does.
TEST_F(Ip6ProgramTest, AnotherProtocolThanThePathsIsRefused) {
  Path& path = program("eth0/ip6 (proto=200)");
  const std::string packet = kIn + kToNode + " next 51 / hex c801000000000000 00000000 / \"hello\"";
  give6(path, packet);
  expect_error(4, 1, 6, packet);
  EXPECT_TRUE(program_.taken().empty());
}

TEST_F(Ip6ProgramTest, EveryTruncationOfAChainOfHeaders) {
  Path& path = program("eth0/ip6 (proto=200)");
  const Bytes whole = text(kIn + kToNode +
                           " next 0 / hex 3c00050200000100 / hex 2b00010400000000 / hex 2c00000000000000 "
                           "/ hex 3c00000011223344 / hex c8011e0c000000000000000000000000 / \"hello\"");
  give6(path, whole);
  PacketPtr p = only_taken();
  ASSERT_TRUE(p);
  EXPECT_EQ(test::bytes_of(*p), "hello");
  p.reset();
  for (size_t n = 0; n + 1 < whole.size(); ++n) {
    Bytes b(whole.begin(), whole.begin() + ptrdiff_t(n));
    give6(path, b);
    EXPECT_TRUE(program_.taken().empty()) << n;
    if (n < 54) continue;
    // The same, when the IPv6 header tells the truth about what is left.
    b[18] = 0;
    b[19] = uint8_t(n - 54);
    give6(path, b);
    const bool chain_is_whole = n >= whole.size() - 5;
    EXPECT_EQ(program_.taken().size(), chain_is_whole ? 1u : 0u) << n;
    program_.taken().clear();
    sent(0);
  }
}

TEST_F(Ip6ProgramTest, RandomChains) {
  Path& path = program("eth0/ip6 (proto=200)");
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    Bytes b = text(kIn + kToNode + " / zeros 120");
    for (size_t at = 54; at < b.size(); ++at) b[at] = uint8_t(random() % 3 ? 0 : random());
    uint8_t* next = &b[20];
    for (size_t at = 54; at + 8 < b.size();) {
      *next = std::array<uint8_t, 6>{0, 43, 44, 51, 60, 200}[random() % 6];
      next = &b[at];
      b[at + 1] = uint8_t(random() % 4);
      at += (random() % 8 ? b[at + 1] + 1u : 1u) * 8;
    }
    give6(path, b);
    for (const Bytes& f : sent(0)) ASSERT_EQ(test::plain_icmp6_checksum(f, 14), 0);
    program_.taken().clear();
  }
}

// --- fragments -------------------------------------------------------------------

class Ip6FragmentTest : public Ip6LocalTest {
 protected:
  static constexpr size_t kIp = 14, kFragmentHeader = 8;

  Ip6FragmentTest() : icmp_path_(open("eth0/ip6/icmp6")) { resort_to_ = &icmp_path_; }

  static Bytes big_ping(size_t n) {
    std::string hex;
    for (size_t i = 0; i < n; ++i) hex += "0123456789abcdef"[i * 7 % 16], hex += "0123456789abcdef"[i % 13];
    return text(kIn + kToNode + " class 8 / icmp6 128 0 rest 00010002 / hex " + hex);
  }
  // `whole`, whose headers for every node end at `headers`, in fragments of `unit` bytes.
  static std::vector<Bytes> fragments(const Bytes& whole, size_t unit, size_t headers = 40,
                                      size_t named_at = 6) {
    std::vector<Bytes> parts;
    const size_t payload = whole.size() - kIp - headers;
    for (size_t at = 0; at < payload; at += unit) {
      const size_t n = std::min(unit, payload - at);
      const auto from = whole.begin() + ptrdiff_t(kIp + headers + at);
      Bytes f(whole.begin(), whole.begin() + ptrdiff_t(kIp + headers));
      f.insert(f.end(),
               {f[kIp + named_at], 0, uint8_t(at >> 8), uint8_t(at | (at + n < payload)), 0, 0, 1, 65});
      f[kIp + named_at] = ip6::kFragment;
      f.insert(f.end(), from, from + ptrdiff_t(n));
      store_be16(f.data() + kIp + 4, uint16_t(f.size() - kIp - 40));
      parts.push_back(std::move(f));
    }
    return parts;
  }
  // One fragment with that header behind next header and reserved octet, as text.
  static std::string fragment(int protocol, int offset, bool more, const std::string& payload) {
    char header[32];
    std::snprintf(header, sizeof header, "%02x00%04x00000007", unsigned(protocol),
                  unsigned(offset | int(more)));
    return kIn + kToNode + " next 44 / hex " + header + (payload.empty() ? "" : " / " + payload);
  }
  // What came out of eth0, as the payload that it is of one packet.
  Bytes put_together() {
    Bytes payload;
    uint32_t id = 0;
    const std::vector<Bytes> out = sent(0);
    for (size_t i = 0; i < out.size(); ++i) {
      const Bytes& f = out[i];
      test::expect_true_ip6(f, kIp);
      EXPECT_LE(f.size(), kIp + ip6::kMinMtu);
      EXPECT_EQ(f[kIp + 6], ip6::kFragment);
      const uint8_t* header = f.data() + kIp + 40;
      EXPECT_EQ(header[0], ip6::kIcmp);
      EXPECT_EQ(load_be16(header + 2), payload.size() | (i + 1 < out.size()));
      if (i == 0) id = load_be32(header + 4);
      EXPECT_EQ(load_be32(header + 4), id);
      payload.insert(payload.end(), f.begin() + kIp + 48, f.end());
    }
    return payload;
  }

  Path& icmp_path_;
};

TEST_F(Ip6FragmentTest, InAnyOrderTheyBecomeOnePacketThatIsSortedAgain) {
  const Bytes whole = big_ping(1000);
  std::vector<Bytes> parts = fragments(whole, 200);
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    sorter_.sorted.clear();
    for (const Bytes& f : parts) give6(path_, f);
    ASSERT_EQ(sorter_.sorted.size(), 1u);
    EXPECT_EQ(sorter_.sorted[0], whole) << "with the frame of its first fragment";
    auto out = sent(0);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(test::plain_icmp6_checksum(out[0], kIp), 0);
    std::shuffle(parts.begin(), parts.end(), random);
  }
  EXPECT_EQ(path_.held(), 0u);
}

TEST_F(Ip6FragmentTest, HeadersInFrontOfTheFragmentHeaderStay) {
  const Bytes plain = big_ping(600);
  Bytes whole(plain.begin(), plain.begin() + 54);
  whole[20] = 0;
  const uint8_t options[] = {60, 0, 5, 2, 0, 0, 1, 0, 58, 0, 1, 4, 0, 0, 0, 0};  // hop-by-hop, destination
  whole.insert(whole.end(), std::begin(options), std::end(options));
  whole.insert(whole.end(), plain.begin() + 54, plain.end());
  store_be16(whole.data() + 18, uint16_t(whole.size() - 54));
  for (const Bytes& f : fragments(whole, 200, 56, 48)) give6(path_, f);
  EXPECT_EQ(sorter_.sorted, std::vector<Bytes>{whole});
  EXPECT_EQ(sent(0).size(), 1u);
}

TEST_F(Ip6FragmentTest, LargePingsAreAnsweredInPiecesThatFitEveryLink) {
  for (size_t size : {1452u, 1453u, 20000u, 65527u}) {
    const Bytes whole = big_ping(size);
    sorter_.sorted.clear();
    for (const Bytes& f : fragments(whole, 1448)) give6(path_, f);
    ASSERT_EQ(sorter_.sorted.size(), 1u) << size;
    if (size <= 1452) {
      EXPECT_EQ(sent(0).size(), 1u);
      continue;
    }
    const Bytes message = put_together();
    ASSERT_EQ(message.size(), size + 8);
    EXPECT_EQ(message[0], icmp6::kEchoReply);
    EXPECT_EQ(Bytes(message.begin() + 8, message.end()), Bytes(whole.begin() + 62, whole.end()));
    uint32_t pseudo = uint32_t(message.size() >> 16) + uint32_t(message.size() & 0xffff) + 58;
    for (size_t i = 22; i < 54; i += 2) pseudo += uint32_t(whole[i]) << 8 | whole[i + 1];
    EXPECT_EQ(test::plain_checksum(message, 0, message.size(), pseudo), 0);
  }
}

TEST_F(Ip6FragmentTest, WhatCannotBeIsSaid) {
  // Longer than any packet: where it says where it belongs.
  const std::string far = fragment(17, 65528, false, "zeros 9");
  give6(path_, far);
  expect_error(4, 0, 42, far);
  // RFC 8200 section 4.5: a piece that others follow has a multiple of 8 bytes.
  const std::string odd = fragment(17, 8, true, "zeros 9");
  give6(path_, odd);
  expect_error(4, 0, 4, odd);
  EXPECT_EQ(path_.dropped(DropReason::kBadLength), 2u);
  // RFC 7112: the first has all headers.
  for (const std::string& cut :
       {fragment(6, 0, true, "zeros 16"), fragment(17, 0, true, ""),
        fragment(60, 0, true, "hex 1100010400000000"), fragment(60, 0, true, "hex 1101010c00000000")}) {
    give6(path_, cut);
    expect_error(4, 3, 0, cut);
  }
  EXPECT_EQ(path_.dropped(DropReason::kBadOptions), 4u);
  EXPECT_EQ(path_.held(), 0u);
}

// RFC 6980 section 5: whoever reads them could not tell any more.
TEST_F(Ip6FragmentTest, NeighbourDiscoveryDoesNotComeInPieces) {
  for (const char* type : {"85", "86", "87", "88", "89"}) {
    expect_silence(fragment(58, 0, true, std::string("hex ") + type + "00000000000000 / zeros 16"));
  }
  EXPECT_EQ(path_.dropped(DropReason::kBadOptions), 5u);
  expect_silence(fragment(58, 0, true, "hex 8000000000000000 / zeros 16"));
  EXPECT_EQ(path_.held(), 1u);
}

TEST_F(Ip6FragmentTest, OverlapsAreLostInSilence) {
  expect_silence(fragment(17, 0, true, "zeros 64"));
  expect_silence(fragment(17, 0, true, "zeros 64"));  // again
  EXPECT_EQ(path_.held(), 1u);
  expect_silence(fragment(17, 56, true, "zeros 64"));
  EXPECT_EQ(path_.held(), 0u);
  expect_silence(fragment(17, 0, true, "zeros 64"));
  expect_silence(fragment(17, 64, false, "zeros 64"));
  EXPECT_EQ(path_.held(), 0u);
  EXPECT_EQ(path_.dropped(DropReason::kFragmentOverlap), 5u);
  clock_.advance_ns(Reassembly::kTimeoutNs);
  timers_.fire_due(clock_.now_ns());
  run();
  EXPECT_TRUE(sent(0).empty());
  EXPECT_TRUE(sorter_.sorted.empty());
}

TEST_F(Ip6FragmentTest, TimeoutTellsTheSenderWhenTheFirstIsThere) {
  expect_silence(fragment(17, 64, false, "zeros 64"));
  clock_.advance_ns(Reassembly::kTimeoutNs);
  timers_.fire_due(clock_.now_ns());
  run();
  EXPECT_TRUE(sent(0).empty());
  const std::string first = fragment(17, 0, true, "zeros 64");
  expect_silence(first);
  clock_.advance_ns(Reassembly::kTimeoutNs - 1);
  timers_.fire_due(clock_.now_ns());
  EXPECT_EQ(path_.held(), 1u);
  clock_.advance_ns(1);
  timers_.fire_due(clock_.now_ns());
  run();
  expect_error(3, 1, 0, first);
  EXPECT_EQ(path_.held(), 0u);
  EXPECT_EQ(path_.dropped(DropReason::kReassemblyTimeout), 2u);
}

TEST_F(Ip6FragmentTest, CongestionMarksSurvive) {
  const auto with_class = [](Bytes f, uint8_t traffic_class) {
    f[14] = uint8_t(0x60 | traffic_class >> 4);
    f[15] = uint8_t(traffic_class << 4);
    return f;
  };
  const std::vector<Bytes> parts = fragments(big_ping(300), 200);
  ASSERT_EQ(parts.size(), 2u);
  give6(path_, with_class(parts[0], 0xfa));
  give6(path_, with_class(parts[1], 0xfb));
  ASSERT_EQ(sorter_.sorted.size(), 1u);
  EXPECT_EQ(ip6::traffic_class(sorter_.sorted[0].data() + kIp), 0xfb);
  give6(path_, with_class(parts[0], 0));
  give6(path_, with_class(parts[1], 3));
  EXPECT_EQ(sorter_.sorted.size(), 1u) << "marked, but not able to be";
  sent(0);
}

TEST_F(Ip6FragmentTest, PathsThatCloseLetGoOfTheirs) {
  give6(icmp_path_, fragments(big_ping(400), 200)[0]);
  EXPECT_EQ(icmp_path_.held(), 1u);
  icmp_path_.close();
  EXPECT_EQ(icmp_path_.held(), 0u);
  EXPECT_EQ(icmp_path_.dropped(DropReason::kPathClosed), 1u);
}

TEST_F(Ip6FragmentTest, RandomFragmentsNeverMakeAnUntruePacket) {
  std::mt19937 random(11);
  const std::vector<Bytes> parts = fragments(big_ping(600), 200);
  for (int i = 0; i < 5000; ++i) {
    Bytes f = parts[random() % parts.size()];
    if (random() % 10 == 0) f[57] = uint8_t(random());
    if (random() % 10 == 0) f[56] = uint8_t(random() % 4);
    f[61] = uint8_t(random() % 40);
    give6(path_, f);
    if (i % 500 == 0) clock_.advance_ns(Reassembly::kTimeoutNs);  // spoiled numbers are free again
  }
  EXPECT_FALSE(sorter_.sorted.empty());
  for (const Bytes& s : sorter_.sorted) test::expect_true_ip6(s, kIp);
  sent(0);
}

}  // namespace
}  // namespace weft
