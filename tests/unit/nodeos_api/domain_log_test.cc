// SPDX-License-Identifier: Apache-2.0
// What a domain says in the node's log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "tests/unit/testing/api_node.h"

namespace weft {
namespace {

TEST(DomainLogTest, IsOneLineWhateverAnEeSays) {
  test::ApiNode node;
  std::ostringstream text;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  sink->set_pattern("%v");
  node.log().sinks().push_back(sink);
  an_Domain ee =
      an_domainCreate(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  EXPECT_EQ(an_log(ee, AN_LOG_INFO, "here\n[error] \033[2Jforged"), AN_OK);
  EXPECT_THAT(text.str(),
              testing::MatchesRegex("domain [0-9]+: here\\\\x0a\\[error\\] \\\\x1b\\[2Jforged\n"));
}

}  // namespace
}  // namespace weft
