// SPDX-License-Identifier: Apache-2.0
#include "partner/offload.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <vector>

#include "tests/unit/testing/allocations.h"
#include "tests/unit/testing/frames.h"

namespace weft {
namespace {

using testing::Bytes;
using testing::content;

void put16(Bytes& b, size_t at, uint32_t v) {
  b[at] = uint8_t(v >> 8);
  b[at + 1] = uint8_t(v);
}
void put32(Bytes& b, size_t at, uint32_t v) {
  put16(b, at, v >> 16);
  put16(b, at + 2, v & 0xffff);
}
uint32_t get16(const Bytes& b, size_t at) { return uint32_t(b[at] << 8 | b[at + 1]); }
uint32_t get32(const Bytes& b, size_t at) { return get16(b, at) << 16 | get16(b, at + 2); }

// RFC 1071 word by word, in network order: nothing shared with base/checksum.h.
uint32_t words(const Bytes& b, size_t from, size_t to) {
  uint32_t sum = 0;
  for (size_t i = from; i < to; i += 2) {
    sum += uint32_t(b[i]) << 8 | (i + 1 < to ? b[i + 1] : 0u);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

struct Shape {
  bool ip4 = true;
  bool tcp = true;
  Link link = Link::kRaw;
  size_t payload = 5000;
  uint16_t mss = 1000;
  size_t vlan_tags = 0;
  size_t ip_options = 0;   // bytes, IPv4
  bool extension = false;  // IPv6: one destination options header of 8 bytes
  size_t tcp_options = 12;
  uint8_t tcp_flags = 0x89 | 0x10;  // CWR, ACK, PSH, FIN
};

struct Super {
  Bytes bytes;
  size_t l3 = 0, l4 = 0, headers = 0;
  Offload offload;
};

Super build(const Shape& s) {
  Super r;
  Bytes& b = r.bytes;
  if (s.link == Link::kEthernet) {
    b.assign(12, 0x02);
    for (size_t i = 0; i < s.vlan_tags; ++i) b.insert(b.end(), {0x81, 0x00, 0x00, 0x07});
    const uint16_t type = s.ip4 ? 0x0800 : 0x86dd;
    b.push_back(uint8_t(type >> 8));
    b.push_back(uint8_t(type));
  }
  r.l3 = b.size();
  const size_t ip = s.ip4 ? 20 + s.ip_options : 40 + (s.extension ? 8 : 0);
  r.l4 = r.l3 + ip;
  r.headers = r.l4 + (s.tcp ? 20 + s.tcp_options : 8);
  b.resize(r.headers + s.payload);
  const uint8_t protocol = s.tcp ? 6 : 17;
  if (s.ip4) {
    b[r.l3] = uint8_t(0x40 | ip / 4);
    put16(b, r.l3 + 2, uint32_t(b.size() - r.l3));
    put16(b, r.l3 + 4, 0xfffe);  // wraps
    put16(b, r.l3 + 6, 0x4000);
    b[r.l3 + 8] = 64;
    b[r.l3 + 9] = protocol;
    put32(b, r.l3 + 12, 0x0a000001);
    put32(b, r.l3 + 16, 0x0a000002);
    for (size_t i = 0; i < s.ip_options; ++i) b[r.l3 + 20 + i] = 1;
  } else {
    b[r.l3] = 0x60;
    put16(b, r.l3 + 4, uint32_t(b.size() - r.l3 - 40));
    b[r.l3 + 6] = s.extension ? 60 : protocol;
    b[r.l3 + 7] = 64;
    for (size_t i = 8; i < 40; ++i) b[r.l3 + i] = uint8_t(i);
    if (s.extension) {
      b[r.l3 + 40] = protocol;
      b[r.l3 + 42] = 1;
      b[r.l3 + 43] = 4;
    }
  }
  put16(b, r.l4, 4000);
  put16(b, r.l4 + 2, 7);
  if (s.tcp) {
    put32(b, r.l4 + 4, 0xfffffff0);  // wraps
    b[r.l4 + 12] = uint8_t((20 + s.tcp_options) / 4 << 4);
    b[r.l4 + 13] = s.tcp_flags;
    for (size_t i = 0; i < s.tcp_options; ++i) b[r.l4 + 20 + i] = 1;
  } else {
    put16(b, r.l4 + 4, uint32_t(b.size() - r.l4));
    put16(b, r.l4 + 6, 0x1234);
  }
  for (size_t i = 0; i < s.payload; ++i) b[r.headers + i] = uint8_t(i * 7 + (i >> 8));
  r.offload = {.segment_size = s.mss,
               .headers_length = uint16_t(r.headers),
               .checksum_start = uint16_t(r.l4),
               .checksum_offset = uint16_t(s.tcp ? 16 : 6),
               .kind = !s.tcp  ? Offload::kUdp
                       : s.ip4 ? Offload::kTcp4
                               : Offload::kTcp6,
               .ecn = true};
  return r;
}

// The transport checksum verifies over pseudo header and segment.
bool transport_verifies(const Bytes& b, const Super& s, const Shape& shape) {
  uint32_t sum = words(b, s.l4, b.size());
  sum += shape.ip4 ? words(b, s.l3 + 12, s.l3 + 20) : words(b, s.l3 + 8, s.l3 + 40);
  sum += uint32_t(b.size() - s.l4) + (shape.tcp ? 6 : 17);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

class OffloadTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(pool_->in_use(), 0u); }

  // `bytes` as a chain of Segs of at most `seg` bytes.
  PacketPtr packet(const Bytes& bytes, const Offload& offload, size_t seg = 1920) {
    PacketPtr whole = testing::chain(*pool_, bytes, seg);
    whole->flags |= Packet::kOffload;
    whole->offload() = offload;
    return whole;
  }

  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 512, .pages = PageKind::k4K});
};

class Segmentation : public OffloadTest, public ::testing::WithParamInterface<Shape> {};

TEST_P(Segmentation, GivesRightSegments) {
  const Shape shape = GetParam();
  const Super super = build(shape);
  for (const size_t seg : {size_t{1920}, size_t{333}, size_t{31}}) {
    if (super.bytes.size() / seg > 300) continue;
    PacketPtr p = packet(super.bytes, super.offload, seg);
    p->path = 9;
    Segmenter segmenter(*pool_);
    ASSERT_EQ(segmenter.start(p, shape.link), std::nullopt);
    const size_t expected = (shape.payload + shape.mss - 1) / shape.mss;
    ASSERT_EQ(segmenter.remaining(), expected);

    Bytes joined;
    for (size_t i = 0; i < expected; ++i) {
      PacketPtr s = segmenter.next();
      ASSERT_NE(s, nullptr);
      EXPECT_EQ(s->path, 9);
      EXPECT_EQ(s->flags & Packet::kOffload, 0);
      const Bytes b = content(*s);
      const bool last = i + 1 == expected;
      const size_t payload = last ? shape.payload - i * shape.mss : shape.mss;
      ASSERT_EQ(b.size(), super.headers + payload);
      EXPECT_TRUE(std::equal(b.begin(), b.begin() + ptrdiff_t(super.l3), super.bytes.begin()));
      if (shape.ip4) {
        EXPECT_EQ(get16(b, super.l3 + 2), b.size() - super.l3);
        EXPECT_EQ(get16(b, super.l3 + 4), (0xfffe + i) & 0xffff);
        EXPECT_EQ(words(b, super.l3, super.l4), 0xffffu);
      } else {
        EXPECT_EQ(get16(b, super.l3 + 4), b.size() - super.l3 - 40);
      }
      if (shape.tcp) {
        EXPECT_EQ(get32(b, super.l4 + 4), uint32_t(0xfffffff0 + i * shape.mss));
        EXPECT_EQ((b[super.l4 + 13] & 0x09) != 0, last) << "FIN and PSH belong to the last";
        EXPECT_EQ((b[super.l4 + 13] & 0x80) != 0, i == 0) << "CWR belongs to the first";
        EXPECT_NE(b[super.l4 + 13] & 0x10, 0);
      } else {
        EXPECT_EQ(get16(b, super.l4 + 4), b.size() - super.l4);
      }
      EXPECT_TRUE(transport_verifies(b, super, shape));
      joined.insert(joined.end(), b.begin() + ptrdiff_t(super.headers), b.end());
    }
    EXPECT_TRUE(segmenter.done());
    EXPECT_EQ(segmenter.next(), nullptr);
    EXPECT_EQ(joined, Bytes(super.bytes.begin() + ptrdiff_t(super.headers), super.bytes.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Segmentation,
    ::testing::Values(Shape{}, Shape{.payload = 5001, .mss = 999}, Shape{.ip4 = false}, Shape{.tcp = false},
                      Shape{.ip4 = false, .tcp = false, .payload = 777, .mss = 100},
                      Shape{.link = Link::kEthernet, .payload = 65000, .mss = 1448},
                      Shape{.ip4 = false, .link = Link::kEthernet, .vlan_tags = 2, .extension = true},
                      Shape{.link = Link::kEthernet, .vlan_tags = 1, .ip_options = 8, .tcp_options = 40},
                      Shape{.payload = 1, .mss = 1}, Shape{.payload = 100, .mss = 100}));

TEST_F(OffloadTest, UdpWithoutChecksumStaysWithout) {
  const Shape shape{.tcp = false};
  Super super = build(shape);
  put16(super.bytes, super.l4 + 6, 0);
  super.offload.checksum_offset = 0;
  PacketPtr p = packet(super.bytes, super.offload);
  Segmenter segmenter(*pool_);
  ASSERT_EQ(segmenter.start(p, Link::kRaw), std::nullopt);
  while (PacketPtr s = segmenter.next()) EXPECT_EQ(get16(content(*s), super.l4 + 6), 0u);
}

TEST_F(OffloadTest, SharesThePayload) {
  const Super super = build({});
  PacketPtr p = packet(super.bytes, super.offload);
  const uint64_t copied = pool_->bytes_copied();
  Segmenter segmenter(*pool_);
  ASSERT_EQ(segmenter.start(p, Link::kRaw), std::nullopt);
  Pvec v;
  while (PacketPtr s = segmenter.next()) v.push_back(std::move(s));
  EXPECT_EQ(pool_->bytes_copied() - copied, v.size() * super.headers);
  v.clear();
}

TEST_F(OffloadTest, WaitsForThePoolAndGoesOn) {
  const Super super = build({});
  PacketPtr p = packet(super.bytes, super.offload);
  Segmenter segmenter(*pool_);
  ASSERT_EQ(segmenter.start(p, Link::kRaw), std::nullopt);
  std::vector<PacketPtr> hoard;
  while (pool_->available() > 1) hoard.push_back(pool_->alloc());
  EXPECT_EQ(segmenter.next(), nullptr);
  EXPECT_FALSE(segmenter.done());
  EXPECT_EQ(pool_->available(), 1u);
  hoard.clear();
  EXPECT_NE(segmenter.next(), nullptr);
  DropCounters drops;
  segmenter.abandon(DropReason::kPoolExhausted, drops);
  EXPECT_EQ(drops[DropReason::kPoolExhausted], 4u);
  EXPECT_TRUE(segmenter.done());
}

TEST_F(OffloadTest, CompletesChecksums) {
  for (const bool tcp : {true, false}) {
    for (const bool ip4 : {true, false}) {
      for (const size_t seg : {size_t{1920}, size_t{101}, size_t{7}}) {
        const Shape shape{.ip4 = ip4, .tcp = tcp, .payload = 601};
        Super s = build(shape);
        uint32_t pseudo = ip4 ? words(s.bytes, s.l3 + 12, s.l3 + 20) : words(s.bytes, s.l3 + 8, s.l3 + 40);
        pseudo += uint32_t(s.bytes.size() - s.l4) + (tcp ? 6 : 17);
        pseudo = (pseudo & 0xffff) + (pseudo >> 16);
        put16(s.bytes, s.l4 + (tcp ? 16 : 6), pseudo);
        s.offload.segment_size = 0;
        s.offload.kind = Offload::kNone;
        PacketPtr p = packet(s.bytes, s.offload, seg);
        PacketPtr twin = pool_->clone(*p);  // so that the headers must be unshared
        const Bytes before = content(*twin);
        Segmenter segmenter(*pool_);
        ASSERT_EQ(segmenter.start(p, Link::kRaw), std::nullopt);
        EXPECT_EQ(segmenter.remaining(), 1u);
        PacketPtr whole = segmenter.next();
        ASSERT_NE(whole, nullptr);
        EXPECT_TRUE(segmenter.done());
        EXPECT_EQ(whole->flags & Packet::kOffload, 0);
        EXPECT_TRUE(transport_verifies(content(*whole), s, shape));
        EXPECT_EQ(content(*twin), before);
      }
    }
  }
}

TEST_F(OffloadTest, ZeroChecksumIsSentAsAllOnes) {
  Bytes bytes(4, 0);
  bytes[0] = bytes[1] = 0xff;
  PacketPtr p = packet(bytes, {.checksum_start = 0, .checksum_offset = 0});
  EXPECT_EQ(complete_checksum(*pool_, p), std::nullopt);  // already complete: untouched
  EXPECT_EQ(content(*p), bytes);
  Bytes more(8, 0);
  more[2] = more[3] = 0xff;
  p = packet(more, {.checksum_start = 2, .checksum_offset = 2});
  EXPECT_EQ(complete_checksum(*pool_, p), std::nullopt);
  EXPECT_EQ(get16(content(*p), 4), 0xffffu);
}

TEST_F(OffloadTest, RefusesChecksumsPastTheEnd) {
  for (const auto& [start, offset] : {std::pair{65535, 65535}, {100, 2}, {97, 2}, {1, 98}, {90, 9}}) {
    PacketPtr p =
        packet(Bytes(100, 1), {.checksum_start = uint16_t(start), .checksum_offset = uint16_t(offset)});
    EXPECT_EQ(complete_checksum(*pool_, p), DropReason::kBadLength) << start << " " << offset;
    EXPECT_EQ(content(*p), Bytes(100, 1));
  }
}

TEST_F(OffloadTest, RefusesContradictions) {
  const Super good = build({});
  const auto refused = [&](const char* what, auto change) {
    Super s = good;
    change(s);
    PacketPtr p = packet(s.bytes, s.offload);
    Segmenter segmenter(*pool_);
    EXPECT_NE(segmenter.start(p, Link::kRaw), std::nullopt) << what;
    EXPECT_NE(p, nullptr) << what;
    EXPECT_TRUE(segmenter.done()) << what;
  };
  refused("no size", [](Super& s) { s.offload.segment_size = 0; });
  refused("size above the packet", [](Super& s) { s.offload.segment_size = 65535; });
  refused("headers too short", [](Super& s) { s.offload.headers_length = 20; });
  refused("no headers", [](Super& s) { s.offload.headers_length = 0; });
  refused("headers past the end", [](Super& s) { s.offload.headers_length = 65535; });
  refused("checksum elsewhere", [](Super& s) { s.offload.checksum_start = 4; });
  refused("checksum past the end", [](Super& s) { s.offload.checksum_start = 65535; });
  refused("other protocol", [](Super& s) { s.bytes[9] = 1; });
  refused("kind says UDP", [](Super& s) { s.offload.kind = Offload::kUdp; });
  refused("kind says IPv6", [](Super& s) { s.offload.kind = Offload::kTcp6; });
  refused("version", [](Super& s) { s.bytes[0] = 0x75; });
  refused("says IPv6", [](Super& s) { s.bytes[0] = 0x60; });
  refused("header length", [](Super& s) { s.bytes[0] = 0x44; });
  refused("header length past the data", [](Super& s) { s.bytes.resize(40), s.bytes[0] = 0x4f; });
  refused("IP length", [](Super& s) { s.bytes[3] ^= 1; });
  refused("fragment", [](Super& s) { s.bytes[6] = 0x20; });
  refused("TCP header length", [](Super& s) { s.bytes[32] = 0x40; });
  refused("no payload", [](Super& s) { s.bytes.resize(s.headers), put16(s.bytes, 2, uint32_t(s.headers)); });
  refused("a byte", [](Super& s) { s.bytes.resize(1); });
}

// Random Offloads over random and half-true bytes: no crash, no leak, no overrun.
TEST_F(OffloadTest, SurvivesRandomOffloads) {
  std::mt19937 random(4);
  size_t passed = 0;
  for (int i = 0; i < 20000; ++i) {
    const bool ip4 = random() % 2, tcp = random() % 2;
    const auto link = random() % 2 ? Link::kRaw : Link::kEthernet;
    Super s = build({.ip4 = ip4,
                     .tcp = tcp,
                     .link = link,
                     .payload = 1 + random() % 3000,
                     .mss = uint16_t(1 + random() % 1500)});
    for (uint32_t n = random() % 3; n > 0; --n) s.bytes[random() % 80 % s.bytes.size()] = uint8_t(random());
    switch (random() % 8) {
      case 0:
        s.offload.segment_size = uint16_t(random());
        break;
      case 1:
        s.offload.headers_length = uint16_t(random());
        break;
      case 2:
        s.offload.checksum_start = uint16_t(random());
        break;
      case 3:
        s.offload.checksum_offset = uint16_t(random());
        break;
      case 4:
        s.offload.kind = Offload::Kind(random() % 4);
        break;
      case 5:
        s.bytes.resize(1 + random() % s.bytes.size());
        break;
      default:
        break;
    }
    const size_t total = s.bytes.size();
    PacketPtr p = packet(s.bytes, s.offload, std::min<size_t>(1920, 1 + random() % 1900 + total / 100));
    Segmenter segmenter(*pool_);
    if (segmenter.start(p, link)) continue;
    ++passed;
    size_t given = 0;
    const size_t expected = segmenter.remaining();
    DropCounters drops;
    while (PacketPtr out = segmenter.next()) {
      EXPECT_LE(out->total_length(), total);
      ++given;
    }
    segmenter.abandon(DropReason::kPoolExhausted, drops);
    EXPECT_EQ(given + drops.total(), expected);
  }
  EXPECT_GT(passed, 1000u);
}

TEST_F(OffloadTest, AllocatesNothing) {
  const Super super = build({});
  PacketPtr p = packet(super.bytes, super.offload);
  Segmenter segmenter(*pool_);
  const uint64_t before = weft::testing::allocations();
  EXPECT_EQ(segmenter.start(p, Link::kRaw), std::nullopt);
  while (PacketPtr s = segmenter.next()) s.reset();
  EXPECT_EQ(weft::testing::allocations(), before);
}

}  // namespace
}  // namespace weft
