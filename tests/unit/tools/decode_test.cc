// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/decode.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::cli {
namespace {

std::string bytes(std::string_view hex) {
  std::string result;
  for (size_t i = 0; i < hex.size();) {
    if (hex[i] == ' ') {
      ++i;
      continue;
    }
    result += char(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    i += 2;
  }
  return result;
}

const std::string kEcho = bytes(
    "020000000002 020000000001 0800"
    "4500001c 00010000 40010000 0a000001 0a000002"
    "08000000 00070001");

TEST(Decode, AnEchoRequest) {
  EXPECT_EQ(
      decode(kEcho, true),
      "02:00:00:00:00:01 > 02:00:00:00:00:02  10.0.0.1 > 10.0.0.2 ttl 64  icmp echo request id 7 seq 1");
  EXPECT_EQ(decode(kEcho.substr(14), false), "10.0.0.1 > 10.0.0.2 ttl 64  icmp echo request id 7 seq 1");
}

TEST(Decode, OtherPackets) {
  EXPECT_EQ(decode(bytes("45000028 00010000 40060000 0a000001 0a000002"
                         "00500051 00000001 00000002 50120400 00000000"),
                   false),
            "10.0.0.1 > 10.0.0.2 ttl 64  tcp 80 > 81 [SA] seq 1 ack 2 win 1024");
  EXPECT_EQ(decode(bytes("46000020 00052001 01110000 0a000001 0a000002 01010101 00350036 000c0000"), false),
            "10.0.0.1 > 10.0.0.2 ttl 1 options 4 fragment id 5 at 8+  protocol 17");
  EXPECT_EQ(decode(bytes("60000000 00082c40 fd000000000000000000000000000001 fd000000000000000000000000000002"
                         "11000001 0000000a 00350036 000c0000"),
                   false),
            "fd00::1 > fd00::2 hops 64 fragment id 10 at 0+  udp 53 > 54 length 12");
  EXPECT_EQ(decode(bytes("ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a000001"
                         "000000000000 0a000002"),
                   true),
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff  arp who has 10.0.0.2 tell 10.0.0.1");
  EXPECT_EQ(decode("", false), "empty");
  EXPECT_EQ(decode(bytes("41"), false), "ip (cut short)");
  EXPECT_EQ(decode(bytes("00"), false), "capsule");
}

TEST(Decode, EveryCutOfAPacketIsRead) {
  for (size_t n = 0; n <= kEcho.size(); ++n) {
    // On the heap without slack, so that a sanitizer sees a read past the end.
    const std::string cut(kEcho.data(), n);
    EXPECT_FALSE(decode(cut, true).empty());
  }
}

TEST(Decode, RandomBytesAreRead) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::vector<char> noise(random() % 90);
    for (char& c : noise) c = char(random());
    if (noise.size() > 13 && i % 2 == 0) {
      noise[12] = char(i % 4 == 0 ? 0x08 : 0x86);
      noise[13] = char(i % 4 == 0 ? 0x00 : 0xdd);
    } else if (!noise.empty()) {
      noise[0] = char((i % 3 == 0 ? 0x45 : 0x60));
    }
    EXPECT_FALSE(decode({noise.data(), noise.size()}, i % 2 == 0).empty());
  }
}

}  // namespace
}  // namespace weft::cli
