// SPDX-License-Identifier: Apache-2.0
// Ip6Local: the ip6 stage of a path that ends at this node: takes what is addressed to
// it, and sends what it says.  (RFC 8200 section 4; RFC 4291 section 2.8.)
//
// On the path "PORT/ip6" it also sees the packets that are for others but lead nowhere,
// since no cut-through path took them, and answers for the routing table.
//
// Threads: the path's worker.
#pragma once

#include "modules/ip6_stage.h"
#include "modules/ip_attributes.h"
#include "modules/sort_again.h"

namespace weft {

class Ip6Local final : public Ip6Stage, private ReassemblyUser {
 public:
  Ip6Local(IpNode& node, Host& host, Reassembly& reassembly, Sorter& sorter, const Port& device, Dir up,
           const IpEnds& ends)
      : Ip6Stage(node, host),
        reassembly_(reassembly),
        sorter_(sorter),
        device_(device),
        up_(up),
        ends_(ends) {}

  void deliver(Dir dir, Pvec& v) override;
  void close() override { reassembly_.forget(*this); }
  size_t held() const override { return held_; }

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
  // Reads the extension headers from `at` on, and takes all headers off.  The packet came
  // in `frame`.
  void read_headers(PacketPtr p, Cursor at, const LinkHeader& frame, Pvec& out);
  // Moves `at` behind one extension header.  False when the packet was lost.
  bool pass_extension(PacketPtr& p, Cursor& at);
  // The same for a fragment header.  False when the packet was lost, or is one of several
  // fragments.
  bool pass_fragment(PacketPtr& p, Cursor& at, const LinkHeader& frame);
  void deliver_up(PacketPtr p, const Cursor& at, Pvec& out);

  // Adds the fragment, whose header stands at offset `at`, to its packet, which goes on
  // when it is complete.
  void put_together(PacketPtr p, uint32_t at, const LinkHeader& frame);
  // Makes the first fragment's headers those of the whole packet.  False when it was lost.
  bool complete_headers(PacketPtr& whole, uint8_t seen_ecn);
  void lost(PacketPtr fragment, bool first, DropReason reason) override;

  void send(PacketPtr p, Pvec& out);
  // Puts an IPv6 header in front.  False when the packet was lost.
  bool put_header(PacketPtr& p);
  // Writes the checksum of an ICMPv6 message behind the header that was put on; nobody
  // above knows its addresses (RFC 3542 section 3.1).  False when the pool is exhausted.
  bool complete_icmp(PacketPtr& p);
  // Sends `p`, which is larger than its link takes, in pieces.
  void fragment(PacketPtr p, Pvec& out);

  Dir down() const { return up_ == Dir::kForward ? Dir::kBackward : Dir::kForward; }

  Reassembly& reassembly_;
  Sorter& sorter_;
  const Port& device_;
  Dir up_;
  IpEnds ends_;
  size_t held_ = 0;  // fragments
};

}  // namespace weft
