// SPDX-License-Identifier: Apache-2.0
// IpLocal: the ip stage of a path that ends at this node: takes what is addressed to
// it, and sends what it says.  (RFC 1122 section 3; RFC 1812 sections 4.2 and 5.2.3.)
//
// On the path "PORT/ip" it also sees the packets that are for others but lead nowhere,
// since no cut-through path took them, and answers for the routing table.
//
// Threads: the path's worker.
#pragma once

#include "modules/ip_stage.h"
#include "paths/port.h"

namespace weft {

// What the attributes of a path say of the packets that it sends.  Addresses in host
// order; 0: not said.
struct IpEnds {
  uint32_t ours = 0;
  uint32_t theirs = 0;
  uint8_t protocol = 255;  // RFC 3692: reserved, so nothing
  uint8_t ttl = 64;
  uint8_t tos = 0;
  bool any_destination = false;  // takes packets whoever they are addressed to
};

class IpLocal final : public IpStage {
 public:
  IpLocal(IpNode& node, Host& host, const Port& device, Dir up, const IpEnds& ends)
      : IpStage(node, host), device_(device), up_(up), ends_(ends) {}

  void deliver(Dir dir, Pvec& v) override;

 private:
  void receive(PacketPtr p, Pvec& out);
  // Whether the node is, or is among, those that the packet is for.
  bool for_this_node(const Packet& p) const;
  // Takes the header off.
  void deliver_up(PacketPtr p, Pvec& out);

  void send(PacketPtr p, Pvec& out);
  // Puts an IP header in front.  False when the packet was lost.
  bool put_header(PacketPtr& p);
  // The packet claims to have a header.
  static bool header_true(const Packet& p);

  Dir down() const { return up_ == Dir::kForward ? Dir::kBackward : Dir::kForward; }

  const Port& device_;
  Dir up_;
  IpEnds ends_;
};

}  // namespace weft
