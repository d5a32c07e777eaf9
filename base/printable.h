// SPDX-License-Identifier: Apache-2.0
// Text of others, as it may be shown to people.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace weft {

// On one line, and nothing that a terminal would obey: "\x1b" in place of such a byte.  Which may
// also be kept, each by itself: `but`.
std::string printable(std::string_view text, std::string_view but = {});

}  // namespace weft
