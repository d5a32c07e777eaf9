// SPDX-License-Identifier: Apache-2.0
// weft ping: active pings from the node that weftd is.
//
// Threads: plain functions.
#pragma once

#include <string>

#include "admin/client.h"

namespace weft::cli {

struct PingOptions {
  std::string node;
  uint64_t count = 4;
  double interval = 1;  // seconds
  uint64_t payload = 56;
  bool json = false;
};

// Prints each reply, and a sum at the end.  Errors: kTimedOut (none was answered).
Result<void> ping(admin::Client& client, const PingOptions& options);

}  // namespace weft::cli
