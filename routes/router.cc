// SPDX-License-Identifier: Apache-2.0
#include "routes/router.h"

#include <net/if.h>
#include <sys/epoll.h>

#include <algorithm>

#include "routes/kernel_forwarding.h"
#include "routes/own_routes.h"

namespace weft {

namespace {

constexpr int kEventsAtOnce = 1024;

void watch(int epoll, int fd, int operation, uint32_t events) {
  epoll_event event{};
  event.events = events;
  ::epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace

Router::Router(Worker& worker, Clock& clock, Fib& fib, IpNode& node, Neighbours& neighbours, LinkAsker& asker,
               Logger& logger, RouterOptions options)
    : clock_(clock),
      node_(node),
      waiting_(neighbours),
      asker_(asker),
      logger_(logger),
      options_(std::move(options)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      neighbours_(*this, *this),
      table_(worker, clock, fib, logger, *this) {
  watch(epoll_.get(), table_.writer().fd(), EPOLL_CTL_ADD, EPOLLIN);
  watch(epoll_.get(), waiting_.event_fd(), EPOLL_CTL_ADD, EPOLLIN);
}

Router::~Router() = default;

// --- configuration -----------------------------------------------------------

const Router::PortState* Router::port(uint16_t number) const {
  const auto it = ports_.find(number);
  return it == ports_.end() ? nullptr : &it->second;
}

uint16_t Router::port_on(int ifindex) const {
  const auto it = by_ifindex_.find(ifindex);
  return it == by_ifindex_.end() ? Packet::kNoPort : it->second;
}

Result<void> Router::add_port(const Port& port) {
  const PartnerInfo& info = port.info;
  const bool kernel = options_.follow_kernel && info.ifindex != 0 && !info.owns_address;
  if (kernel) {
    if (auto followed = follow_kernel(); !followed) return followed;
  }
  ports_[port.number] = {port.name, info.device, info.link == Link::kRaw, kernel, info.ifindex,
                         info.mac,  info.mtu};
  if (info.ifindex != 0) by_ifindex_[info.ifindex] = port.number;
  neighbours_.add_port(port.number, kernel);
  table_.writer().run([number = port.number, kernel](Fib& fib) {
    if (fib.heard_by_kernel.size() <= number) fib.heard_by_kernel.resize(number + 1u);
    fib.heard_by_kernel[number] = kernel;
  });
  if (kernel) {
    char name[IF_NAMESIZE] = "";
    if (::if_indextoname(unsigned(info.ifindex), name) != nullptr) {
      if (const auto conflict = forwarding_conflict(name)) logger_.warn("{}", *conflict);
    }
  }
  // What the kernel said about this interface meant nothing until now.
  if (kernel_) kernel_->resync_all();
  table_.service();
  return {};
}

Result<void> Router::follow_kernel() {
  if (kernel_) return {};
  auto opened = Kernel::open(*this, clock_, options_.kernel_buffer_bytes);
  if (!opened) return opened.error();
  kernel_ = std::move(*opened);
  watch(epoll_.get(), kernel_->fd(), EPOLL_CTL_ADD, EPOLLIN);
  kernel_watched_ = true;
  return {};
}

Result<void> Router::add_address(uint16_t number, const Prefix& prefix) {
  const std::string text = to_text(prefix);
  const PortState* state = port(number);
  if (state == nullptr) return Error{Code::kNotFound, "address " + text + ": no such port"};
  if (state->kernel) {
    return Error{Code::kInvalid, "address " + text + ": the addresses of " + state->name +
                                     " are the kernel's; set it there (ip address add)"};
  }
  if (prefix.length > bits(prefix.family) || !can_be_own(prefix.family, prefix.address)) {
    return Error{Code::kInvalid, "address " + text + ": not an address that a node can have"};
  }
  const OwnAddress address{is_link_local(prefix.family, prefix.address), number, prefix};
  if (!own_.insert(address).second) return Error{Code::kExists, "address " + text + ": set twice"};
  addresses_changed_ = true;
  publish_addresses();
  table_.service();
  return {};
}

Result<void> Router::remove_address(uint16_t number, const Prefix& prefix) {
  if (own_.erase({is_link_local(prefix.family, prefix.address), number, prefix}) == 0) {
    return Error{Code::kNotFound, "address " + to_text(prefix) + ": not set on this port"};
  }
  addresses_changed_ = true;
  publish_addresses();
  table_.service();
  return {};
}

// What two addresses have in common must outlive one of them, so all is worked out anew.
void Router::update_own_routes() {
  std::vector<Route> routes;
  for (const OwnAddress& a : own_) append_own_routes(a.port, a.prefix, node_.forwarding, routes);
  for (const OwnAddress& a : kernel_addresses_) {
    append_shared_routes(a.prefix, NextHop::kKernel, node_.forwarding, routes);
  }
  const auto in = [](const std::vector<Route>& all, const Route& r) {
    return std::find(all.begin(), all.end(), r) != all.end();
  };
  for (const Route& r : routes) {
    if (!in(own_routes_, r)) table_.add(r);
  }
  for (const Route& r : own_routes_) {
    if (!in(routes, r)) table_.remove(r);
  }
  own_routes_ = std::move(routes);
}

void Router::publish_addresses() {
  if (!std::exchange(addresses_changed_, false)) return;
  update_own_routes();
  std::set<OwnAddress> all = own_;
  all.insert(kernel_addresses_.begin(), kernel_addresses_.end());
  std::vector<LocalAddress> addresses;
  for (const OwnAddress& a : all) {
    addresses.push_back({a.prefix.family, a.port, a.prefix.address, a.prefix.length});
  }
  table_.writer().run(
      [&node = node_, addresses = std::move(addresses)](Fib&) { node.addresses.set(addresses); });
}

Result<Route> Router::resolve(const StaticRoute& route) const {
  const std::string text = "route " + to_text(route.prefix);
  if (route.prefix.length > bits(route.prefix.family))
    return Error{Code::kInvalid, text + ": prefix too long"};
  Route r{route.prefix, {route.kind, route.prefix.family}, route.metric, 0, RouteSource::kStatic};
  r.prefix.address = masked(route.prefix.address, route.prefix.length);
  if (route.kind == NextHop::kBlackhole || route.kind == NextHop::kUnreachable ||
      route.kind == NextHop::kProhibit) {
    return r;
  }
  if (route.kind != NextHop::kForward) return Error{Code::kInvalid, text + ": not a kind of route"};
  r.hop.port = route.port;
  r.hop.via_family = route.via_family;
  r.hop.via = route.via;
  if (route.port != Packet::kNoPort) {
    if (port(route.port) == nullptr) return Error{Code::kNotFound, text + ": no such port"};
  } else {
    if (route.via_family == 0) return Error{Code::kInvalid, text + ": neither a gateway nor a port is named"};
    const auto it = std::find_if(own_.begin(), own_.end(), [&](const OwnAddress& a) {
      return a.prefix.family == route.via_family &&
             masked(a.prefix.address, a.prefix.length) == masked(route.via, a.prefix.length);
    });
    if (it == own_.end()) {
      return Error{Code::kNotFound, text + ": the gateway " + to_text(route.via_family, route.via) +
                                        " is on the link of no port; name the port"};
    }
    r.hop.port = it->port;
  }
  if (route.via_family != 0 &&
      (is_own(r.hop.port, route.via_family, route.via) || !can_be_own(route.via_family, route.via))) {
    return Error{Code::kInvalid, text + ": " + to_text(route.via_family, route.via) + " cannot be a gateway"};
  }
  r.ifindex = r.hop.port;
  return r;
}

Result<void> Router::add_route(const StaticRoute& route) {
  auto resolved = resolve(route);
  if (!resolved) return resolved.error();
  if (std::any_of(static_.begin(), static_.end(), [&](const auto& s) { return s.second == *resolved; })) {
    return Error{Code::kExists, "route " + to_text(route.prefix) + ": set twice"};
  }
  static_.emplace_back(route, *resolved);
  table_.add(*resolved);
  table_.service();
  return {};
}

Result<void> Router::remove_route(const StaticRoute& route) {
  const auto it =
      std::find_if(static_.begin(), static_.end(), [&](const auto& s) { return s.first == route; });
  if (it == static_.end()) return Error{Code::kNotFound, "route " + to_text(route.prefix) + ": not set"};
  table_.remove(it->second);
  static_.erase(it);
  table_.service();
  return {};
}

// --- the control loop --------------------------------------------------------

void Router::service() {
  take_events();
  // The kernel keeps what the worker is not ready for.
  if (kernel_ && !table_.writer().backlogged()) kernel_->service();
  neighbours_.on_timer(clock_.now_ns());
  publish_addresses();
  table_.service();
  if (kernel_) watch_kernel(!table_.writer().backlogged());
}

void Router::watch_kernel(bool wanted) {
  if (wanted == kernel_watched_) return;
  kernel_watched_ = wanted;
  watch(epoll_.get(), kernel_->fd(), EPOLL_CTL_MOD, wanted ? uint32_t(EPOLLIN) : 0u);
}

uint64_t Router::next_due_ns() const {
  uint64_t due = std::min(neighbours_.next_due_ns(), table_.next_due_ns());
  if (kernel_ && kernel_watched_) due = std::min(due, kernel_->next_due_ns());
  return due;
}

bool Router::settled() const { return (!kernel_ || kernel_->settled()) && table_.idle(); }

// --- neighbours --------------------------------------------------------------

bool Router::is_own(uint16_t number, uint8_t family, const Address& address) const {
  const auto is = [&](const OwnAddress& a) {
    return a.port == number && a.prefix.family == family && a.prefix.address == address;
  };
  return std::any_of(own_.begin(), own_.end(), is);
}

void Router::take_events() {
  NeighbourEvent event;
  for (int n = 0; n < kEventsAtOnce && waiting_.take_event(event); ++n) on_event(event);
}

void Router::on_event(const NeighbourEvent& event) {
  const NeighbourKey who{event.port, event.family, event.address};
  const PortState* state = port(event.port);
  if (state == nullptr) return;
  if (event.kind == NeighbourEvent::kWanted) {
    neighbours_.wanted(who, clock_.now_ns());
    return;
  }
  if (state->kernel) return;  // the kernel heard it too
  const MacAddress* mac = event.mac == MacAddress{} ? neighbours_.mac(who) : &event.mac;
  if (mac == nullptr || ((*mac)[0] & 1) != 0 || !can_be_own(event.family, event.address) ||
      is_own(event.port, event.family, event.address)) {
    return;
  }
  const bool may_add =
      is_link_local(event.family, event.address) || table_.on_link(event.port, event.family, event.address);
  neighbours_.heard(who, *mac, event.solicited, may_add, clock_.now_ns(), event.overrides);
}

void Router::ask(uint16_t number, uint8_t family, const Address& target, unsigned attempt,
                 const MacAddress* known) {
  const PortState* state = port(number);
  if (state->kernel) {
    kernel_->use_neighbour(state->ifindex, family, target);
  } else if (!state->raw) {
    asker_.ask(number, family, target, attempt, known);
  }
}

void Router::neighbour_up(const NeighbourKey& who, const MacAddress&) {
  const uint16_t index = table_.neighbour_up(who);
  table_.writer().run([&waiting = waiting_, who, index](Fib&) {
    if (index != 0) {
      waiting.resolved(who.port, who.family, who.address, index);
    } else {
      waiting.failed(who.port, who.family, who.address);
    }
  });
}

void Router::neighbour_gone(const NeighbourKey& who) { table_.neighbour_gone(who); }

void Router::neighbour_failed(const NeighbourKey& who) {
  table_.neighbour_gone(who);
  table_.writer().run(
      [&waiting = waiting_, who](Fib&) { waiting.failed(who.port, who.family, who.address); });
}

NextHop Router::describe(const HopKey& key) const {
  NextHop hop;
  hop.kind = key.kind;
  const PortState* out = key.kind == NextHop::kForward ? port(key.port) : nullptr;
  if (out == nullptr) return hop;
  hop.out_port = key.port;
  hop.mtu = key.mtu == 0 ? out->mtu : std::min(key.mtu, out->mtu);
  hop.has_gateway = key.via_family != 0;
  hop.gateway = key.via;
  if (out->raw) return hop;
  const MacAddress* mac =
      key.via_family == 0 ? nullptr : neighbours_.mac({key.port, key.via_family, key.via});
  if (mac == nullptr) {
    // A gateway of the other family cannot be asked for on the data path; it is asked
    // for as soon as a route names it.
    const bool other = key.via_family != 0 && key.via_family != key.family;
    hop.kind = other ? NextHop::kUnreachable : NextHop::kResolve;
    return hop;
  }
  hop.link_length = 14;
  std::copy(mac->begin(), mac->end(), hop.header);
  std::copy(out->mac.begin(), out->mac.end(), hop.header + 6);
  const uint16_t type = key.family == 4 ? 0x0800 : 0x86dd;
  hop.header[12] = uint8_t(type >> 8);
  hop.header[13] = uint8_t(type);
  return hop;
}

// --- views -------------------------------------------------------------------

RouteView Router::view(const Prefix& prefix, const Candidate& candidate, bool installed) const {
  const HopKey& key = table_.hops().key(candidate.hop);
  return {prefix,   candidate.source, candidate.metric, key, describe(key).kind == NextHop::kForward,
          installed};
}

std::vector<RouteView> Router::routes(uint8_t family, size_t limit) const {
  std::vector<RouteView> all;
  table_.for_each(family, [&](const Prefix& prefix, const Candidate& candidate, bool installed) {
    if (all.size() == limit) return false;
    all.push_back(view(prefix, candidate, installed));
    return true;
  });
  return all;
}

std::vector<RouteView> Router::route_to(uint8_t family, const Address& address) const {
  const RouteTable::Match match = table_.longest(family, address);
  if (match.best == nullptr) return {};
  return {view(match.prefix, *match.best, table_.hops().index(match.best->hop) != 0)};
}

RouterCounts Router::counts() const {
  return {table_.prefixes(4),
          table_.prefixes(6),
          table_.not_installed(),
          table_.hops().in_use(),
          table_.hops().without_index(),
          neighbours_.size(),
          kernel_ ? kernel_->stats() : KernelStats{}};
}

}  // namespace weft
