// SPDX-License-Identifier: Apache-2.0
// The translator of examples/nat_ee, packet by packet.  Every packet that goes on has all
// its checksums computed anew and compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "examples/nat_ee/translate.h"

namespace weft {
namespace {

constexpr uint32_t kOutside = 0xc0000201;  // 192.0.2.1
constexpr uint32_t kHost = 0x0a000002, kOther = 0x0a000003, kServer = 0xc6336407;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint8_t kSyn = 2, kAck = 16, kFin = 1;

using Bytes = std::vector<uint8_t>;

void put16(Bytes& b, size_t at, uint16_t v) { store_be16(b.data() + at, v); }
void put32(Bytes& b, size_t at, uint32_t v) { store_be32(b.data() + at, v); }
uint16_t get16(const Bytes& b, size_t at) { return load_be16(b.data() + at); }
uint32_t get32(const Bytes& b, size_t at) { return load_be32(b.data() + at); }

// One's complement sum of 16-bit words, in the order of the wire (RFC 1071).
uint32_t sum(const uint8_t* p, size_t n, uint32_t s = 0) {
  for (size_t i = 0; i + 1 < n; i += 2) s += load_be16(p + i);
  if (n % 2 != 0) s += uint32_t{p[n - 1]} << 8;
  while (s >> 16 != 0) s = (s & 0xffff) + (s >> 16);
  return s;
}
uint32_t pseudo_sum(const Bytes& b) {
  const uint16_t length = uint16_t(b.size() - 20);
  return sum(b.data() + 12, 8, uint32_t{b[9]} + length);
}
size_t checksum_at(uint8_t protocol) { return 20u + (protocol == 17 ? 6u : protocol == 6 ? 16u : 2u); }

// The checksums as a sender would make them.
void seal(Bytes& b) {
  put16(b, 10, 0);
  put16(b, 10, uint16_t(~sum(b.data(), 20)));
  const size_t at = checksum_at(b[9]);
  put16(b, at, 0);
  put16(b, at, uint16_t(~sum(b.data() + 20, b.size() - 20, b[9] == 1 ? 0 : pseudo_sum(b))));
}
void expect_sealed(const Bytes& b) {
  EXPECT_EQ(sum(b.data(), 20), 0xffffu) << "IP";
  EXPECT_EQ(sum(b.data() + 20, b.size() - 20, b[9] == 1 ? 0 : pseudo_sum(b)), 0xffffu) << "transport";
}

Bytes ip(uint8_t protocol, uint32_t from, uint32_t to, const Bytes& payload) {
  Bytes b(20 + payload.size());
  std::ranges::copy(payload, b.begin() + 20);
  b[0] = 0x45;
  b[8] = 64;
  b[9] = protocol;
  put32(b, 12, from);
  put32(b, 16, to);
  put16(b, 2, uint16_t(b.size()));
  seal(b);
  return b;
}
Bytes udp(uint32_t from, uint16_t port, uint32_t to, uint16_t to_port) {
  Bytes u(8 + 5, 'x');
  put16(u, 0, port);
  put16(u, 2, to_port);
  put16(u, 4, uint16_t(u.size()));
  return ip(17, from, to, u);
}
Bytes tcp(uint32_t from, uint16_t port, uint32_t to, uint16_t to_port, uint8_t flags) {
  Bytes t(20 + 3, 't');
  put16(t, 0, port);
  put16(t, 2, to_port);
  t[12] = 0x50;
  t[13] = flags;
  return ip(6, from, to, t);
}
Bytes icmp(uint32_t from, uint32_t to, uint8_t type, uint16_t id) {
  Bytes i(8 + 4, 'i');
  i[0] = type;
  i[1] = 0;
  put16(i, 4, id);
  return ip(1, from, to, i);
}
Bytes error(uint32_t from, uint32_t to, const Bytes& about, size_t carried) {
  const size_t n = std::min(carried, about.size());
  Bytes i(8 + n);
  std::copy_n(about.begin(), n, i.begin() + 8);
  i[0] = i[1] = 3;
  return ip(1, from, to, i);
}

class NatTest : public ::testing::Test {
 protected:
  NatTest() {
    nat_->outside = kOutside;
    nat_table_init(&nat_->table, 7);
  }
  nat_verdict out(Bytes& b) { return nat_from_inside(nat_.get(), b.data(), b.size(), now_); }
  nat_verdict in(Bytes& b) { return nat_from_outside(nat_.get(), b.data(), b.size(), now_); }
  // The outside port of a new or old flow.
  uint16_t send_udp(uint32_t host, uint16_t port, uint32_t server = kServer) {
    Bytes b = udp(host, port, server, 53);
    EXPECT_EQ(out(b), NAT_TO_OUTSIDE);
    expect_sealed(b);
    EXPECT_EQ(get32(b, 12), kOutside);
    EXPECT_EQ(b[8], 63);
    return get16(b, 20);
  }
  nat_verdict answer_udp(uint16_t port, uint32_t server = kServer) {
    Bytes b = udp(server, 53, kOutside, port);
    return in(b);
  }

