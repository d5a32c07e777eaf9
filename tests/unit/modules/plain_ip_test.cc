// SPDX-License-Identifier: Apache-2.0
#include "modules/plain_ip.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace weft {
namespace {

using Header = std::array<uint8_t, 20>;

// Word by word, as RFC 1071 writes it.
uint16_t sum(const Header& h) {
  uint32_t n = 0;
  for (size_t i = 0; i < h.size(); i += 2) {
    n += load_be16(&h[i]);
    n = (n & 0xffff) + (n >> 16);
  }
  return uint16_t(n);
}
void write_checksum(Header& h) {
  store_be16(&h[10], 0);
  store_be16(&h[10], uint16_t(~sum(h)));
}
Header random_header(std::mt19937_64& rng) {
  Header h;
  for (uint8_t& b : h) b = uint8_t(rng());
  h[0] = 0x45;
  write_checksum(h);
  return h;
}

// Every identification, and so every checksum, with every kind of TTL.
TEST(PlainIp, DecrementedHeaderIsAsComputedFromScratch) {
  std::mt19937_64 rng(1);
  Header h = random_header(rng);
  for (int ttl : {1, 2, 3, 64, 127, 128, 254, 255}) {
    for (uint32_t id = 0; id < 0x10000; ++id) {
      h[8] = uint8_t(ttl);
      store_be16(&h[4], uint16_t(id));
      write_checksum(h);
      ASSERT_TRUE(plain::Ip4(h.data()).checksum_good());
      Header expected = h;
      --expected[8];
      write_checksum(expected);
      plain::Ip4(h.data()).decrement_ttl(h.data());
      ASSERT_EQ(h, expected) << "ttl " << ttl << " id " << id;
    }
  }
  for (int i = 0; i < 100'000; ++i) {
    h = random_header(rng);
    if (h[8] == 0) continue;
    Header expected = h;
    --expected[8];
    write_checksum(expected);
    plain::Ip4(h.data()).decrement_ttl(h.data());
    ASSERT_EQ(h, expected);
  }
}

// A sender may write 0xffff where 0 is meant: both add up.
TEST(PlainIp, TheOtherZeroIsTakenAndLeavesAsZeroPlusOne) {
  Header h{0x45};
  h[8] = 64;
  store_be16(&h[4], uint16_t(~sum(h)));  // now the header adds up with a checksum of 0
  for (uint16_t zero : {uint16_t{0}, uint16_t{0xffff}}) {
    Header with = h;
    store_be16(&with[10], zero);
    ASSERT_TRUE(plain::Ip4(with.data()).checksum_good());
    plain::Ip4(with.data()).decrement_ttl(with.data());
    Header expected = h;
    --expected[8];
    write_checksum(expected);
    EXPECT_EQ(with, expected);
  }
}

TEST(PlainIp, ChecksumIsGoodExactlyWhenTheWordsAddUp) {
  std::mt19937_64 rng(2);
  for (int i = 0; i < 200'000; ++i) {
    Header h = random_header(rng);
    if (i % 4 == 0) std::fill(h.begin() + 1, h.end(), uint8_t(i % 8 == 0 ? 0 : 0xff));
    for (uint64_t flips = rng() % 3; flips > 0; --flips) h[rng() % 20] ^= uint8_t(1u << (rng() % 8));
    ASSERT_EQ(plain::Ip4(h.data()).checksum_good(), sum(h) == 0xffff);
  }
  for (uint32_t checksum = 0; checksum < 0x10000; ++checksum) {
    Header h{0x45, 0, 0xff, 0xff, 0xff, 0xff};
    store_be16(&h[10], uint16_t(checksum));
    ASSERT_EQ(plain::Ip4(h.data()).checksum_good(), sum(h) == 0xffff) << checksum;
  }
}

TEST(PlainIp, OrdinaryIp6Addresses) {
  using Address = std::array<uint8_t, 16>;
  EXPECT_FALSE(plain::ip6_ordinary(Address{}.data()));
  EXPECT_FALSE(plain::ip6_ordinary(Address{0xff, 2}.data()));
  EXPECT_FALSE(plain::ip6_ordinary(Address{0xfe, 0x80}.data()));
  EXPECT_TRUE(plain::ip6_ordinary(Address{0x20, 1}.data()));
  EXPECT_TRUE(plain::ip6_ordinary(Address{0, 0x64, 0xff, 0x9b}.data()));
  EXPECT_TRUE(plain::ip6_ordinary(Address{0xfd}.data()));
}

}  // namespace
}  // namespace weft
