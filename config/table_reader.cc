// SPDX-License-Identifier: Apache-2.0
#include "config/table_reader.h"

#include <algorithm>
#include <charconv>

#include "base/printable.h"
#include "paths/path_text.h"

namespace weft {

namespace {

const char* describe(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// Bytes that the character or escape at the front of `raw` takes in the file.
size_t raw_length(std::string_view raw, bool escapes) {
  if (!escapes || raw.front() != '\\' || raw.size() < 2) return 1;
  const size_t length = raw[1] == 'u' ? 6 : raw[1] == 'U' ? 10 : 2;
  return std::min(length, raw.size());
}

// Bytes in the value that an escape of the file stands for.
size_t value_length(std::string_view escape) {
  if (escape.size() < 3) return 1;
  const unsigned long code = std::stoul(std::string(escape.substr(2)), nullptr, 16);
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

bool continues_character(char c) { return (uint8_t(c) & 0xc0) == 0x80; }

constexpr std::string_view kUnits = "KMGT";  // powers of 1024

// "64M" as bytes; nothing when it is no such size.
std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, size_t(text.data() + text.size() - end));
  const size_t power = unit.size() == 1 ? kUnits.find(unit) : std::string_view::npos;
  if (error != std::errc{} || power == std::string_view::npos) return std::nullopt;
  const int shift = 10 * int(power + 1);
  return number <= UINT64_MAX >> shift ? std::optional(number << shift) : std::nullopt;
}

// In the largest unit of which it is a whole number.
std::string size_text(uint64_t bytes) {
  size_t power = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && power < kUnits.size(); ++power) bytes /= 1024;
  return std::to_string(bytes) + (power == 0 ? std::string() : std::string(1, kUnits[power - 1]));
}

}  // namespace

// What a file holds is quoted in sentences.
void ConfigErrors::add(Place at, std::string_view sentence) { errors_.push_back({at, printable(sentence)}); }

std::vector<ConfigError> ConfigErrors::take() {
  std::ranges::stable_sort(errors_, {}, &ConfigError::at);
  return std::exchange(errors_, {});
}

Place place(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

Source::Source(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines_.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

// TOML counts columns in characters, a path text in bytes, and an escape is one
// byte of the value but several of the line.
std::vector<uint32_t> Source::columns_of(Place at, std::string_view value) const {
  if (at.line == 0 || at.line > lines_.size()) return {};
  std::string_view raw = lines_[at.line - 1];
  for (uint32_t column = 1; column < at.column && !raw.empty(); ++column) {
    do raw.remove_prefix(1);
    while (!raw.empty() && continues_character(raw.front()));
  }
  const bool quoted = !raw.empty() && (raw.front() == '"' || raw.front() == '\'');
  if (!quoted || raw.starts_with("\"\"\"") || raw.starts_with("'''")) return {};
  const bool escapes = raw.front() == '"';
  raw.remove_prefix(1);
  std::vector<uint32_t> columns;
  uint32_t column = at.column + 1;
  while (columns.size() < value.size()) {
    if (raw.empty()) return {};
    const size_t length = raw_length(raw, escapes);
    columns.insert(columns.end(), length == 1 ? 1 : value_length(raw.substr(0, length)), column);
    raw.remove_prefix(length);
    if (raw.empty() || !continues_character(raw.front())) column += uint32_t(length);
  }
  columns.push_back(column);
  return columns;
}

TableReader::TableReader(const toml::table& table, std::string title, Place at, const Source& source,
                         ConfigErrors& errors)
    : table_(&table), title_(std::move(title)), at_(at), source_(&source), errors_(&errors) {}

const toml::node* TableReader::find(std::string_view key) {
  asked_.emplace(key);
  return table_->get(key);
}

Place TableReader::place_of(std::string_view key) const {
  const toml::node* node = table_->get(key);
  return node == nullptr ? at_ : place(node->source());
}

std::string TableReader::sub_title(std::string_view key) const {
  if (title_.empty()) return "[" + std::string(key) + "]";
  return title_.substr(0, title_.size() - 1) + "." + std::string(key) + "]";
}

void TableReader::wrong_type(std::string_view key, const toml::node& node, std::string_view expected) {
  errors_->add(place(node.source()), "'" + std::string(key) + "' is " + describe(node.type()) +
                                         "; expected " + std::string(expected));
}

void TableReader::flag(std::string_view key, bool& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_boolean()) {
    into = value->get();
  } else {
    wrong_type(key, *node, "true or false");
  }
}

std::optional<int64_t> TableReader::integer(std::string_view key, int64_t low, int64_t high) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_integer();
  const std::string range = std::to_string(low) + " to " + std::to_string(high);
  if (value == nullptr) {
    wrong_type(key, *node, "a whole number, " + range);
    return std::nullopt;
  }
  if (value->get() < low || value->get() > high) {
    refuse(key, "'" + std::string(key) + "' is " + std::to_string(value->get()) + "; expected " + range);
    return std::nullopt;
  }
  return value->get();
}

