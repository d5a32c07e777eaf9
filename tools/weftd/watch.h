// SPDX-License-Identifier: Apache-2.0
// trace and capture: a tap on a path, whose records go to one client.
//
//   {"do":"trace","path":"eth0/ip -> eth1","count":10,"filter":"udp port 7"}
//   {"do":"capture","path":"eth0/ip -> eth1","stage":"ip","count":0,"filter":"","snap":65535}
//
// The records:
//   {"packet":1,"gate":0,"dir":"forward","time":ns,"length":84,"link_header":true,"payload":false,"data":base64}
//   {"packet":1,"stage":0,"drop":"ttl_expired","sentence":"...","time":ns,...}
//   {"v":1,"end":true,"packets":10,"lost":0}
//
// Threads: the control thread.
#pragma once

#include "tools/weftd/admin_server.h"
#include "tools/weftd/assembly.h"

namespace weft {

// Answers the request and starts its stream.
void start_trace(AdminSession& session, Assembly& node, const admin::Json& request);
void start_capture(AdminSession& session, Assembly& node, const admin::Json& request);

}  // namespace weft
