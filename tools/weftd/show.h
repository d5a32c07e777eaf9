// SPDX-License-Identifier: Apache-2.0
// What "weft show" is answered: the counters of the node as JSON.
//
// The names here are the names everywhere: in the CLI, in --json, in the docs.
//
// Threads: the control thread.
#pragma once

#include "admin/protocol.h"
#include "tools/weftd/assembly.h"

namespace weft {

// `what` is one of run, paths, partner, drops, pools, routes, neighbours, pan, domains,
// channels.
// Errors: kNotFound, with what was meant; kUnsupported (the node is not active).
Result<admin::Json> show(Assembly& node, const std::string& what);

}  // namespace weft
