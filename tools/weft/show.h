// SPDX-License-Identifier: Apache-2.0
// weft show: what weftd answers, as tables.
//
// Threads: plain functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "admin/protocol.h"
#include "tools/weft/table.h"

namespace weft::cli {

// One kind of thing that can be shown.
struct View {
  const char* what;
  const char* help;
  std::string (*text)(const admin::Json& data, bool bold);
};
std::span<const View> views();

// A key of each row, and how its column is headed.
struct Field {
  const char* key;
  Column column;
};
// The rows as a table; `none` when there are none.
std::string rows_text(const admin::Json& rows, const std::vector<Field>& fields, const char* none, bool bold);

}  // namespace weft::cli
