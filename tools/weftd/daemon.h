// SPDX-License-Identifier: Apache-2.0
// The daemon around a node: signals, the admin socket, the service manager.
//
// Threads: the control thread.
#pragma once

#include "base/log.h"
#include "tools/weftd/parts.h"

namespace weft {

// Runs a node until SIGTERM or SIGINT, and stops it.
// Errors: why it could not start, in one sentence; kDead: packets were lost at the end.
Result<void> run_daemon(const Config& config, const Parts& parts, Logger& log);

}  // namespace weft
