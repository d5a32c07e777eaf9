// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_source.h"

#include "tests/unit/modules/node6_fixture.h"

namespace weft {
namespace {

class Ip6SourceTest : public test::Node6Fixture {
 protected:
  Ip6SourceTest() { node_.addresses.set({}); }
  void add(uint16_t port, const char* a, uint8_t length = 64) {
    node_.addresses.add({.family = 6, .port = port, .address = address6(a), .length = length});
  }
  void expect(uint16_t port, const char* to, const char* from) {
    const Address destination = address6(to);
    const LocalAddress* a = ip6_source(node_, port, destination.data());
    ASSERT_EQ(a != nullptr, from != nullptr) << to;
    if (a != nullptr) {
      EXPECT_EQ(a->address, address6(from)) << to;
    }
  }
};

TEST_F(Ip6SourceTest, NoneOfTheOtherFamily) {
  node_.addresses.add({.family = 4, .port = 0, .address = address("10.0.0.1"), .length = 24});
  expect(0, "2001:db8::9", nullptr);
}

// RFC 6724 section 5, rules 1, 2, 5, 6 and 8 (the examples of section 10.1).
TEST_F(Ip6SourceTest, Rules) {
  add(0, "fe80::1");
  add(0, "2001:db8:1::1");
  add(0, "2001:db8:2::1");
  add(0, "fd11::1");
  add(1, "2001:db8:3::1");
  expect(0, "2001:db8:2::9", "2001:db8:2::1");  // longest prefix
  expect(0, "2001:db8:3::9", "2001:db8:2::1");  // the port before the prefix
  expect(0, "2001:db8:3::1", "2001:db8:3::1");  // the same before all
  expect(0, "fe80::9", "fe80::1");              // scope
  expect(0, "ff02::1", "fe80::1");
  expect(0, "ff0e::1", "2001:db8:1::1");
  expect(0, "fd99::9", "fd11::1");  // label
  expect(1, "2001:db8:1::9", "2001:db8:3::1");
}

TEST_F(Ip6SourceTest, AnyPortBeforeTooLittleScope) {
  add(0, "fe80::1");
  add(1, "fd00::1");
  expect(0, "fd00:9::1", "fd00::1");
  expect(1, "fe80::9", "fd00::1");
  expect(2, "fe80::9", nullptr);
}

TEST_F(Ip6SourceTest, LinkLocalOfAMac) {
  EXPECT_EQ(ip6_link_local({0x02, 0x00, 0x00, 0x12, 0x34, 0x56}), address6("fe80::ff:fe12:3456"));
  EXPECT_EQ(ip6_link_local({0x52, 0x54, 0x00, 0xab, 0xcd, 0xef}), address6("fe80::5054:ff:feab:cdef"));
}

}  // namespace
}  // namespace weft
