// SPDX-License-Identifier: Apache-2.0
// weft show: what weftd answers, as tables.
//
// Threads: plain functions.
#pragma once

#include <span>
#include <string>

#include "admin/protocol.h"

namespace weft::cli {

// One kind of thing that can be shown.
struct View {
  const char* what;
  const char* help;
  std::string (*text)(const admin::Json& data, bool bold);
};
std::span<const View> views();

}  // namespace weft::cli
