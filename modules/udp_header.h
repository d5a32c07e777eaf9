// SPDX-License-Identifier: Apache-2.0
// The UDP header, as bytes, and whether a datagram is what it says.  (RFC 768.)
//
// Threads: pure functions.
#pragma once

#include <optional>

#include "partner/drop.h"
#include "partner/packet.h"

namespace weft::udp {

constexpr uint32_t kHeader = 8;

// Offsets of fields.
constexpr size_t kSourcePort = 0, kDestinationPort = 2, kLength = 4, kChecksum = 6;

// Why the datagram at offset `at` of a packet must be dropped: it is shorter than it says,
// or its checksum is wrong (RFC 1122 section 4.1.3.4); over IPv6, also when it has none
// (RFC 8200 section 8.1).  What is behind the datagram is cut off.  A checksum that the
// sender left for later is good, and so is a super-packet.
// REQUIRES: network_header() is the IP header of the packet
std::optional<DropReason> check(Packet& p, uint32_t at);

}  // namespace weft::udp
