// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/capsule.h"

#include <gtest/gtest.h>

#include <deque>

#include "pan_ee/neighbour.h"
#include "pan_ee/routes.h"

namespace weft::pan {
namespace {

TEST(Address, TextAndBack) {
  for (const char* text : {"10.0.0.1", "127.0.0.1:4000", "2001:db8::1", "::1", "255.255.255.255:65535"}) {
    const auto a = parse_address(text);
    ASSERT_TRUE(a) << text;
    EXPECT_EQ(to_text(*a), text);
  }
  EXPECT_EQ(*parse_address("::ffff:10.0.0.1"), *parse_address("10.0.0.1"));
  EXPECT_NE(*parse_address("10.0.0.1"), *parse_address("10.0.0.1:1"));
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", "10.0.0", "10.0.0.256", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536",
                           "10.0.0.1:7x", "host", "2001:db8::1::", "10.0.0.1:-1", " 10.0.0.1"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Address, Prefixes) {
  const Prefix p = *parse_prefix("10.0.0.64/26");
  EXPECT_EQ(p.length, 96 + 26);
  EXPECT_TRUE(p.holds(*parse_address("10.0.0.127")));
  EXPECT_FALSE(p.holds(*parse_address("10.0.0.128")));
  EXPECT_TRUE(parse_prefix("default")->holds(*parse_address("2001:db8::1")));
  EXPECT_EQ(parse_prefix("127.0.0.1:4000")->length, 128);
  EXPECT_EQ(parse_prefix("::ffff:10.0.0.0/104")->length, 104);
  EXPECT_TRUE(parse_prefix("2001:db8::/33")->holds(*parse_address("2001:db8:7fff::")));
  EXPECT_FALSE(parse_prefix("2001:db8::/33")->holds(*parse_address("2001:db8:8000::")));
  for (const char* text :
       {"10.0.0.1/24", "10.0.0.0/33", "10.0.0.0/", "/8", "2001:db8::/129", "10.0.0.0/-1"}) {
    EXPECT_FALSE(parse_prefix(text)) << text;
  }
}

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    for (int i = 0; i < 250; ++i) neighbours_.emplace_back(NodeAddress{}, "");
  }
  Neighbour& to(size_t number) { return neighbours_[number]; }

  Routes r;

 private:
  std::deque<Neighbour> neighbours_;
};

TEST_F(RoutesTest, TheLongestPrefixDecides) {
  EXPECT_EQ(r.find(*parse_address("10.1.2.3")), nullptr);
  EXPECT_TRUE(r.add(*parse_prefix("10.0.0.0/8"), to(1)));
  EXPECT_TRUE(r.add(*parse_prefix("10.1.2.3"), to(3)));
  EXPECT_TRUE(r.add(*parse_prefix("default"), to(0)));
  EXPECT_TRUE(r.add(*parse_prefix("10.1.0.0/16"), to(2)));
  EXPECT_FALSE(r.add(*parse_prefix("10.1.0.0/16"), to(5)));
  EXPECT_EQ(r.find(*parse_address("10.1.2.3")), &to(3));
  EXPECT_EQ(r.find(*parse_address("10.1.2.4")), &to(2));
  EXPECT_EQ(r.find(*parse_address("10.2.2.4")), &to(1));
  EXPECT_EQ(r.find(*parse_address("11.2.2.4")), &to(0));
  EXPECT_EQ(r.find(*parse_address("2001:db8::1")), &to(0));
}

TEST_F(RoutesTest, WhatWasAskedOfLateIsForgottenWithANewRoute) {
  const NodeAddress near = *parse_address("10.1.2.3"), none{};
  EXPECT_EQ(r.find(near), nullptr);
  EXPECT_EQ(r.find(none), nullptr);
  EXPECT_TRUE(r.add(*parse_prefix("default"), to(0)));
  EXPECT_EQ(r.find(near), &to(0));
  EXPECT_EQ(r.find(none), &to(0));
  EXPECT_TRUE(r.add(*parse_prefix("10.0.0.0/8"), to(1)));
  EXPECT_EQ(r.find(near), &to(1));
  EXPECT_EQ(r.find(near), &to(1));
  EXPECT_EQ(r.find(none), &to(0));
}

