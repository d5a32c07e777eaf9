// SPDX-License-Identifier: Apache-2.0
// Which of its IPv6 addresses the node speaks from.  (RFC 6724 section 5.)
//
// Threads: the worker.
#pragma once

#include "modules/host.h"

namespace weft {

// The address for packets to `destination` (16 bytes) that concern `port`: where they
// leave, or, for an error, where the offender came in.  Link-local and multicast
// destinations are spoken to from an address of that port alone.  Null when there is none.
const LocalAddress* ip6_source(const IpNode& node, uint16_t port, const uint8_t* destination);

// The link-local address of a device with that MAC address.  (RFC 4291 appendix A.)
Address ip6_link_local(const MacAddress& mac);

}  // namespace weft
