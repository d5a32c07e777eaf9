// SPDX-License-Identifier: Apache-2.0
// Text: a string of a config file, whose characters can be pointed at one by one.
//
// Threads: a plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/errors.h"
#include "config/place.h"

namespace weft {

struct Text {
  std::string value;
  Place at;                       // of the opening quote
  std::vector<uint32_t> columns;  // of each byte of value, and of the closing quote; empty: several lines

  // The place of byte `offset` of the value; that of the quote when it cannot be told.
  Place place_of(size_t offset) const {
    return offset < columns.size() ? Place{at.line, columns[offset]} : at;
  }
};

// One spelling for a file, as far as its text tells: "./a//b/../c" is "a/c".
std::string normal_path(const std::string& file);

// What is wrong with a path text, at the character that `error` names (path_error() in
// paths/path_text.h).  One that names none is about the whole text.
ConfigError mistake_in_path(const Text& text, const Error& error);

}  // namespace weft
