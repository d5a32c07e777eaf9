// SPDX-License-Identifier: Apache-2.0
// What a path text says about the IPv4 addresses of its packets: read by ip, and by
// the transports on it, whose checksums cover them.
//
// Threads: reading on the control thread; find_ip_addresses() on the worker.
#pragma once

#include "modules/attributes.h"
#include "modules/host.h"

namespace weft {

// The attributes of one side (ip.h says what they mean).
struct IpAttributes {
  std::optional<Prefix> src, dst;
  std::optional<uint32_t> protocol, ttl, tos;

  bool filters() const { return src || dst || protocol; }
};

// `context` is that of any module of the chain that has ip in it.
// Errors: kAddressSpec, kProtocolSpec.
Result<IpAttributes> read_ip_attributes(const StageContext& context);

// What the packets that a path sends have in their header.  Addresses in host order;
// 0: not said.
struct IpEnds {
  uint32_t ours = 0;
  uint32_t theirs = 0;
  uint8_t protocol = 255;  // RFC 3692: reserved, so nothing
  uint8_t ttl = 64;
  uint8_t tos = 0;
  bool any_destination = false;  // the path takes packets whoever they are addressed to
};
Result<IpEnds> read_ip_ends(const StageContext& context);

// Host order; 0: not to be found out.
struct IpAddresses {
  uint32_t source = 0;
  uint32_t destination = 0;
  bool known() const { return source != 0 && destination != 0; }
};

// The addresses for a packet that is to be sent: those of the path; else, exchanged,
// those of the header in front of it (Packet::kHeaders); else the node's own.
IpAddresses find_ip_addresses(const IpNode& node, const Port& device, const IpEnds& ends, const Packet& p);

}  // namespace weft
