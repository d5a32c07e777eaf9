// SPDX-License-Identifier: Apache-2.0
#include "config/ip_text.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(IpText, GoodTextsComeBack) {
  for (const char* text : {"10.0.0.1/24", "0.0.0.0/0", "fd00::1/64", "::/0", "::ffff:1.2.3.4/128"}) {
    const auto parsed = parse_prefix(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(to_text(*parsed), text);
  }
  for (const char* text : {"127.0.0.1:1", "[::1]:65535"}) {
    const auto parsed = parse_endpoint(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(to_text(*parsed), text);
  }
}

TEST(IpText, ALengthIsThatOfTheWholeAddressWhenThereIsNone) {
  EXPECT_EQ(parse_prefix("1.2.3.4")->length, 32);
  EXPECT_EQ(parse_prefix("::1")->length, 128);
}

TEST(IpText, NetworkClearsWhatTheLengthLeaves) {
  EXPECT_EQ(to_text(parse_prefix("10.1.2.255/23")->network()), "10.1.2.0");
  EXPECT_EQ(to_text(parse_prefix("fd00::ffff/113")->network()), "fd00::8000");
  EXPECT_EQ(to_text(parse_prefix("1.2.3.4/32")->network()), "1.2.3.4");
}

TEST(IpText, BadTextsAreRefused) {
  using namespace std::string_view_literals;
  for (std::string_view text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, " 1.2.3.4"sv, "1.2.3.4 "sv, "fd00::1%eth0"sv,
                                "1.2.3.4\0x"sv, "01.2.3.4444"sv, ":::"sv}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
  for (std::string_view text : {"1.2.3.4/"sv, "1.2.3.4/33"sv, "1.2.3.4/-1"sv, "::/129"sv, "/24"sv,
                                "1.2.3.4/24/24"sv, "1.2.3.4/ 8"sv, "1.2.3.4/99999999999"sv}) {
    EXPECT_FALSE(parse_prefix(text)) << text;
  }
  for (std::string_view text : {"1.2.3.4"sv, "1.2.3.4:"sv, "1.2.3.4:0"sv, "1.2.3.4:65536"sv, "::1:5"sv,
                                "[1.2.3.4]:5"sv, "[::1:5"sv, "[]:5"sv, ":5"sv}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

}  // namespace
}  // namespace weft
