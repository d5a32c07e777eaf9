// SPDX-License-Identifier: Apache-2.0
// What a path text says about the IP packets of a path, of either family: read by ip
// and ip6, and by the transports on them, whose checksums cover the addresses.
//
// Threads: reading on the control thread; find_ip_addresses() on the worker.
#pragma once

#include "modules/attributes.h"
#include "modules/host.h"

namespace weft {

// The attributes of one side (ip.h and ip6.h say what they mean).
struct IpAttributes {
  uint8_t family = 4;
  std::optional<Prefix> src, dst;
  std::optional<uint32_t> protocol;
  std::optional<uint32_t> ttl, tos;  // of ip6: hop, class

  bool filters() const { return src || dst || protocol; }
};

// `context` is that of any module of a chain that has ip or ip6 in it.
// Errors: kAddressSpec, kProtocolSpec.
Result<IpAttributes> read_ip_attributes(const StageContext& context);

// What the packets that a path sends have in their header.  An address of zeros: not said.
struct IpEnds {
  uint8_t family = 4;
  Address ours{};
  Address theirs{};
  std::optional<uint8_t> protocol;
  uint8_t ttl = 64;              // or hop limit
  uint8_t tos = 0;               // or traffic class
  bool any_destination = false;  // the path takes packets whoever they are addressed to
};
Result<IpEnds> read_ip_ends(const StageContext& context);

// Zeros: not to be found out.
struct IpAddresses {
  Address source{};
  Address destination{};
  bool known() const { return source != Address{} && destination != Address{}; }
};

// The addresses for a packet that is to be sent: those of the path; else, exchanged,
// those of the header in front of it (Packet::kHeaders), if it is of the path's family;
// else the node's own.
IpAddresses find_ip_addresses(const IpNode& node, const Port& device, const IpEnds& ends, const Packet& p);

// Module::aim() of ip and ip6.  `to` may say dst, and src: an address that the path takes
// packets for.
Result<void> aim_ip(const IpNode& node, const StageContext& context, const StageContext& to, Aim& aim);

}  // namespace weft
