// SPDX-License-Identifier: Apache-2.0
// Host: the node itself, as the partner at the far end of the paths "PORT/ip" and
// "PORT/ip6".
//
// What it is given found no more specific path: it answers with the ICMP error
// that is due (protocol or port unreachable) and lets the packet go.  What the node
// itself has to say (ICMP errors, replies) leaves through it: it looks up the route
// and pushes into the path of the port that the route names.
//
// Threads: the worker; add_path() and the addresses by closures between rounds.
#pragma once

#include <vector>

#include "base/clock.h"
#include "modules/icmp_limit.h"
#include "modules/ip_ids.h"
#include "modules/local_addresses.h"
#include "partner/partner.h"
#include "partner/pool.h"
#include "paths/fib.h"
#include "paths/path.h"

namespace weft {

// What the protocol modules know of the node.
struct IpNode {
  const Fib& fib;
  Pool& pool;
  Clock& clock;
  bool forwarding = true;         // act as a router
  LocalAddresses addresses = {};  // written between rounds
  IcmpLimit icmp_limit{};
  IpIds ids{};

  // The node's address to speak from on `port`: one of that port, else any; null
  // when it has none of that family.
  const LocalAddress* source_on(uint16_t port, uint8_t family) const;
  // The node's address to speak to `destination` from, on the port that the route
  // names: one on the link of the next hop, else as source_on().  Null when there is
  // no route, or no address.
  const LocalAddress* source_towards(const Address& destination, uint8_t family) const;
  // The next hop towards a destination: an index into fib.next_hops.
  uint32_t route(const Address& destination, uint8_t family) const;
  // Whether the kernel of this machine has the address and heard what came in at `in_port`, and
  // so answers itself.
  bool kernel_answers(uint16_t in_port, const Address& address, uint8_t family) const;
  // Whether `address` is one of the node's own.
  bool owns(const Address& address, uint8_t family) const;
  bool is_directed_broadcast(uint32_t address) const { return addresses.is_directed_broadcast(address); }
};

class Host final : public Partner {
 public:
  explicit Host(IpNode& node) : node_(node) {}

  // The path "PORT/ip" (family 4) or "PORT/ip6" (family 6) through which the node
  // speaks on that port.
  void add_path(uint16_t port, uint8_t family, Path& path);
  void remove_path(Path& path);

  // Sends packets that this node made.  Each begins at its complete IP header, but
  // for the header checksum.  Those without a route are dropped; an IPv6 link-local
  // destination needs none: it is reached by the packet's in_port.
  void send(Pvec& v);
  void send(PacketPtr p);
  // The same for what a stage of `path` made: it is counted there as made and gone.
  void send_from(Path& path, PacketPtr p);
  // Passes on what `path` let go because its route leads out of another port.
  void divert_from(Path& path, PacketPtr p);

  // Tells the sender of `about` that its next hop does not answer, if it may be told.
  // `about` begins at its IP header and did not come from this node.
  // (RFC 1812 section 5.2.7.1; RFC 4443 section 3.1 code 3.)
  void next_hop_failed(Path& path, Packet& about);

  // Packets that Host itself lost, by reason.
  const DropCounters& drops() const { return stats_.drops; }

  Result<Opening> open(std::string_view spec, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;  // packets for the node that no path took
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

 private:
  struct PortPath {
    uint16_t port;
    uint8_t family;
    Path* path;
  };

  // Answers a packet that no path took, if an answer is due, and lets it go.
  void answer_and_drop(PacketPtr p);

  IpNode& node_;
  std::vector<PortPath> paths_;
  PartnerStats stats_;
};

}  // namespace weft
