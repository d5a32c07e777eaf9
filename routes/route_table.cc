// SPDX-License-Identifier: Apache-2.0
#include "routes/route_table.h"

#include <algorithm>

namespace weft {

namespace {

constexpr uint64_t kRetryNs = 30'000'000'000;

template <size_t kBytes>
std::array<uint8_t, kBytes> key_of(const Address& address) {
  std::array<uint8_t, kBytes> key;
  std::copy_n(address.begin(), kBytes, key.begin());
  return key;
}

template <size_t kBytes>
Prefix prefix_of(const std::array<uint8_t, kBytes>& key, unsigned length) {
  Prefix prefix{kBytes == 4 ? uint8_t(4) : uint8_t(6), uint8_t(length), {}};
  std::copy(key.begin(), key.end(), prefix.address.begin());
  return prefix;
}

bool has_gateway(const HopKey& key) {
  return key.kind == NextHop::kForward && key.via_family != 0 && !key.host;
}
NeighbourKey gateway(const HopKey& key) { return {key.port, key.via_family, key.via}; }

HopKey host_hop(const NeighbourKey& who) {
  return {NextHop::kForward, who.family, who.family, who.port, true, 0, who.address};
}

}  // namespace

RouteTable::RouteTable(Worker& worker, Clock& clock, Fib& fib, Logger& logger, HopBook& book)
    : clock_(clock), logger_(logger), book_(book), writer_(worker, fib) {}

// --- next hops ---------------------------------------------------------------

HopId RouteTable::acquire(const HopKey& key) {
  const auto [id, first, indexed] = hops_.acquire(key);
  if (first && has_gateway(key)) {
    through_[gateway(key)].push_back(key);
    book_.gateway_used(gateway(key));
  }
  if (indexed) write(key, hops_.index(id));
  if (hops_.index(id) == 0 && !std::exchange(said_full_, true)) {
    logger_.error("more than {} different next hops: further routes are known but not installed",
                  NextHops::kCapacity - 1);
  }
  return id;
}

void RouteTable::write(const HopKey& key, uint16_t index) {
  writer_.run([index, hop = book_.describe(key)](Fib& fib) { fib.next_hops.set(index, hop); });
}

void RouteTable::retire() {
  for (const auto& [key, index] : hops_.take_retiring()) {
    if (has_gateway(key)) {
      const auto it = through_.find(gateway(key));
      it->second.erase(std::find(it->second.begin(), it->second.end(), key));
      if (it->second.empty()) through_.erase(it);
      book_.gateway_unused(gateway(key));
    }
    if (index != 0) {
      writer_.then([this, index = index] { hops_.retired(index, clock_.now_ns()); });
    }
  }
}

void RouteTable::give_indices() {
  const std::vector<HopId> given = hops_.assign(clock_.now_ns());
  for (const HopId id : given) write(hops_.key(id), hops_.index(id));
  if (hops_.without_index() == 0) said_full_ = false;
  if (given.empty()) return;
  sweep(4, {});
  sweep(6, {});
}

void RouteTable::rewrite_port(uint16_t port) {
  hops_.for_each([&](const HopKey& key, uint16_t index) {
    if (key.kind == NextHop::kForward && key.port == port) write(key, index);
  });
}

// --- routes ------------------------------------------------------------------

template <size_t kBytes>
void RouteTable::add_to(Rib<kBytes>& rib, std::span<const Route> routes, const Rib<4>::Predicate& gone) {
  std::vector<Candidate> candidates;
  candidates.reserve(routes.size());
  for (const Route& r : routes) {
    candidates.push_back({acquire(r.hop), r.metric, r.ifindex, r.source, generation(r.prefix.family)});
  }
  const Prefix& prefix = routes.front().prefix;
  const auto key = key_of<kBytes>(prefix.address);
  const auto others_gone = [&](const Candidate& c) {
    return gone(c) &&
           std::none_of(candidates.begin(), candidates.end(), [&](const Candidate& n) { return n.same(c); });
  };
  // All but the first join first: none of them is thrown out and let in again.
  tell(gone ? rib.replace(key, prefix.length, candidates[0], others_gone)
            : rib.add(key, prefix.length, candidates[0]));
  for (size_t i = 1; i < candidates.size(); ++i) tell(rib.add(key, prefix.length, candidates[i]));
}

void RouteTable::add(std::span<const Route> routes, const Rib<4>::Predicate& gone) {
  if (routes.front().prefix.family == 4) {
    add_to(rib4_, routes, gone);
  } else {
    add_to(rib6_, routes, gone);
  }
}

void RouteTable::remove(const Route& route) {
  const Candidate it{hops_.find(route.hop), route.metric, route.ifindex, route.source, 0};
  if (it.hop == kNoHop) return;
  remove(route.prefix, [&](const Candidate& c) { return c.same(it); });
}

void RouteTable::remove(const Prefix& prefix, const Rib<4>::Predicate& gone) {
  if (prefix.family == 4) {
    tell(rib4_.remove(key_of<4>(prefix.address), prefix.length, gone));
  } else {
    tell(rib6_.remove(prefix.address, prefix.length, gone));
  }
}

template <size_t kBytes>
void RouteTable::tell(const std::optional<RibChange<kBytes>>& change) {
  if (!change) return;
  const Prefix prefix = prefix_of<kBytes>(change->prefix, change->length);
  writer_.route({prefix, change->cover_length, change->value, change->cover_value});
  if (change->length < Rib<kBytes>::kBits) reconsider(prefix);
}

// --- host routes of neighbours -----------------------------------------------

bool RouteTable::on_link(uint16_t port, uint8_t family, const Address& address) const {
  const Candidate* best = family == 4 ? rib4_.longest(key_of<4>(address), Rib<4>::kBits - 1).best
                                      : rib6_.longest(address, Rib<16>::kBits - 1).best;
  if (best == nullptr) return false;
  const HopKey& hop = hops_.key(best->hop);
  return hop.kind == NextHop::kForward && hop.via_family == 0 && hop.port == port;
}

void RouteTable::reconsider(const Prefix& prefix) {
  auto& up = up_[prefix.family == 6];
  if (up.empty()) return;
  const Address last = last_of(prefix.address, prefix.length, bits(prefix.family));
  for (auto it = up.lower_bound({prefix.address, 0}); it != up.end() && it->first.first <= last; ++it) {
    reconsider(prefix.family, it->first);
  }
}

void RouteTable::reconsider(uint8_t family, const Place& place) {
  bool& has_route = up_[family == 6].at(place);
  const auto& [address, port] = place;
  const bool wanted = on_link(port, family, address);
  if (wanted == has_route) return;
  has_route = wanted;
  const Route route{
      {family, bits(family), address}, host_hop({port, family, address}), 0, port, RouteSource::kNeighbour};
  if (wanted) {
    add(route);
  } else {
    remove(route);
  }
}

uint16_t RouteTable::neighbour_up(const NeighbourKey& who) {
  if (const auto it = through_.find(who); it != through_.end()) {
    for (const HopKey& key : it->second) {
      if (const uint16_t index = hops_.index(hops_.find(key)); index != 0) write(key, index);
    }
  }
  const HopKey key = host_hop(who);
  const bool known = hops_.find(key) != kNoHop;
  const HopId id = acquire(key);
  if (known && hops_.index(id) != 0) write(key, hops_.index(id));
  const Place place{who.address, who.port};
  up_[who.family == 6].try_emplace(place, false);
  reconsider(who.family, place);
  const uint16_t index = hops_.index(id);
  hops_.release(id);
  return index;
}

void RouteTable::neighbour_gone(const NeighbourKey& who) {
  auto& up = up_[who.family == 6];
  const auto place = up.find({who.address, who.port});
  if (place != up.end()) {
    if (place->second) {
      remove(
          {{who.family, bits(who.family), who.address}, host_hop(who), 0, who.port, RouteSource::kNeighbour});
    }
    up.erase(place);
  }
  const auto it = through_.find(who);
  if (it == through_.end()) return;
  for (const HopKey& key : it->second) {
    if (const uint16_t index = hops_.index(hops_.find(key)); index != 0) write(key, index);
  }
}

// --- in pieces ---------------------------------------------------------------

void RouteTable::sweep(uint8_t family, Rib<4>::Predicate gone) {
  sweeps_.push_back({family, std::move(gone), {}, {}});
}

template <size_t kBytes>
bool RouteTable::sweep_some(Rib<kBytes>& rib, typename Rib<kBytes>::Cursor& cursor,
                            const Rib<4>::Predicate& gone) {
  std::vector<RibChange<kBytes>> changes;
  const bool done = rib.sweep(cursor, kSweep, gone, changes);
  for (const auto& change : changes) tell(std::optional(change));
  return done;
}

void RouteTable::service() {
  give_indices();
  if (clock_.now_ns() >= retry_ns_) {
    retry_ns_ = UINT64_MAX;
    sweep(4, {});
    sweep(6, {});
  }
  if (!sweeps_.empty() && !writer_.backlogged()) {
    Sweep& s = sweeps_.front();
    const bool done =
        s.family == 4 ? sweep_some(rib4_, s.cursor4, s.gone) : sweep_some(rib6_, s.cursor6, s.gone);
    if (done) sweeps_.pop_front();
  }
  retire();
  writer_.pump(refused_);
  note_refused();
}

void RouteTable::note_refused() {
  if (refused_.empty()) return;
  for (const Prefix& prefix : refused_) {
    if (prefix.family == 4) {
      rib4_.refused(key_of<4>(prefix.address), prefix.length);
    } else {
      rib6_.refused(prefix.address, prefix.length);
    }
  }
  if (retry_ns_ == UINT64_MAX) {
    logger_.error("the forwarding table is full: {} routes are known but not installed, {} first among them",
                  refused_.size(), to_text(refused_.front()));
    retry_ns_ = clock_.now_ns() + kRetryNs;
  }
  refused_.clear();
}

uint64_t RouteTable::next_due_ns() const {
  if (!sweeps_.empty() && !writer_.backlogged()) return 0;
  return std::min(hops_.next_due_ns(), retry_ns_);
}

RouteTable::Match RouteTable::longest(uint8_t family, const Address& address) const {
  const auto match = [&](const auto& m) -> Match {
    return {m.best, {family, uint8_t(m.length), masked(address, m.length)}};
  };
  return family == 4 ? match(rib4_.longest(key_of<4>(address))) : match(rib6_.longest(address));
}

}  // namespace weft
