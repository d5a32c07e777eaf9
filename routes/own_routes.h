// SPDX-License-Identifier: Apache-2.0
// The routes that follow from an address of the node's own.
//
// Threads: a pure function.
#pragma once

#include <vector>

#include "routes/route_table.h"

namespace weft {

// Appends: the address itself, the prefix of the link, what append_shared_routes() does,
// and the multicast groups that every host (RFC 1112, RFC 4291 section 2.8) or router is
// in.  `prefix.address` is the whole address.  A link-local prefix is of every link, and
// so says nothing about forwarding.
void append_own_routes(uint16_t port, const Prefix& prefix, bool router, std::vector<Route>& routes);

// Appends what the link's nodes or routers share with whoever has this address, so that
// no other route leads there and nothing of it is forwarded: the IPv4 broadcast addresses,
// all ones and all zeros (RFC 1812 section 4.2.3.1, RFC 2644), as `broadcast` says; and of
// a router the IPv6 subnet-router anycast address (RFC 4291 section 2.6.1), unless someone
// else says what it is.
void append_shared_routes(const Prefix& prefix, NextHop::Kind broadcast, bool router,
                          std::vector<Route>& routes);

// Whether a node can have this address on a link.
bool can_be_own(uint8_t family, const Address& address);

}  // namespace weft
