// SPDX-License-Identifier: Apache-2.0
// Table: rows of text in aligned columns.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

namespace weft::cli {

struct Column {
  std::string header;
  bool right = false;  // numbers
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // REQUIRES: as many cells as there are columns
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // With the headers in bold, or not.
  std::string text(bool bold) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Whether standard output is a terminal that wants colours (https://no-color.org).
bool wants_colour();

}  // namespace weft::cli
