// SPDX-License-Identifier: Apache-2.0
// The messages of neighbour discovery: who has this address, and I have it.
// (RFC 4861 sections 4.3, 4.4 and 4.6.1.)  Between Ethernet hosts; router discovery
// and redirects are not here.
//
// Threads: the worker.
#pragma once

#include <optional>

#include "partner/drop.h"
#include "partner/partner.h"
#include "partner/pool.h"
#include "paths/next_hop.h"

namespace weft::nd {

// Longer ones are not taken: what the node looks for stands in the first bytes.
constexpr uint32_t kMaxMessage = 1240;

// A solicitation or advertisement that was received.
struct Message {
  bool solicitation = false;
  Address source{}, destination{};  // of its IPv6 header
  Address target{};
  std::optional<MacAddress> mac;  // of the sender, or of the target; not looked at
  // Advertisements only.
  bool solicited = false;  // it answers a question
  bool overrides = false;  // of another link address that is known
};

// Reads a message of type 135 or 136 and checks it as RFC 4861 sections 7.1.1 and 7.1.2
// ask, but for its checksum.  Returns why it must be dropped.
// REQUIRES: p is in one piece, with kHeaders
std::optional<DropReason> read(const Packet& p, Message& message);

// What a node with the link address `mac` sends, from its address `source`: an IPv6
// packet with kOrigin, to be pushed into the far end of "PORT/ip6/icmp6".  Empty when the
// pool is exhausted.

// Asks who has `target`.  `known` had it before and is asked alone (section 7.3.3); null:
// everyone who might have it is asked.
PacketPtr solicitation(Pool& pool, const MacAddress& mac, const Address& source, const Address& target,
                       const MacAddress* known);

// Answers `question`: the node has its target.  (Section 7.2.4.)
PacketPtr advertisement(Pool& pool, const MacAddress& mac, const Message& question, bool router);

}  // namespace weft::nd
