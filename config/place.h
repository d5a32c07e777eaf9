// SPDX-License-Identifier: Apache-2.0
// Place: where something stands in a config file.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

struct Place {
  uint32_t line = 0;    // from 1; 0: not from a file
  uint32_t column = 0;  // from 1
  friend auto operator<=>(const Place&, const Place&) = default;
};

// "weft.toml:3:9: " + sentence; without a line only "weft.toml: " + sentence.
std::string at(std::string_view file, Place place, std::string_view sentence);

}  // namespace weft
