// SPDX-License-Identifier: Apache-2.0
// What a NetSpec asks for, checked and with its defaults.
//
// Threads: plain values.
#pragma once

#include "base/result.h"
#include "nodeos_api/an.h"
#include "paths/end_queue.h"
#include "paths/rate_meter.h"

namespace weft {

struct NetLimits {
  QueueLimit queue;
  Tspec rate;
  uint8_t priority = 0;
};

// Null: the defaults.  Reads as many fields as spec->size says.
// Errors: kInvalid, with the field and its range.
Result<NetLimits> read_netspec(an_NetSpec spec);

}  // namespace weft
