// SPDX-License-Identifier: Apache-2.0
// What every IPv4 packet from a device is checked for, wherever it goes then.
//
// Threads: the worker.
#pragma once

#include <optional>

#include "modules/host.h"
#include "partner/drop.h"

namespace weft {

// The checks of RFC 1812 section 5.2.2.  On success the whole header lies in one piece
// at p->data, the packet ends where the header says, l3 is set, and no mark of the
// node that it came from is left on it.
// Returns why the packet must be dropped.
std::optional<DropReason> check_ip4_header(Pool& pool, PacketPtr& p);

// Source addresses that must not come from outside, and destinations that nobody may
// have.  (RFC 1812 sections 4.2.2.11 and 5.3.7; RFC 1122 section 3.2.1.3.)
// REQUIRES: check_ip4_header()
std::optional<DropReason> check_ip4_addresses(const IpNode& node, const Packet& p);

}  // namespace weft