// More than it keeps of late, in an order that asks for each when it was just displaced, or not.
TEST_F(RoutesTest, ManyDestinationsInTurns) {
  EXPECT_TRUE(r.add(*parse_prefix("default"), to(7)));
  for (uint16_t i = 0; i < 250; ++i) {
    EXPECT_TRUE(r.add(*parse_prefix("10.1." + std::to_string(i) + ".0/24"), to(i)));
  }
  for (unsigned n = 0; n < 20'000; ++n) {
    const unsigned third = n * 7919 % 256, last = n / 3 % 256;
    const auto there = parse_address("10.1." + std::to_string(third) + "." + std::to_string(last));
    ASSERT_EQ(r.find(*there), &to(third < 250 ? third : 7)) << third << "." << last;
  }
}

TEST(CodeNameTest, IsTheHashOfTheContents) {
  // FIPS 180-2, appendix B.1.
  const CodeName n = name_of("abc");
  EXPECT_EQ(n.bytes[0], 1);
  EXPECT_EQ(to_text(n), "sha256:ba7816bf8f01cfea");
  EXPECT_TRUE(is_code_name(n.bytes.data()));
}

TEST(CodeNameTest, ShortHashesEndInZeros) {
  CodeName n;
  for (const auto& [kind, size] : {std::pair{HashKind::kSha1, 20}, std::pair{HashKind::kMd5, 16}}) {
    n = {};
    n.bytes[0] = uint8_t(kind);
    n.bytes[size_t(size)] = 1;
    EXPECT_TRUE(is_code_name(n.bytes.data()));
    n.bytes[size_t(size) + 1] = 1;
    EXPECT_FALSE(is_code_name(n.bytes.data()));
  }
  n = {};
  EXPECT_FALSE(is_code_name(n.bytes.data()));
}

class CapsuleTest : public ::testing::Test {
 protected:
  CapsuleTest() { capsule::write(bytes_, {7, sizeof bytes_, *parse_address("10.0.0.1"), name_of("abc")}); }
  capsule::Fault fault(size_t available = sizeof bytes_) { return capsule::check(bytes_, available); }
  uint8_t bytes_[100] = {};
};

TEST_F(CapsuleTest, ReadsWhatWasWritten) {
  EXPECT_EQ(fault(), capsule::Fault::kNone);
  EXPECT_EQ(bytes_[0], 0x01);
  EXPECT_EQ(capsule::ttl(bytes_), 7);
  EXPECT_EQ(capsule::length(bytes_), 100u);
  EXPECT_EQ(NodeAddress::at(bytes_ + capsule::kHome), *parse_address("10.0.0.1"));
  EXPECT_EQ(CodeName::at(bytes_ + capsule::kName), name_of("abc"));
}

TEST_F(CapsuleTest, ATtlIsLoweredToOne) {
  for (const auto& [before, after] : {std::pair{65535, 65534}, {257, 256}, {256, 255}, {2, 1}}) {
    capsule::set_ttl(bytes_, uint16_t(before));
    EXPECT_TRUE(capsule::lower_ttl(bytes_));
    EXPECT_EQ(capsule::ttl(bytes_), after);
  }
  EXPECT_FALSE(capsule::lower_ttl(bytes_));
  EXPECT_EQ(capsule::ttl(bytes_), 1);
}

TEST_F(CapsuleTest, EveryFaultHasItsName) {
  EXPECT_EQ(fault(63), capsule::Fault::kTooShort);
  EXPECT_EQ(fault(0), capsule::Fault::kTooShort);
  EXPECT_EQ(fault(99), capsule::Fault::kLength);
  EXPECT_EQ(fault(1500), capsule::Fault::kNone);  // padding
  const auto with = [&](size_t at, uint8_t value) {
    const uint8_t before = bytes_[at];
    bytes_[at] = value;
    const capsule::Fault f = fault();
    bytes_[at] = before;
    return f;
  };
  EXPECT_EQ(with(0, 0x02), capsule::Fault::kVersion);
  EXPECT_EQ(with(0, 0x45), capsule::Fault::kVersion);
  EXPECT_EQ(with(1, 0x80), capsule::Fault::kFlags);
  EXPECT_EQ(with(3, 0), capsule::Fault::kTtl);
  EXPECT_EQ(with(4, 0xff), capsule::Fault::kLength);
  EXPECT_EQ(with(7, 63), capsule::Fault::kLength);
  EXPECT_EQ(with(24, 9), capsule::Fault::kName);
  for (size_t i = 57; i < 64; ++i) EXPECT_EQ(with(i, 1), capsule::Fault::kReserved);
}

}  // namespace
}  // namespace weft::pan
