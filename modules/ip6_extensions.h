// SPDX-License-Identifier: Apache-2.0
// IPv6 extension headers: what every node, or the last one, reads of them.
// (RFC 8200 section 4.)
//
// Where the RFC leaves a choice (how much padding is too much, how many options) this
// does what Linux does.
//
// Threads: pure functions.
#pragma once

#include <optional>

#include "modules/icmp6_error.h"
#include "partner/drop.h"
#include "partner/packet.h"

namespace weft {

// Why a packet must be dropped for its extension headers, and what its sender is told.
struct Ip6Problem {
  DropReason reason = DropReason::kBadOptions;
  bool tell = false;
  icmp6::Error what{};
};

// The options of the hop-by-hop or destination options header at offset `at` of the
// packet at `packet`.  (RFC 8200 section 4.2; RFC 2711; RFC 2675.)
// REQUIRES: the packet's bytes up to the end of that header are there, in one piece
std::optional<Ip6Problem> check_ip6_options(const uint8_t* packet, uint32_t at, bool hop_by_hop);

// Length of the extension header at `header`, whose first two bytes are there, when it
// is of the common form of RFC 6564.
inline uint32_t ip6_extension_length(const uint8_t* header) { return (uint32_t{header[1]} + 1) * 8; }

// What stands behind the extension headers.
struct Ip6Upper {
  uint8_t protocol = 0;
  uint32_t offset = 0;          // from the IPv6 header
  uint32_t named_at = 0;        // offset of the next header field that names it
  bool later_fragment = false;  // not the first fragment: `protocol` is kFragment
  bool whole = true;            // false: the packet ends, or says that nothing follows
};

// Walks the chain of a packet that begins at its IPv6 header, to offset `end` at most.
Ip6Upper find_ip6_upper(const Packet& p, uint32_t end = UINT32_MAX);

}  // namespace weft
