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
#include "partner/partner.h"
#include "partner/pool.h"
#include "paths/fib.h"
#include "paths/path.h"

namespace weft {

// An address of the node.
struct LocalAddress {
  uint8_t family = 4;   // 4 or 6
  uint16_t port = 0;    // Port::number
  Address address{};
  uint8_t length = 32;  // of its prefix
};

// What the protocol modules know of the node.
struct IpNode {
  const Fib& fib;
  Pool& pool;
  Clock& clock;
  bool forwarding = true;               // act as a router
  std::vector<LocalAddress> addresses;  // written between rounds

  // The node's address to speak from on `port`: one of that port, else any; null
  // when it has none of that family.
  const LocalAddress* source_on(uint16_t port, uint8_t family) const;
};

class Host final : public Partner {
 public:
  explicit Host(IpNode& node) : node_(node) {}

  // The path "PORT/ip" (family 4) or "PORT/ip6" (family 6) through which the node
  // speaks on that port.
  void add_path(uint16_t port, uint8_t family, Path& path);
  void remove_path(Path& path);

  // Sends packets that this node made.  Each begins at its complete IP header, but
  // for the header checksum.  Those without a route are dropped.
  void send(Pvec& v);
  void send(PacketPtr p);

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

  IpNode& node_;
  std::vector<PortPath> paths_;
  PartnerStats stats_;
};

}  // namespace weft