void TableReader::number(std::string_view key, int64_t low, int64_t high, uint32_t& into) {
  if (const auto value = integer(key, low, high)) into = uint32_t(*value);
}

void TableReader::number(std::string_view key, int64_t low, int64_t high, uint64_t& into) {
  if (const auto value = integer(key, low, high)) into = uint64_t(*value);
}

void TableReader::fraction(std::string_view key, double& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (!node->is_number()) return wrong_type(key, *node, "a number, 0 to 1");
  const double value = node->value<double>().value_or(-1);
  if (!(value >= 0 && value <= 1)) return refuse(key, "'" + std::string(key) + "' is outside 0 to 1");
  into = value;
}

void TableReader::size(std::string_view key, uint64_t low, uint64_t high, uint64_t& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (node->is_integer()) return number(key, int64_t(low), int64_t(high), into);
  const auto* text = node->as_string();
  if (text == nullptr) return wrong_type(key, *node, "a size: a number of bytes, or a text such as '64M'");
  const auto size = parse_size(text->get());
  if (size && *size >= low && *size <= high) {
    into = *size;
    return;
  }
  refuse(key, "'" + text->get() + "' is not a size from " + size_text(low) + " to " + size_text(high) +
                  ", as '64M'");
}

Text TableReader::text_of(const toml::value<std::string>& value) const {
  const Place start = place(value.source());
  return {value.get(), start, source_->columns_of(start, value.get())};
}

std::optional<Text> TableReader::text(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* value = node->as_string()) return text_of(*value);
  wrong_type(key, *node, "a string");
  return std::nullopt;
}

void TableReader::text(std::string_view key, std::string& into) {
  if (auto value = text(key)) into = std::move(value->value);
}

std::optional<Text> TableReader::required_text(std::string_view key) {
  if (!has(key)) {
    errors_->add(at_, title_ + " needs '" + std::string(key) + "'");
    return std::nullopt;
  }
  return text(key);
}

std::vector<Text> TableReader::texts(std::string_view key) {
  std::vector<Text> result;
  const toml::node* node = find(key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    wrong_type(key, *node, "an array of strings");
    return result;
  }
  for (const toml::node& element : *array) {
    if (const auto* value = element.as_string()) {
      result.push_back(text_of(*value));
    } else {
      wrong_type(key, element, "a string");
    }
  }
  return result;
}

std::optional<size_t> TableReader::choice(std::string_view key, const std::vector<std::string>& choices) {
  const auto chosen = text(key);
  if (!chosen) return std::nullopt;
  const auto found = std::ranges::find(choices, chosen->value);
  if (found != choices.end()) return size_t(found - choices.begin());
  std::string all;
  for (const std::string& c : choices) all += (all.empty() ? "'" : ", '") + c + "'";
  errors_->add(chosen->at, "no " + std::string(key) + " '" + chosen->value + "'" +
                               did_you_mean(chosen->value, choices) + "; expected one of " + all);
  return std::nullopt;
}

std::optional<TableReader> TableReader::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const toml::table* child = node->as_table()) {
    return TableReader(*child, sub_title(key), place(child->source()), *source_, *errors_);
  }
  wrong_type(key, *node, "a table, " + sub_title(key));
  return std::nullopt;
}

std::vector<std::pair<std::string, TableReader>> TableReader::named_tables(std::string_view key) {
  std::vector<std::pair<std::string, TableReader>> result;
  auto parent = table(key);
  if (!parent) return result;
  for (const auto& [name, node] : *parent->table_) {
    const std::string title = "[" + std::string(key) + "." + std::string(name.str()) + "]";
    if (const toml::table* child = node.as_table()) {
      result.emplace_back(std::string(name.str()),
                          TableReader(*child, title, place(child->source()), *source_, *errors_));
    } else {
      errors_->add(place(name.source()), "'" + std::string(name.str()) + "' is " + describe(node.type()) +
                                             "; expected a table, " + title);
    }
  }
  std::ranges::stable_sort(result, {}, [](const auto& named) { return named.second.at(); });
  return result;
}

std::vector<TableReader> TableReader::array_of_tables(std::string_view key) {
  std::vector<TableReader> result;
  const toml::node* node = find(key);
  if (node == nullptr) return result;
  const std::string title = "[" + sub_title(key) + "]";
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    wrong_type(key, *node, title + " tables");
    return result;
  }
  for (const toml::node& element : *array) {
    if (const toml::table* child = element.as_table()) {
      result.emplace_back(*child, title, place(child->source()), *source_, *errors_);
    } else {
      wrong_type(key, element, title + " tables");
    }
  }
  return result;
}

void TableReader::finish() {
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  const std::string where = title_.empty() ? "at the top of the file" : "in " + title_;
  for (const auto& [key, node] : *table_) {
    if (asked_.contains(key.str())) continue;
    errors_->add(place(key.source()),
                 "unknown key '" + std::string(key.str()) + "' " + where + did_you_mean(key.str(), known));
  }
}

}  // namespace weft
