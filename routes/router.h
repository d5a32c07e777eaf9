// SPDX-License-Identifier: Apache-2.0
// Router: everything about routes and neighbours that the control thread does.
//
// On ports whose addresses the kernel owns (af_packet), routes, addresses and
// neighbours are the kernel's and are followed live: `ip route`, BIRD or FRR steer the
// node.  The kernel sees the same packets and answers those that are for it, so next
// hops of kind kKernel leave them alone; the node still speaks from those addresses
// when it sends ICMP errors.  A kernel that forwards too would do so twice: see
// kernel_forwarding.h.
//
// On ports of the node's own (tap, overlay), addresses and static routes come from the
// configuration, and the node resolves neighbours itself through a LinkAsker.
//
// Of several next hops of one route the first is used.  A kernel's route through an
// interface that is no port is a route to nowhere.  The kernel's link-local prefixes
// are not followed: they say nothing about forwarding.
//
// Threads: the control thread, which watches fd().  What is written to the Fib, the
//   IpNode and Neighbours is written on the worker between rounds, 256 routes at a
//   time at most.
// Errors: each is one sentence; problems that come later go to the Logger.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "modules/host.h"
#include "modules/neighbours.h"
#include "paths/port.h"
#include "routes/kernel.h"
#include "routes/neighbour_table.h"
#include "routes/route_table.h"

namespace weft {

struct RouterOptions {
  // Called when a kernel's interface that a port is on has another link address, or is another
  // of the same name: has the rest of the node look at it, and returns what it is.
  std::function<Result<PartnerInfo>(uint16_t port)> refresh_port = {};
  bool follow_kernel = true;              // on ports whose addresses the kernel owns
  size_t kernel_buffer_bytes = 16 << 20;  // for changes that wait to be read
};

// A route from the configuration.
struct StaticRoute {
  Prefix prefix;
  NextHop::Kind kind = NextHop::kForward;  // or kBlackhole, kUnreachable, kProhibit
  uint8_t via_family = 0;                  // of `via`; 0: the prefix is on the link of `port`
  Address via{};
  uint16_t port = Packet::kNoPort;  // kNoPort: the port of the node's own whose prefix holds `via`
  uint32_t metric = 0;
  friend bool operator==(const StaticRoute&, const StaticRoute&) = default;
};

struct RouteView {
  Prefix prefix;
  RouteSource source;
  uint32_t metric;
  HopKey hop;
  bool resolved;   // kForward: the link header is known
  bool installed;  // it is the one that forwards
};

struct RouterCounts {
  size_t routes4, routes6;   // prefixes known
  size_t not_installed;      // of these, for want of room
  size_t next_hops;          // in use
  size_t next_hops_wanting;  // known, but without an index
  size_t neighbours;
  KernelStats kernel;
};

class Router final : private KernelListener, private NeighbourListener, private LinkAsker, private HopBook {
 public:
  // What is given outlives it.
  Router(Worker& worker, Clock& clock, Fib& fib, IpNode& node, Neighbours& neighbours, LinkAsker& asker,
         Logger& logger, RouterOptions options = {});
  ~Router() override;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // --- configuration -------------------------------------------------------

  // From the first port whose addresses the kernel owns, the kernel is followed.
  // Errors: kIo, kPermission: the kernel is not to be reached.
  Result<void> add_port(const Port& port);

  // An address of the node's own on a port where the kernel does not own the addresses:
  // `prefix.address` is the whole address, `prefix.length` that of the link's prefix.
  // Errors: kInvalid (the port's addresses are the kernel's; not an address that a node
  // can have), kNotFound (no such port), kExists.
  Result<void> add_address(uint16_t port, const Prefix& prefix);
  Result<void> remove_address(uint16_t port, const Prefix& prefix);

  // Errors: kInvalid, kNotFound (no such port; no port's prefix holds `via`), kExists.
  Result<void> add_route(const StaticRoute& route);
  Result<void> remove_route(const StaticRoute& route);

  // --- the control loop ----------------------------------------------------

