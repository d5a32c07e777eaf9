// SPDX-License-Identifier: Apache-2.0
// ping: active pings from this node, whose replies go to one client.
//
//   {"do":"ping","node":"10.0.0.3","count":4,"interval_ms":1000,"payload":56,"timeout_ms":1000}
//
// The records:
//   {"sequence":1,"status":"answered","rtt_ns":81234,"hops_out":2,"hops_back":2,"payload":56}
//   {"v":1,"end":true,"sent":4,"answered":4}
//
// Threads: the control thread.
#pragma once

#include "tools/weftd/admin_server.h"
#include "tools/weftd/assembly.h"

namespace weft {

// Answers the request and starts its stream.
void start_ping(AdminSession& session, Assembly& node, const admin::Json& request);

}  // namespace weft
