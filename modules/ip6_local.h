// SPDX-License-Identifier: Apache-2.0
// Ip6Local: the ip6 stage of a path that ends at this node: takes what is addressed to
// it, and sends what it says.  (RFC 8200 section 4; RFC 4291 section 2.8.)
//
// On the path "PORT/ip6" it also sees the packets that are for others but lead nowhere,
// since no cut-through path took them, and answers for the routing table.
//
// Threads: the path's worker.
#pragma once

#include <optional>

#include "modules/ip6_stage.h"
#include "paths/port.h"

namespace weft {

// What the attributes of a path say of the packets that it sends.  The unspecified
// address: not said.
struct Ip6Ends {
  Address ours{};
  Address theirs{};
  std::optional<uint8_t> protocol;
  uint8_t hop_limit = 64;
  uint8_t traffic_class = 0;
  bool any_destination = false;  // takes packets whoever they are addressed to
};

class Ip6Local final : public Ip6Stage {
 public:
  Ip6Local(IpNode& node, Host& host, const Port& device, Dir up, const Ip6Ends& ends)
      : Ip6Stage(node, host), device_(device), up_(up), ends_(ends) {}

  void deliver(Dir dir, Pvec& v) override;

 private:
  // A place in the chain of headers: what stands at `offset`, and where it is named.
  struct Cursor {
    uint8_t protocol;
    uint32_t offset;
    uint32_t named_at;
  };

  void receive(PacketPtr p, Pvec& out);
  // Whether the node is, or is among, those that the packet is for.
  bool for_this_node(const uint8_t* destination) const;
  // Whether every node, or this one for its addresses, is in that group.
  bool in_group(const uint8_t* group) const;
  // Reads the extension headers from `at` on, and takes all headers off.
  void read_headers(PacketPtr p, Cursor at, Pvec& out);
  // Moves `at` behind one extension header.  False when the packet was lost.
  bool pass_extension(PacketPtr& p, Cursor& at);
  // The same for a fragment header: of a packet that is whole, or becomes so.
  bool pass_fragment(PacketPtr& p, Cursor& at);
  void deliver_up(PacketPtr p, const Cursor& at, Pvec& out);

  void send(PacketPtr p, Pvec& out);
  // Puts an IPv6 header in front.  False when the packet was lost.
  bool put_header(PacketPtr& p);
  // Writes the checksum of an ICMPv6 message behind the header that was put on; nobody
  // above knows its addresses (RFC 3542 section 3.1).  False when the pool is exhausted.
  bool complete_icmp(PacketPtr& p);
  // Source and destination for a packet without a header of its own.
  bool choose_addresses(const Packet& p, Address& source, Address& destination) const;

  Dir down() const { return up_ == Dir::kForward ? Dir::kBackward : Dir::kForward; }

  const Port& device_;
  Dir up_;
  Ip6Ends ends_;
};

}  // namespace weft
