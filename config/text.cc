// SPDX-License-Identifier: Apache-2.0
#include "config/text.h"

#include <charconv>
#include <filesystem>
#include <string_view>

namespace weft {

namespace {

// Takes "TEXT: column N: " off the front of a path error.  Returns N, or 1.
// A long text is shown by its first 120 characters and "...".
size_t split_column(std::string_view text, std::string& sentence) {
  constexpr std::string_view kMark = ": column ";
  const size_t mark = sentence.find(kMark, text.size() > 120 ? 123 : text.size());
  if (mark == std::string::npos) return 1;
  size_t column = 1;
  const char* const number = sentence.data() + mark + kMark.size();
  const auto [end, error] = std::from_chars(number, sentence.data() + sentence.size(), column);
  if (error != std::errc{} || !std::string_view(end).starts_with(": ")) return 1;
  sentence.erase(0, size_t(end - sentence.data()) + 2);
  return column;
}

}  // namespace

std::string normal_path(const std::string& file) {
  return std::filesystem::path(file).lexically_normal().string();
}

ConfigError mistake_in_path(const Text& text, const Error& error) {
  std::string sentence = error.sentence;
  const size_t column = split_column(text.value, sentence);
  return {text.place_of(column - 1), std::move(sentence)};
}

}  // namespace weft
