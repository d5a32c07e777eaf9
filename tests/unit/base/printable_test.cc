// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(PrintableTest, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(printable("plain, \xc3\xa4 too"), "plain, \xc3\xa4 too");
  EXPECT_EQ(printable(std::string_view("\033[2J\n\t\0\x7f", 8)), "\\x1b[2J\\x0a\\x09\\x00\\x7f");
}

TEST(PrintableTest, KeepsWhatMayBeKept) { EXPECT_EQ(printable("a\n\tb\r", "\n\t"), "a\n\tb\\x0d"); }

}  // namespace
}  // namespace weft
