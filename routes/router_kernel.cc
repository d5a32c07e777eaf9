// SPDX-License-Identifier: Apache-2.0
// Router, as far as it listens to the kernel.
#include <linux/rtnetlink.h>

#include <algorithm>
#include <utility>

#include "routes/own_routes.h"
#include "routes/router.h"

namespace weft {

namespace {

uint8_t family_of(KernelTable table) { return table == KernelTable::kRoutes4 ? 4 : 6; }

bool of_kernel(const Candidate& c) {
  return c.source == RouteSource::kKernel || c.source == RouteSource::kKernelLocal;
}

}  // namespace

void Router::dump_begins(KernelTable table) {
  switch (table) {
    case KernelTable::kLinks:
      return;
    case KernelTable::kAddresses:
      kernel_addresses_said_.clear();
      return;
    case KernelTable::kNeighbours:
      kernel_neighbours_said_.clear();
      return;
    case KernelTable::kRoutes4:
    case KernelTable::kRoutes6:
      table_.next_generation(family_of(table));
      return;
  }
}

void Router::dump_ends(KernelTable table) {
  switch (table) {
    case KernelTable::kLinks:
      return;
    case KernelTable::kAddresses:
      if (kernel_addresses_ != kernel_addresses_said_) {
        kernel_addresses_ = kernel_addresses_said_;
        addresses_changed_ = true;
      }
      return;
    case KernelTable::kNeighbours:
      for (const NeighbourKey& who : neighbours_.of_kernel()) {
        if (!kernel_neighbours_said_.contains(who)) neighbours_.kernel_forgot(who, clock_.now_ns());
      }
      return;
    case KernelTable::kRoutes4:
    case KernelTable::kRoutes6: {
      const uint8_t now = table_.generation(family_of(table));
      // Generations wrap around; none lives long enough to be half the circle behind.
      table_.sweep(family_of(table),
                   [now](const Candidate& c) { return of_kernel(c) && int8_t(now - c.generation) > 0; });
      return;
    }
  }
}

void Router::link_said(const LinkMessage& link) {
  const bool up = link.up && !link.gone;
  if (up != links_up_.contains(link.ifindex)) {
    // The kernel removes IPv4 routes of a link that goes down, and revives next hops
    // when it comes back, without a word about either.
    if (up) {
      links_up_.insert(link.ifindex);
    } else {
      links_up_.erase(link.ifindex);
      table_.sweep(4, [ifindex = link.ifindex](const Candidate& c) {
        return c.source == RouteSource::kKernel && c.ifindex == ifindex;
      });
    }
    kernel_->resync(KernelTable::kRoutes4);
  }
  if (link.gone) return link_gone(port_on(link.ifindex));
  if (port_on(link.ifindex) == Packet::kNoPort && !link_is_back(link)) return;
  const auto it = ports_.find(port_on(link.ifindex));
  if (it == ports_.end() || link.mtu == 0) return;
  PortState& state = it->second;
  const bool new_mac = state.kernel && link.mac != state.mac && link.mac != MacAddress{};
  if (!new_mac && link.mtu == state.mtu) return;
  if (new_mac) {
    state.mac = link.mac;
    refresh(it->first);
  }
  state.mtu = link.mtu;
  table_.rewrite_port(it->first);
}

// What was known of it goes with the next hearing of the kernel.
void Router::link_gone(uint16_t number) {
  const auto it = ports_.find(number);
  if (it == ports_.end() || !it->second.kernel) return;
  PortState& state = it->second;
  by_ifindex_.erase(std::exchange(state.ifindex, 0));
  logger_.warn("partner {}: interface {} is gone; one that is made with that name will be taken", state.name,
               state.device);
  kernel_->resync_all();
}

// An interface that is made again has another number.
bool Router::link_is_back(const LinkMessage& link) {
  const auto it = std::ranges::find_if(
      ports_, [&](const auto& entry) { return entry.second.kernel && entry.second.device == link.name; });
  if (it == ports_.end()) return false;
  PortState& state = it->second;
  const auto found = refresh(it->first);
  if (!found || found->ifindex != link.ifindex) return false;
  by_ifindex_.erase(state.ifindex);
  by_ifindex_[link.ifindex] = it->first;
  state.ifindex = link.ifindex;
  logger_.info("partner {}: interface {} is there again", state.name, state.device);
  kernel_->resync_all();
  return true;
}

// What the port's device is now; nothing when it cannot be told, and the log says why.
std::optional<PartnerInfo> Router::refresh(uint16_t number) {
  if (!options_.refresh_port) return std::nullopt;
  auto found = options_.refresh_port(number);
  if (found) return *std::move(found);
  logger_.warn("partner {}: {}", ports_.at(number).name, found.error().sentence);
  return std::nullopt;
}

void Router::address_said(const AddressMessage& address) {
  const uint16_t number = port_on(address.ifindex);
  const PortState* state = port(number);
  if (state == nullptr || !state->kernel) return;
  const OwnAddress a{
      uint8_t(address.scope != RT_SCOPE_UNIVERSE), number, {address.family, address.length, address.address}};
  const bool there = !address.gone && address.usable;
  if (there) {
    kernel_addresses_said_.insert(a);
    addresses_changed_ |= kernel_addresses_.insert(a).second;
  } else {
    kernel_addresses_said_.erase(a);
    addresses_changed_ |= kernel_addresses_.erase(a) != 0;
  }
}

bool Router::hop_of(const RouteMessage& route, const RouteMessage::Hop& hop, Route& to) const {
  const uint16_t number = port_on(hop.ifindex);
  const PortState* out = port(number);
  // On the node's own links the kernel is a host at the other end: its view is not ours.
  if (out != nullptr && !out->kernel) return false;
  to.ifindex = hop.ifindex;
  switch (route.type) {
    case RouteMessage::kUnicast:
      if (out == nullptr) return true;  // no route, for it leads out of no port
      to.hop.kind = NextHop::kForward;
      to.hop.port = number;
      to.hop.via_family = hop.via_family;
      to.hop.via = hop.via;
      to.hop.mtu = route.mtu;
      return true;
    case RouteMessage::kForKernel:
      to.hop.kind = NextHop::kKernel;
      return true;
    case RouteMessage::kBlackhole:
      to.hop.kind = NextHop::kBlackhole;
      return true;
    case RouteMessage::kUnreachable:
      to.hop.kind = NextHop::kUnreachable;
      return true;
    case RouteMessage::kProhibit:
      to.hop.kind = NextHop::kProhibit;
      return true;
    case RouteMessage::kNone:
      return true;
  }
  return false;
}

void Router::route_said(const RouteMessage& route, bool dumped) {
  const uint8_t family = route.prefix.family;
  if (route.type == RouteMessage::kUnicast && is_link_local(family, route.prefix.address)) return;
  const RouteSource source = route.local ? RouteSource::kKernelLocal : RouteSource::kKernel;
  said_.clear();
  const auto say = [&](const RouteMessage::Hop& hop) {
    Route r{route.prefix, {NextHop::kNoRoute, family}, route.metric, 0, source};
    if (hop_of(route, hop, r)) said_.push_back(r);
  };
  for (const RouteMessage::Hop& hop : route.hops) say(hop);
  if (route.type != RouteMessage::kUnicast && route.type != RouteMessage::kForKernel) say({});
  if (route.gone) {
    for (const Route& r : said_) table_.remove(r);
    return;
  }
  // IPv4 has one route for a prefix and metric, unless more are appended; a dump says
  // those too, and they carry its generation.  IPv6 has one for each interface.
  const uint8_t now = table_.generation(family);
  const bool one = route.replaces || (dumped && family == 4);
  const Rib<4>::Predicate gone = [&](const Candidate& c) {
    return c.source == source && c.metric == route.metric && (!dumped || c.generation != now);
  };
  if (!said_.empty()) {
    table_.add(said_, one ? gone : Rib<4>::Predicate());
  } else if (one) {
    table_.remove(route.prefix, gone);
  }
}

void Router::neighbour_said(const NeighbourMessage& neighbour) {
  const uint16_t number = port_on(neighbour.ifindex);
  const PortState* state = port(number);
  if (state == nullptr || !state->kernel || state->raw) return;
  if (!can_be_own(neighbour.family, neighbour.address)) return;
  const NeighbourKey who{number, neighbour.family, neighbour.address};
  const uint64_t now = clock_.now_ns();
  if (neighbour.state != NeighbourMessage::kGone) kernel_neighbours_said_.insert(who);
  switch (neighbour.state) {
    case NeighbourMessage::kGone:
      neighbours_.kernel_forgot(who, now);
      return;
    case NeighbourMessage::kIncomplete:
      neighbours_.kernel_incomplete(who, now);
      return;
    case NeighbourMessage::kFailed:
      neighbours_.kernel_failed(who, now);
      return;
    case NeighbourMessage::kStale:
      neighbours_.kernel_usable(who, neighbour.mac, true, now);
      return;
    case NeighbourMessage::kConfirmed:
      neighbours_.kernel_usable(who, neighbour.mac, false, now);
      return;
  }
}

}  // namespace weft
