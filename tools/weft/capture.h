// SPDX-License-Identifier: Apache-2.0
// weft capture: the packets at one gate of a path, as a pcapng file.
//
// Threads: plain functions.
#pragma once

#include <string>

#include "admin/client.h"

namespace weft::cli {

struct CaptureOptions {
  std::string where;   // PATH@STAGE
  std::string write;   // a file, or "-"
  uint64_t count = 0;  // 0: until interrupted
  uint64_t snap = 65535;
  std::string filter;
  bool json = false;  // say at the end in JSON, on standard error, what was captured
};

Result<void> capture(admin::Client& client, const CaptureOptions& options);

}  // namespace weft::cli
