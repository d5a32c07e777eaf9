// SPDX-License-Identifier: Apache-2.0
// The routes that follow from an address of the node's own.
//
// Threads: a pure function.
#pragma once

#include <vector>

#include "routes/route_table.h"

namespace weft {

// Appends: the address itself, the prefix of the link, the broadcast addresses, and the
// multicast groups that every host (RFC 1112, RFC 4291 section 2.8) or router is in.
// `prefix.address` is the whole address.
void append_own_routes(uint16_t port, const Prefix& prefix, bool router, std::vector<Route>& routes);

// Whether a node can have this address on a link.
bool can_be_own(uint8_t family, const Address& address);

}  // namespace weft