  // Readable when service() has something to do.
  int fd() const { return epoll_.get(); }
  // Does what is to be done, in pieces of a few milliseconds.
  void service();
  // When to call service() though fd() is not readable; UINT64_MAX: never.
  uint64_t next_due_ns() const;
  // Everything that is known has reached the worker, and the kernel was heard out.
  bool settled() const;

  // --- views ---------------------------------------------------------------

  // At most `limit` routes of a family, and whether there were more.
  std::vector<RouteView> routes(uint8_t family, size_t limit) const;
  // The route that a packet to `address` takes; empty when there is none.
  std::vector<RouteView> route_to(uint8_t family, const Address& address) const;
  std::vector<NeighbourTable::View> neighbours() const { return neighbours_.view(); }
  RouterCounts counts() const;

 private:
  struct PortState {
    std::string name, device;
    bool raw;
    bool kernel;  // its addresses, routes and neighbours are the kernel's
    int ifindex;  // 0: the interface is gone
    MacAddress mac;
    uint32_t mtu;
  };
  // An address of the node, on the port that speaks from it.
  struct OwnAddress {
    uint8_t scope;  // global ones first: errors are sent from them
    uint16_t port;
    Prefix prefix;  // with the whole address
    friend auto operator<=>(const OwnAddress&, const OwnAddress&) = default;
  };

  void link_said(const LinkMessage& link) override;
  void link_gone(uint16_t port);
  bool link_is_back(const LinkMessage& link);
  std::optional<PartnerInfo> refresh(uint16_t number);
  void address_said(const AddressMessage& address) override;
  void route_said(const RouteMessage& route, bool dumped) override;
  void neighbour_said(const NeighbourMessage& neighbour) override;
  void dump_begins(KernelTable table) override;
  void dump_ends(KernelTable table) override;

  void neighbour_up(const NeighbourKey& who, const MacAddress& mac) override;
  void neighbour_gone(const NeighbourKey& who) override;
  void neighbour_failed(const NeighbourKey& who) override;

  void ask(uint16_t port, uint8_t family, const Address& target, unsigned attempt,
           const MacAddress* known) override;

  NextHop describe(const HopKey& key) const override;
  void gateway_used(const NeighbourKey& who) override { neighbours_.keep(who, clock_.now_ns()); }
  void gateway_unused(const NeighbourKey& who) override { neighbours_.release(who); }

  Result<void> follow_kernel();
  const PortState* port(uint16_t number) const;
  // The port on a kernel's interface; kNoPort when there is none.
  uint16_t port_on(int ifindex) const;
  bool is_own(uint16_t port, uint8_t family, const Address& address) const;
  void take_events();
  void on_event(const NeighbourEvent& event);
  // The hop of a kernel's route; false when the node should not know of it.
  bool hop_of(const RouteMessage& route, const RouteMessage::Hop& hop, Route& to) const;
  Result<Route> resolve(const StaticRoute& route) const;
  void update_own_routes();
  void publish_addresses();
  void watch_kernel(bool wanted);
  RouteView view(const Prefix& prefix, const Candidate& candidate, bool installed) const;

  Clock& clock_;
  IpNode& node_;
  Neighbours& waiting_;
  LinkAsker& asker_;
  Logger& logger_;
  RouterOptions options_;
  OwnedFd epoll_;

  std::map<uint16_t, PortState> ports_;
  std::map<int, uint16_t> by_ifindex_;
  std::set<OwnAddress> own_;  // configured
  std::set<OwnAddress> kernel_addresses_, kernel_addresses_said_;
  std::set<NeighbourKey> kernel_neighbours_said_;
  std::set<int> links_up_;         // by ifindex
  std::vector<Route> own_routes_;  // what follows from own_ and kernel_addresses_
  std::vector<std::pair<StaticRoute, Route>> static_;
  bool addresses_changed_ = false;

  NeighbourTable neighbours_;
  RouteTable table_;
  std::unique_ptr<Kernel> kernel_;
  bool kernel_watched_ = false;
  std::vector<Route> said_;  // reused
};

}  // namespace weft
