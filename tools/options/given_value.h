// SPDX-License-Identifier: Apache-2.0
// For options whose value must be there: an empty one would mean that the option was not given.
//
// Threads: pure functions.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace weft {

inline CLI::Validator given_value() {
  return CLI::Validator(
      [](const std::string& value) -> std::string {
        if (value.empty()) return "it needs a value, not an empty one";
        if (value.starts_with("--")) return "it needs a value, and '" + value + "' is an option";
        return {};
      },
      "", "given value");
}

}  // namespace weft
