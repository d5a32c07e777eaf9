// SPDX-License-Identifier: Apache-2.0
#include "tools/weft/table.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace weft::cli {

namespace {

// Characters, not bytes.
size_t width(std::string_view text) {
  return size_t(std::ranges::count_if(text, [](char c) { return (uint8_t(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::text(bool bold) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = width(columns_[i].header);
    for (const auto& row : rows_) widest = std::max(widest, width(row[i]));
    widths.push_back(widest);
  }
  const auto line = [&](const auto& cell_of) {
    std::string cells;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string space(widths[i] - width(cell), ' ');
      cells += (i == 0 ? "" : "  ") + (columns_[i].right ? space + cell : cell + space);
    }
    cells.erase(cells.find_last_not_of(' ') + 1);
    return cells;
  };
  const std::string header = line([&](size_t i) -> const std::string& { return columns_[i].header; });
  std::string out = (bold ? "\033[1m" + header + "\033[0m" : header) + "\n";
  for (const auto& row : rows_) out += line([&](size_t i) -> const std::string& { return row[i]; }) + "\n";
  return out;
}

bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') && term != nullptr &&
         std::string_view(term) != "dumb" && ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace weft::cli
