// SPDX-License-Identifier: Apache-2.0
// RouteTable: the control thread's half of the Fib.  Knows all routes of both families
// and all next hops, and tells the worker what follows from them.
//
// A known neighbour on a link gets a host route of its own while the longest other
// route to it says that it is on that link; forwarding then never has to ask.
//
// Threads: the control thread.
// Invariants: a next hop is written before the first route that names it, and its index
//   is used again only after the worker has let go of the last.
#pragma once

#include <map>
#include <span>

#include "base/clock.h"
#include "base/log.h"
#include "routes/fib_writer.h"
#include "routes/neighbour_table.h"
#include "routes/rib.h"

namespace weft {

// What the table asks of the one who knows ports and neighbours.
class HopBook {
 public:
  virtual ~HopBook() = default;
  virtual NextHop describe(const HopKey& key) const = 0;
  // The first route through this gateway; the last one went.
  virtual void gateway_used(const NeighbourKey& who) = 0;
  virtual void gateway_unused(const NeighbourKey& who) = 0;
};

// One route, as its source says it.
struct Route {
  Prefix prefix;
  HopKey hop;
  uint32_t metric = 0;
  int32_t ifindex = 0;  // tells apart what is otherwise equal
  RouteSource source = RouteSource::kKernel;
  friend bool operator==(const Route&, const Route&) = default;
};

class RouteTable {
 public:
  // Prefixes that one call of service() looks at, at most, when it sweeps.
  static constexpr size_t kSweep = 2048;

  // What is given outlives it.
  RouteTable(Worker& worker, Clock& clock, Fib& fib, Logger& logger, HopBook& book);

  // --- routes --------------------------------------------------------------

  void add(const Route& route) { add({&route, 1}, {}); }
  // Routes to one prefix that are said together, best first; and out with what `gone`
  // says of the others, as one change.  REQUIRES: at least one
  void add(std::span<const Route> routes, const Rib<4>::Predicate& gone);
  void remove(const Route& route);
  void remove(const Prefix& prefix, const Rib<4>::Predicate& gone);
  // Takes out, piece by piece in service(), all routes of a family that `gone` says.
  void sweep(uint8_t family, Rib<4>::Predicate gone);

  // The mark that new routes of the family carry; what is said again takes the new one.
  uint8_t generation(uint8_t family) const { return generation_[family == 6]; }
  void next_generation(uint8_t family) { ++generation_[family == 6]; }

  // --- neighbours ----------------------------------------------------------

  // It is known at a link address (or at a new one): next hops through it are written
  // again, its host route is put in.  Returns the index that leads to it; 0 when there
  // was none to be had.
  uint16_t neighbour_up(const NeighbourKey& who);
  void neighbour_gone(const NeighbourKey& who);

  // MAC or MTU of a port changed.
  void rewrite_port(uint16_t port);

  // Whether the longest route to `address` says that it is on the link of `port`.
  bool on_link(uint16_t port, uint8_t family, const Address& address) const;

  // --- the worker ----------------------------------------------------------

  FibWriter& writer() { return writer_; }
  // Goes on with sweeps and posts what is to be posted.  To be called after any change.
  void service();
  bool idle() const { return writer_.idle() && sweeps_.empty(); }
  uint64_t next_due_ns() const;

  // --- views ---------------------------------------------------------------

  template <typename F>  // f(Prefix, const Candidate&, bool installed) -> go on?
  void for_each(uint8_t family, F f) const;
  struct Match {
    const Candidate* best = nullptr;
    Prefix prefix;
  };
  Match longest(uint8_t family, const Address& address) const;
  const NextHopTable& hops() const { return hops_; }
  size_t prefixes(uint8_t family) const { return family == 4 ? rib4_.prefixes() : rib6_.prefixes(); }
  size_t not_installed() const { return rib4_.not_installed() + rib6_.not_installed(); }

 private:
  struct Sweep {
    uint8_t family;
    Rib<4>::Predicate gone;
    Rib<4>::Cursor cursor4;
    Rib<16>::Cursor cursor6;
  };
  using Place = std::pair<Address, uint16_t>;  // of a neighbour: by address, then port

  HopId acquire(const HopKey& key);
  void write(const HopKey& key, uint16_t index);
  template <size_t kBytes>
  void add_to(Rib<kBytes>& rib, std::span<const Route> routes, const Rib<4>::Predicate& gone);
  template <size_t kBytes>
  void tell(const std::optional<RibChange<kBytes>>& change);
  // The host routes of neighbours in `prefix` follow from what else is known.
  void reconsider(const Prefix& prefix);
  void reconsider(uint8_t family, const Place& place);
  template <size_t kBytes>
  bool sweep_some(Rib<kBytes>& rib, typename Rib<kBytes>::Cursor& cursor, const Rib<4>::Predicate& gone);
  void retire();
  void give_indices();
  void note_refused();

  Clock& clock_;
  Logger& logger_;
  HopBook& book_;
  NextHopTable hops_;
  Rib<4> rib4_{hops_};
  Rib<16> rib6_{hops_};
  FibWriter writer_;
  uint8_t generation_[2] = {0, 0};
  std::deque<Sweep> sweeps_;
  std::map<NeighbourKey, std::vector<HopKey>> through_;  // next hops of a gateway
  std::map<Place, bool> up_[2];                          // known neighbours by family; has a host route
  std::vector<Prefix> refused_;
  uint64_t retry_ns_ = UINT64_MAX;  // when to try again what the Lpm refused
  bool said_full_ = false;
};

template <typename F>
void RouteTable::for_each(uint8_t family, F f) const {
  const auto visit = [&](const auto& key, unsigned length, const Candidate& candidate, bool installed) {
    Prefix prefix{family, uint8_t(length), {}};
    std::copy(key.begin(), key.end(), prefix.address.begin());
    return bool(f(prefix, candidate, installed));
  };
  if (family == 4) {
    rib4_.for_each(visit);
  } else {
    rib6_.for_each(visit);
  }
}

}  // namespace weft
