// SPDX-License-Identifier: Apache-2.0
#include "partner/vnet_header.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/bytes.h"

namespace weft {
namespace {

using Bytes = std::vector<uint8_t>;

// Ethernet (with `tags` VLAN tags) or nothing, then IP and TCP or UDP headers, then a body.
struct Frame {
  Link link = Link::kEthernet;
  int tags = 0;
  int version = 4;
  size_t ip_options = 0;  // bytes; for IPv6, of one hop-by-hop header
  uint8_t protocol = 6;
  size_t tcp_options = 12;
  size_t body = 9000;

  size_t l3() const { return link == Link::kRaw ? 0 : 14 + size_t(tags) * 4; }
  size_t l4() const { return l3() + (version == 4 ? 20 : 40) + ip_options; }
  size_t headers() const { return l4() + (protocol == 6 ? 20 + tcp_options : 8); }

  Bytes bytes() const {
    Bytes b(headers() + body);
    if (link == Link::kEthernet) {
      for (int i = 0; i < tags; ++i)
        store_be16(&b[12 + size_t(i) * 4], i == 0 && tags == 2 ? 0x88a8 : 0x8100);
      store_be16(&b[l3() - 2], version == 4 ? 0x0800 : 0x86dd);
    }
    uint8_t* ip = &b[l3()];
    if (version == 4) {
      ip[0] = uint8_t(0x40 | (20 + ip_options) / 4);
      ip[9] = protocol;
    } else {
      ip[0] = 0x60;
      ip[6] = ip_options > 0 ? 0 : protocol;
      if (ip_options > 0) {
        ip[40] = protocol;
        ip[41] = uint8_t(ip_options / 8 - 1);
      }
    }
    if (protocol == 6) b[l4() + 12] = uint8_t((20 + tcp_options) / 4 << 4);
    return b;
  }
  VnetHeader header(uint8_t gso) const {
    return {VnetHeader::kNeedsChecksum, gso, 64, 1448, uint16_t(l4()), uint16_t(protocol == 6 ? 16 : 6)};
  }
};

VnetVerdict parse(const VnetHeader& header, const Bytes& bytes, Link link, Offload& offload) {
  return parse_vnet_header(header, bytes, uint32_t(bytes.size()), link, offload);
}

TEST(VnetHeaderTest, NothingLeftToDo) {
  Offload offload;
  EXPECT_EQ(parse(VnetHeader{}, Frame{}.bytes(), Link::kEthernet, offload), VnetVerdict::kComplete);
  VnetHeader valid{};
  valid.flags = 2;  // DATA_VALID: the receiver may trust the checksum
  EXPECT_EQ(parse(valid, Frame{}.bytes(), Link::kEthernet, offload), VnetVerdict::kComplete);
}

TEST(VnetHeaderTest, PartialChecksumAlone) {
  const Frame frame{.body = 100};
  Offload offload;
  EXPECT_EQ(parse(frame.header(VnetHeader::kGsoNone), frame.bytes(), Link::kEthernet, offload),
            VnetVerdict::kOffload);
  EXPECT_EQ(offload.checksum_start, 34);
  EXPECT_EQ(offload.checksum_offset, 16);
  EXPECT_EQ(offload.segment_size, 0);
  EXPECT_EQ(offload.kind, Offload::kNone);
}

TEST(VnetHeaderTest, SuperPacketsOfEveryShape) {
  struct Case {
    Frame frame;
    uint8_t gso;
    Offload::Kind kind;
  };
  const Case cases[] = {
      {{}, VnetHeader::kGsoTcp4, Offload::kTcp4},
      {{.ip_options = 8}, VnetHeader::kGsoTcp4, Offload::kTcp4},
      {{.tags = 1}, VnetHeader::kGsoTcp4, Offload::kTcp4},
      {{.tags = 2, .tcp_options = 40}, VnetHeader::kGsoTcp4, Offload::kTcp4},
      {{.link = Link::kRaw}, VnetHeader::kGsoTcp4, Offload::kTcp4},
      {{.version = 6}, VnetHeader::kGsoTcp6, Offload::kTcp6},
      {{.version = 6, .ip_options = 16}, VnetHeader::kGsoTcp6, Offload::kTcp6},
      {{.link = Link::kRaw, .version = 6}, VnetHeader::kGsoTcp6, Offload::kTcp6},
      {{.protocol = 17}, VnetHeader::kGsoUdp, Offload::kUdp},
      {{.version = 6, .protocol = 17}, VnetHeader::kGsoUdp, Offload::kUdp},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.frame.l4());
    Offload offload;
    ASSERT_EQ(parse(c.frame.header(c.gso), c.frame.bytes(), c.frame.link, offload), VnetVerdict::kOffload);
    EXPECT_EQ(offload.kind, c.kind);
    EXPECT_EQ(offload.segment_size, 1448);
    EXPECT_EQ(offload.headers_length, c.frame.headers());
    EXPECT_EQ(offload.checksum_start, c.frame.l4());
    EXPECT_FALSE(offload.ecn);

    const VnetHeader back = make_vnet_header(offload, uint32_t(c.frame.headers() + c.frame.body));
    EXPECT_EQ(back.flags, VnetHeader::kNeedsChecksum);
    EXPECT_EQ(back.gso_type, c.gso);
    EXPECT_EQ(back.segment_size, 1448);
    EXPECT_EQ(back.header_length, c.frame.headers());
    EXPECT_EQ(back.checksum_start, c.frame.l4());
    EXPECT_EQ(back.checksum_offset, c.frame.protocol == 6 ? 16 : 6);
  }
}

TEST(VnetHeaderTest, CongestionBitGoesBothWays) {
  const Frame frame;
  Offload offload;
  ASSERT_EQ(parse(frame.header(VnetHeader::kGsoTcp4 | VnetHeader::kGsoEcn), frame.bytes(), Link::kEthernet,
                  offload),
            VnetVerdict::kOffload);
  EXPECT_TRUE(offload.ecn);
  EXPECT_EQ(make_vnet_header(offload, 9000).gso_type, VnetHeader::kGsoTcp4 | VnetHeader::kGsoEcn);
}

TEST(VnetHeaderTest, OneSegmentIsNotAskedToBeCut) {
  const Offload offload{.segment_size = 1000,
                        .headers_length = 54,
                        .checksum_start = 34,
                        .checksum_offset = 16,
                        .kind = Offload::kTcp4};
  EXPECT_EQ(make_vnet_header(offload, 1054).gso_type, VnetHeader::kGsoNone);
  EXPECT_EQ(make_vnet_header(offload, 1054).segment_size, 0);
  EXPECT_EQ(make_vnet_header(offload, 1054).flags, VnetHeader::kNeedsChecksum);
  EXPECT_EQ(make_vnet_header(offload, 1055).gso_type, VnetHeader::kGsoTcp4);
}

TEST(VnetHeaderTest, RefusesWhatContradictsThePacket) {
  const Frame frame;
  const Bytes bytes = frame.bytes();
  const VnetHeader good = frame.header(VnetHeader::kGsoTcp4);
  auto refused = [&](auto change) {
    VnetHeader header = good;
    change(header);
    Offload offload;
    return parse(header, bytes, Link::kEthernet, offload) == VnetVerdict::kInvalid;
  };
  EXPECT_FALSE(refused([](VnetHeader&) {}));
  EXPECT_TRUE(refused([](VnetHeader& h) { h.flags = 0; })) << "to be cut, checksum complete";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.segment_size = 0; }));
  EXPECT_TRUE(refused([](VnetHeader& h) { h.checksum_start = 0; }));
  EXPECT_TRUE(refused([](VnetHeader& h) { h.checksum_start = 35; })) << "not where IP ends";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.checksum_start = 10; })) << "within Ethernet";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.checksum_start = 65535; })) << "behind the end";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.checksum_offset = 6; })) << "UDP's place in a TCP packet";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.checksum_offset = 65535; }));
  EXPECT_TRUE(refused([](VnetHeader& h) {
    h.gso_type = VnetHeader::kGsoNone;
    h.checksum_offset = 0;
  })) << "no protocol begins with its checksum";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.gso_type = VnetHeader::kGsoTcp6; })) << "the packet is IPv4";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.gso_type = 3; })) << "UFO, which Linux gave up";
  EXPECT_TRUE(refused([](VnetHeader& h) { h.gso_type = 0x7f; }));
}

