// SPDX-License-Identifier: Apache-2.0
// TableReader: takes the keys out of one TOML table, and refuses what is left.
//
// Each getter reports a missing key (where one is needed), a wrong type and a
// value out of range; finish() reports every key that no getter asked for.  So the
// getters are the schema, and a value that nothing reads cannot stay unnoticed.
//
// Threads: one.
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/errors.h"
#include "config/text.h"

namespace weft {

// The file, as the places in it refer to it.
class Source {
 public:
  explicit Source(std::string_view text);
  // The columns of the bytes of a one-line string that begins at `at`.
  std::vector<uint32_t> columns_of(Place at, std::string_view value) const;

 private:
  std::vector<std::string_view> lines_;
};

class TableReader {
 public:
  // `title` names the table in sentences: "[node]".
  TableReader(const toml::table& table, std::string title, Place at, const Source& source,
              ConfigErrors& errors);

  Place at() const { return at_; }
  const std::string& title() const { return title_; }
  bool has(std::string_view key) { return find(key) != nullptr; }
  // Where the key's value stands; that of the table when there is none.
  Place place_of(std::string_view key) const;

  // Each leaves `into` alone when the key is absent or wrong.
  void flag(std::string_view key, bool& into);
  void number(std::string_view key, int64_t low, int64_t high, uint32_t& into);
  void number(std::string_view key, int64_t low, int64_t high, uint64_t& into);
  void fraction(std::string_view key, double& into);  // 0 .. 1
  // Bytes: a number, or a text with a unit, "64M"; K, M, G, T are powers of 1024.
  void size(std::string_view key, uint64_t low, uint64_t high, uint64_t& into);
  void text(std::string_view key, std::string& into);
  // One of `choices`, as its index.
  std::optional<size_t> choice(std::string_view key, const std::vector<std::string>& choices);

  std::optional<Text> text(std::string_view key);
  std::optional<Text> required_text(std::string_view key);
  // An array of strings; those that are not are reported and left out.
  std::vector<Text> texts(std::string_view key);

  // The table [title.key]; nothing when absent or not a table.
  std::optional<TableReader> table(std::string_view key);
  // The tables [key.NAME] with their names, in the order of the file.
  std::vector<std::pair<std::string, TableReader>> named_tables(std::string_view key);
  // The tables [[key]].
  std::vector<TableReader> array_of_tables(std::string_view key);

  // The value, put into words, is wrong for `key`.
  void refuse(std::string_view key, std::string sentence) {
    errors_->add(place_of(key), std::move(sentence));
  }
  ConfigErrors& errors() const { return *errors_; }

  // Reports the keys that nothing asked for.
  void finish();

 private:
  const toml::node* find(std::string_view key);
  void wrong_type(std::string_view key, const toml::node& node, std::string_view expected);
  std::optional<int64_t> integer(std::string_view key, int64_t low, int64_t high);
  Text text_of(const toml::value<std::string>& value) const;
  std::string sub_title(std::string_view key) const;

  const toml::table* table_;
  std::string title_;
  Place at_;
  const Source* source_;
  ConfigErrors* errors_;
  std::set<std::string, std::less<>> asked_;
};

Place place(const toml::source_region& region);

}  // namespace weft
