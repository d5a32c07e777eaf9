// SPDX-License-Identifier: Apache-2.0
// Streams: what trace, capture and ping have in common.
//
// Threads: plain functions.
#pragma once

#include <cstdio>

#include "admin/client.h"
#include "tools/weft/interrupt.h"

namespace weft::cli {

// Gives each record of the stream that was asked for to `each`, until the stream ends, the
// user interrupts, or `each` fails.  Returns what the last line said; an empty object after an
// interrupt.
template <typename Each>
Result<admin::Json> read_stream(admin::Client& client, const Interrupt& interrupt, Each each) {
  for (;;) {
    auto next = client.next(interrupt.fd());
    if (!next) return next.error();
    if (!*next) return admin::Json::object();
    if ((*next)->value("end", false)) return **next;
    if (Result<void> done = each(**next); !done) return done.error();
  }
}

// As one line of JSON on standard output, at once.
inline void print_json(const admin::Json& record) {
  if (record.empty()) return;
  std::fputs(admin::to_line(record).c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace weft::cli
