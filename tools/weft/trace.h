// SPDX-License-Identifier: Apache-2.0
// weft trace: the way of single packets through a path, gate by gate.
//
// Threads: plain functions.
#pragma once

#include <string>

#include "admin/client.h"

namespace weft::cli {

struct TraceOptions {
  std::string path;
  uint64_t count = 10;
  std::string filter;
  bool json = false;
};

// Prints until the trace is over or the user interrupts.
Result<void> trace(admin::Client& client, const TraceOptions& options);

}  // namespace weft::cli
