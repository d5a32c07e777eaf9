// SPDX-License-Identifier: Apache-2.0
// IpLocal: the ip stage of a path that ends at this node: takes what is addressed to
// it, and sends what it says.  (RFC 1122 section 3; RFC 1812 sections 4.2 and 5.2.3.)
//
// On the path "PORT/ip" it also sees the packets that are for others but lead nowhere,
// since no cut-through path took them, and answers for the routing table.
//
// Threads: the path's worker.
#pragma once

#include "modules/ip_attributes.h"
#include "modules/ip_stage.h"
#include "modules/sort_again.h"

namespace weft {

class IpLocal final : public IpStage, private ReassemblyUser {
 public:
  IpLocal(IpNode& node, Host& host, Reassembly& reassembly, Sorter& sorter, const Port& device, Dir up,
          const IpEnds& ends)
      : IpStage(node, host),
        reassembly_(reassembly),
        sorter_(sorter),
        device_(device),
        up_(up),
        ends_(ends) {}

  void deliver(Dir dir, Pvec& v) override;
  void close() override { reassembly_.forget(*this); }
  size_t held() const override { return held_; }

 private:
  void receive(PacketPtr p, Pvec& out);
  // Whether the node is, or is among, those that the packet is for.
  bool for_this_node(const Packet& p) const;
  // Adds a fragment to its packet, which goes on when it is complete.
  void put_together(PacketPtr p, const LinkHeader& link_header);
  // Makes the first fragment's header that of the whole packet.  False when it was lost.
  bool complete_header(PacketPtr& whole, uint8_t ecn);
  void lost(PacketPtr fragment, bool first, DropReason reason) override;

  // Takes the header off.
  void deliver_up(PacketPtr p, Pvec& out);

  void send(PacketPtr p, Pvec& out);
  // Puts an IP header in front.  False when the packet was lost.
  bool put_header(PacketPtr& p);
  // The packet claims to have a header.
  static bool header_true(const Packet& p);

  Dir down() const { return up_ == Dir::kForward ? Dir::kBackward : Dir::kForward; }

  Reassembly& reassembly_;
  Sorter& sorter_;
  const Port& device_;
  Dir up_;
  IpEnds ends_;
  size_t held_ = 0;  // fragments
};

}  // namespace weft
