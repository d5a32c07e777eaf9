// SPDX-License-Identifier: Apache-2.0
#include "modules/local_addresses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace weft {
namespace {

bool martian(const LocalAddresses& addresses, uint32_t source) {
  return addresses.is_martian_source(swap_be(source));
}

LocalAddress address(uint32_t a, uint8_t length) {
  LocalAddress local{.family = 4, .port = 0, .address = {}, .length = length};
  store_be32(local.address.data(), a);
  return local;
}

TEST(LocalAddresses, OwnAddressAndBothBroadcastsOfItsLink) {
  LocalAddresses addresses;
  EXPECT_FALSE(martian(addresses, 0x0a000101));
  addresses.set({address(0x0a000101, 24),
                 address(0x0a000205, 30),
                 address(0x0a000307, 31),
                 address(0x0a000409, 32),
                 {.family = 6, .port = 0, .address = {0x0a, 0, 5, 1}, .length = 24}});
  const uint32_t all[] = {0x0a000100, 0x0a000101, 0x0a0001ff, 0x0a000204,
                          0x0a000205, 0x0a000207, 0x0a000307, 0x0a000409};
  for (uint32_t a = 0x0a000000; a < 0x0a000600; ++a) {
    EXPECT_EQ(martian(addresses, a), std::ranges::find(all, a) != std::end(all)) << std::hex << a;
  }
  EXPECT_TRUE(addresses.is_directed_broadcast(0x0a0001ff));
  EXPECT_TRUE(addresses.is_directed_broadcast(0x0a000100));
  EXPECT_FALSE(addresses.is_directed_broadcast(0x0a000101));
  EXPECT_FALSE(addresses.is_directed_broadcast(0x0a000306));  // RFC 3021
  addresses.set({address(0x0a000207, 32)});
  EXPECT_FALSE(martian(addresses, 0x0a000101));
  EXPECT_TRUE(martian(addresses, 0x0a000207));
}

TEST(LocalAddresses, WhoMayForward) {
  LocalAddresses addresses;
  addresses.set({address(0x0a000101, 24)});
  const uint32_t host = swap_be(0xc6120002);
  for (uint32_t first = 0; first < 256; ++first) {
    const bool one_host = first != 0 && first != 127 && first < 224;
    const uint32_t other = swap_be(first << 24 | 0x020304);
    EXPECT_EQ(addresses.may_forward(other, host), one_host) << first;
    EXPECT_EQ(addresses.may_forward(host, other), one_host) << first;
  }
}

// Of four sources, all are suspect when one is listed, and hardly ever otherwise.
TEST(LocalAddresses, FourSourcesAtOnce) {
  LocalAddresses addresses;
  addresses.set({address(0x0a000101, 24)});
  std::mt19937 random(3);
  int suspected = 0;
  for (int i = 0; i < 100'000; ++i) {
    Words sources{};
    bool listed = false;
    for (int k = 0; k < 4; ++k) {
      const uint32_t source = 0x0a000000 | uint32_t(random()) % 0x400;
      sources[k] = swap_be(source);
      listed |= martian(addresses, source);
    }
    const bool suspect = addresses.any_perhaps_listed(sources);
    EXPECT_TRUE(suspect || !listed);
    suspected += suspect && !listed;
  }
  EXPECT_LT(suspected, 1000);
}

// The bytes only say "perhaps": with so many addresses that all bytes are suspect, the answer
// is as right as with few.
TEST(LocalAddresses, ManyAddresses) {
  std::mt19937 random(1);
  std::vector<LocalAddress> many;
  std::vector<uint32_t> own;
  for (int i = 0; i < 20'000; ++i) {
    own.push_back(uint32_t(random()));
    many.push_back(address(own.back(), 32));
  }
  LocalAddresses addresses;
  addresses.set(many);
  for (uint32_t a : own) EXPECT_TRUE(martian(addresses, a));
  std::sort(own.begin(), own.end());
  for (int i = 0; i < 100'000; ++i) {
    const auto a = uint32_t(random());
    EXPECT_EQ(martian(addresses, a), std::binary_search(own.begin(), own.end(), a));
  }
}

}  // namespace
}  // namespace weft
