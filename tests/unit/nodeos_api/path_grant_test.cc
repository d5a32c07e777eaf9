// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/path_grant.h"

#include <gmock/gmock.h>

namespace weft {
namespace {

using ::testing::ElementsAre;

TEST(PathGrantTest, ExamplesAreWhatARangeBeginsAndEndsWith) {
  const auto grant = PathGrant::parse("a/ip/udp (srcport=7, dstport=7000-65536) -> b (ttl=\"1-20\")");
  ASSERT_TRUE(grant);
  EXPECT_THAT(grant->examples(), ElementsAre("a/ip/udp (srcport=7, dstport=7000      ) -> b (ttl=1     )",
                                             "a/ip/udp (srcport=7, dstport=65536     ) -> b (ttl=20    )"));
  for (const std::string& example : grant->examples()) {
    const auto path = parse_path(example);
    ASSERT_TRUE(path);
    EXPECT_TRUE(grant->permits(*path)) << example;
    EXPECT_EQ(path->far.attributes[0].column, parse_path(grant->text())->far.attributes[0].column);
  }
}

TEST(PathGrantTest, WithoutARangeItIsItsOwnExample) {
  for (const char* text : {"a/ip", "a/ip (src=10.0.0.0/8) -> b", "a/ip/udp (dstport=9-x)"}) {
    const auto grant = PathGrant::parse(text);
    ASSERT_TRUE(grant);
    EXPECT_THAT(grant->examples(), ElementsAre(text));
  }
}

}  // namespace
}  // namespace weft
