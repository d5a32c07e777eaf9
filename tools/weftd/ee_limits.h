// SPDX-License-Identifier: Apache-2.0
// What the config says that EEs may have, in the node's own terms.
//
// Threads: plain functions.
#pragma once

#include "config/config.h"
#include "nodeos_api/file_ledger.h"
#include "nodeos_api/snow/session.h"

namespace weft {

inline snow::SessionLimits limits_of(const SessionConfig& c) {
  return {.packets_made = c.packets, .packets_received = c.packets, .objects = c.objects};
}

// Each open file is a descriptor of weftd's, which needs some for itself.
inline FileQuota quota_of(const FilesConfig& c) { return {.bytes = c.bytes, .files = c.number, .open = 64}; }

}  // namespace weft