  std::unique_ptr<nat> nat_ = std::make_unique<nat>();
  uint64_t now_ = kSecond;
};

TEST_F(NatTest, UdpGoesOutAndBack) {
  const uint16_t port = send_udp(kHost, 4000);
  EXPECT_EQ(port, 4000);  // free, so kept
  Bytes answer = udp(kServer, 53, kOutside, port);
  EXPECT_EQ(in(answer), NAT_TO_INSIDE);
  expect_sealed(answer);
  EXPECT_EQ(get32(answer, 16), kHost);
  EXPECT_EQ(get16(answer, 22), 4000);
}

TEST_F(NatTest, MappingsAreEndpointIndependentAndNoPortIsShared) {
  const uint16_t first = send_udp(kHost, 4000);
  EXPECT_EQ(send_udp(kHost, 4000, kServer + 1), first);
  const uint16_t second = send_udp(kOther, 4000);
  EXPECT_NE(second, first);
  EXPECT_GE(second, 1024);
  EXPECT_GE(send_udp(kHost, 53), 1024);
  EXPECT_EQ(answer_udp(second, kServer + 9), NAT_TO_INSIDE);  // endpoint-independent filtering
  EXPECT_EQ(nat_->table.count, 3u);
}

TEST_F(NatTest, NobodyIsLetInUnasked) {
  EXPECT_EQ(answer_udp(4000), NAT_NO_MAPPING);
  Bytes elsewhere = udp(kServer, 53, kOutside + 1, 4000);
  EXPECT_EQ(in(elsewhere), NAT_NO_MAPPING);
  Bytes ping = icmp(kServer, kOutside, 8, 7);
  EXPECT_EQ(in(ping), NAT_UNKNOWN);
}

TEST_F(NatTest, UdpTimesOutUnlessRefreshedFromInside) {
  const uint16_t port = send_udp(kHost, 4000);
  now_ += 299 * kSecond;
  EXPECT_EQ(answer_udp(port), NAT_TO_INSIDE);  // does not refresh (RFC 4787 REQ-6)
  now_ += kSecond;
  EXPECT_EQ(answer_udp(port), NAT_NO_MAPPING);
  EXPECT_EQ(nat_->table.count, 0u);
  send_udp(kHost, 4000);
  now_ += 299 * kSecond;
  send_udp(kHost, 4000);
  now_ += 299 * kSecond;
  EXPECT_EQ(answer_udp(port), NAT_TO_INSIDE);
}

TEST_F(NatTest, TcpLivesLongOnlyWhenBothHaveSpoken) {
  const auto segment = [&](bool outward, uint8_t flags) {
    Bytes b = outward ? tcp(kHost, 4000, kServer, 80, flags) : tcp(kServer, 80, kOutside, 4000, flags);
    const nat_verdict verdict = outward ? out(b) : in(b);
    if (verdict <= NAT_TO_INSIDE) expect_sealed(b);
    return verdict;
  };
  EXPECT_EQ(segment(true, kSyn), NAT_TO_OUTSIDE);
  now_ += 240 * kSecond;
  EXPECT_EQ(segment(false, kSyn | kAck), NAT_NO_MAPPING);
  EXPECT_EQ(segment(true, kSyn), NAT_TO_OUTSIDE);
  EXPECT_EQ(segment(false, kSyn | kAck), NAT_TO_INSIDE);
  EXPECT_EQ(segment(true, kAck), NAT_TO_OUTSIDE);
  now_ += 7439 * kSecond;
  EXPECT_EQ(segment(false, kAck), NAT_TO_INSIDE);
  EXPECT_EQ(segment(true, kFin | kAck), NAT_TO_OUTSIDE);
  now_ += 239 * kSecond;
  EXPECT_EQ(segment(false, kAck), NAT_TO_INSIDE);
  now_ += 240 * kSecond;
  EXPECT_EQ(segment(false, kAck), NAT_NO_MAPPING);
}

TEST_F(NatTest, PingsGoOutAndBackForAMinute) {
  Bytes a = icmp(kHost, kServer, 8, 2000), b = icmp(kOther, kServer, 8, 2000);
  ASSERT_EQ(out(a), NAT_TO_OUTSIDE);
  ASSERT_EQ(out(b), NAT_TO_OUTSIDE);
  expect_sealed(b);
  const uint16_t id = get16(b, 24);
  EXPECT_NE(get16(a, 24), id);
  Bytes answer = icmp(kServer, kOutside, 0, id);
  EXPECT_EQ(in(answer), NAT_TO_INSIDE);
  expect_sealed(answer);
  EXPECT_EQ(get32(answer, 16), kOther);
  EXPECT_EQ(get16(answer, 24), 2000);
  now_ += 60 * kSecond;
  Bytes late = icmp(kServer, kOutside, 0, id);
  EXPECT_EQ(in(late), NAT_NO_MAPPING);
}

TEST_F(NatTest, ErrorsComeBackWithWhatTheyCarry) {
  for (const size_t carried : {size_t{28}, size_t{200}}) {
    for (Bytes sent :
         {udp(kHost, 4000, kServer, 53), tcp(kHost, 4000, kServer, 80, kSyn), icmp(kHost, kServer, 8, 9)}) {
      const Bytes original = sent;
      ASSERT_EQ(out(sent), NAT_TO_OUTSIDE);
      Bytes e = error(kServer + 1, kOutside, sent, carried);
      ASSERT_EQ(in(e), NAT_TO_INSIDE);
      expect_sealed(e);
      EXPECT_EQ(get32(e, 16), kHost);
      // As the host sent it, but for the hop.
      const Bytes inner(e.begin() + 28, e.end());
      EXPECT_EQ(get32(inner, 12), kHost);
      EXPECT_EQ(sum(inner.data(), 20), 0xffffu);
      const size_t port = original[9] == 1 ? 24 : 20;
      EXPECT_EQ(get16(inner, port), get16(original, port));
      const size_t at = checksum_at(original[9]);
      if (inner.size() >= at + 2) {
        EXPECT_EQ(get16(inner, at), get16(original, at));
      }
    }
  }
}

TEST_F(NatTest, ErrorsGoOutWithWhatTheyCarry) {
  const uint16_t port = send_udp(kOther, 4000);
  const Bytes original = udp(kServer, 53, kOutside, port);
  Bytes let_in = original;
  ASSERT_EQ(in(let_in), NAT_TO_INSIDE);
  Bytes e = error(kOther, kServer, let_in, 28);
  ASSERT_EQ(out(e), NAT_TO_OUTSIDE);
  expect_sealed(e);
  EXPECT_EQ(get32(e, 12), kOutside);
  const Bytes inner(e.begin() + 28, e.end());
  EXPECT_EQ(get32(inner, 16), kOutside);
  EXPECT_EQ(get16(inner, 22), port);
  Bytes unasked = error(kOther, kServer, udp(kServer, 1, kHost, 2), 28);
  EXPECT_EQ(out(unasked), NAT_NO_MAPPING);
}

TEST_F(NatTest, TwoInsideMayMeetByTheirOutsideAddress) {
  const uint16_t port = send_udp(kOther, 5000);
  Bytes b = udp(kHost, 4000, kOutside, port);
  EXPECT_EQ(out(b), NAT_TO_INSIDE);
  expect_sealed(b);
  EXPECT_EQ(get32(b, 12), kOutside);
  EXPECT_EQ(get32(b, 16), kOther);
  EXPECT_EQ(get16(b, 22), 5000);
  Bytes nowhere = udp(kHost, 4000, kOutside, 9);
  EXPECT_EQ(out(nowhere), NAT_NO_MAPPING);
}

TEST_F(NatTest, ADatagramWithoutChecksumStaysSo) {
  Bytes b = udp(kHost, 4000, kServer, 53);
  put16(b, 26, 0);
  EXPECT_EQ(out(b), NAT_TO_OUTSIDE);
  EXPECT_EQ(get16(b, 26), 0);
  EXPECT_EQ(sum(b.data(), 20), 0xffffu);
}

TEST_F(NatTest, EveryChecksumIsAdjustedRight) {
  for (uint32_t i = 0; i < 5000; ++i) {
    Bytes b = udp(kHost + i * 7, uint16_t(1024 + i * 13 % 60000), kServer + i * 104729, uint16_t(i));
    b[30] = uint8_t(i);
    seal(b);
    if (get16(b, 26) == 0) put16(b, 26, 0xffff);
    ASSERT_EQ(out(b), NAT_TO_OUTSIDE);
    expect_sealed(b);
    ASSERT_NE(get16(b, 26), 0) << "would say that there is none";
  }
}

TEST_F(NatTest, TheTableIsBoundedAndHealsWithTime) {
  for (uint32_t i = 0; i < NAT_MAPPINGS; ++i) send_udp(kHost + i, 4000);
  Bytes b = udp(kHost + NAT_MAPPINGS, 4000, kServer, 53);
  const Bytes before = b;
  EXPECT_EQ(out(b), NAT_FULL);
  EXPECT_EQ(b, before);
  now_ += 300 * kSecond;
  nat_table_expire(&nat_->table, NAT_MAPPINGS / 2, now_);
  EXPECT_EQ(nat_->table.count, NAT_MAPPINGS / 2);
  EXPECT_EQ(send_udp(kHost, 4000), 4000);
}

TEST_F(NatTest, WhatIsLostIsLostForAReason) {
  Bytes last_hop = udp(kHost, 4000, kServer, 53);
  last_hop[8] = 1;
  EXPECT_EQ(out(last_hop), NAT_TTL);
  EXPECT_EQ(nat_->table.count, 0u);
  Bytes fragment = udp(kHost, 4000, kServer, 53);
  put16(fragment, 6, 100);
  EXPECT_EQ(out(fragment), NAT_FRAGMENT);
  Bytes sctp = udp(kHost, 4000, kServer, 53);
  sctp[9] = 132;
  EXPECT_EQ(out(sctp), NAT_UNKNOWN);
  Bytes six = udp(kHost, 4000, kServer, 53);
  six[0] = 0x65;
  EXPECT_EQ(out(six), NAT_MALFORMED);
  const Bytes whole = udp(kHost, 4000, kServer, 53);
  for (size_t n = 0; n < whole.size(); ++n) {
    Bytes cut(whole.begin(), whole.begin() + long(n));
    EXPECT_EQ(out(cut), NAT_MALFORMED) << n;
  }
}

}  // namespace
}  // namespace weft