TEST(VnetHeaderTest, RefusesASuperPacketOfATunnel) {
  // Outer IPv4 and UDP, VXLAN, inner Ethernet and IPv4: the checksum starts at the inner TCP.
  Frame outer{.protocol = 17, .body = 8 + 14 + 20 + 20 + 9000};
  Bytes bytes = outer.bytes();
  const size_t inner_l4 = outer.headers() + 8 + 14 + 20;
  bytes[inner_l4 - 20] = 0x45;
  bytes[inner_l4 - 11] = 6;
  bytes[inner_l4 + 12] = 0x50;
  VnetHeader header = Frame{}.header(VnetHeader::kGsoTcp4);
  header.checksum_start = uint16_t(inner_l4);
  Offload offload;
  EXPECT_EQ(parse(header, bytes, Link::kEthernet, offload), VnetVerdict::kInvalid);
}

TEST(VnetHeaderTest, HeadersMustBeWhole) {
  const Frame frame;
  const Bytes bytes = frame.bytes();
  const VnetHeader header = frame.header(VnetHeader::kGsoTcp4);
  for (size_t n = 0; n < frame.headers(); ++n) {
    Offload offload;
    EXPECT_EQ(parse(header, Bytes(bytes.begin(), bytes.begin() + ptrdiff_t(n)), Link::kEthernet, offload),
              VnetVerdict::kInvalid)
        << n;
  }
}

// Whatever the bytes say, an accepted header stays within the packet.  (Reads
// behind `front` are found by the address sanitizer: each is of its exact size.)
TEST(VnetHeaderTest, RandomBytesNeverLeadOutside) {
  std::mt19937 random(20240601);
  const Bytes frame = Frame{.body = 40}.bytes();
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    Bytes bytes(frame.begin(), frame.begin() + ptrdiff_t(random() % frame.size() + 1));
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = uint8_t(random());
    VnetHeader header = Frame{}.header(uint8_t(random() % 8));
    auto* raw = reinterpret_cast<uint8_t*>(&header);
    if (random() % 2) raw[random() % sizeof header] = uint8_t(random() % 64);
    const Link link = random() % 4 ? Link::kEthernet : Link::kRaw;
    Offload o;
    if (parse(header, bytes, link, o) != VnetVerdict::kOffload) continue;
    ++accepted;
    EXPECT_GT(o.checksum_start, 0);
    EXPECT_LE(size_t{o.checksum_start} + o.checksum_offset + 2, bytes.size());
    EXPECT_LE(o.headers_length, bytes.size());
    EXPECT_EQ(o.segment_size > 0, o.kind != Offload::kNone);
    if (o.segment_size > 0) {
      EXPECT_GE(o.headers_length, o.checksum_start + 8);
    }
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace weft
