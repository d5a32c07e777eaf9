// SPDX-License-Identifier: Apache-2.0
// Rib: all routes of one family that the node knows of, and what the Lpm is to be
// told about them.
//
// Several routes may compete for a prefix; the best is installed, and when it goes
// the next best takes its place.  A route whose next hop has no index is known but
// not installed: the next shorter prefix then serves its packets.
//
// Threads: the control thread.
// Invariants: replaying the Changes in order on an Lpm leaves it finding, for every
//   address, the best candidate of the longest installed prefix.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "routes/next_hop_table.h"

namespace weft {

// Who said so.  Earlier is better when metrics are equal.
enum class RouteSource : uint8_t {
  kOwn,          // follows from an address of the node's own
  kKernelLocal,  // the kernel's table "local"
  kStatic,       // configured
  kKernel,       // the kernel's table "main"
  kNeighbour,    // a neighbour on the link whose link address is known
};
const char* name(RouteSource source);  // "own", "local", "static", "kernel", "neighbour"

// One route to a prefix.
struct Candidate {
  HopId hop = kNoHop;
  uint32_t metric = 0;
  int32_t ifindex = 0;  // tells apart what is otherwise equal; 0 if nothing does
  RouteSource source = RouteSource::kKernel;
  uint8_t generation = 0;  // of the last time that it was said

  // The same route, said again.
  bool same(const Candidate& o) const {
    return hop == o.hop && metric == o.metric && ifindex == o.ifindex && source == o.source;
  }
};

// What the Lpm must be told.
template <size_t kBytes>
struct RibChange {
  std::array<uint8_t, kBytes> prefix{};
  uint8_t length = 0;
  uint8_t cover_length = 0;  // erase: the next shorter installed prefix, or 0
  uint16_t value = 0;        // insert; 0: erase
  uint16_t cover_value = 0;
};

template <size_t kBytes>
class Rib {
 public:
  static constexpr unsigned kBits = kBytes * 8;
  using Key = std::array<uint8_t, kBytes>;
  using Change = RibChange<kBytes>;

  // `hops` outlives the Rib.
  explicit Rib(NextHopTable& hops) : hops_(hops) {}
  // REQUIRES: the NextHopTable is not asked afterwards; references are not given back.
  ~Rib() = default;
  Rib(const Rib&) = delete;
  Rib& operator=(const Rib&) = delete;

  // Adds a candidate; takes over one reference on its next hop.  Said again, it
  // takes the new generation.
  std::optional<Change> add(const Key& prefix, unsigned length, const Candidate& candidate);
  // Takes out what `gone` says, and gives its references back.
  using Predicate = std::function<bool(const Candidate&)>;
  std::optional<Change> remove(const Key& prefix, unsigned length, const Predicate& gone);
  // add(), and out with everything else that `gone` says, as one change.
  std::optional<Change> replace(const Key& prefix, unsigned length, const Candidate& candidate,
                                const Predicate& gone);
  // The Lpm had no room: `prefix` is known, but not installed.
  void refused(const Key& prefix, unsigned length);

  // A walk over all prefixes, in pieces; adding and removing in between is allowed.
  struct Cursor {
    unsigned length = 0;
    size_t bucket = 0;
    size_t bucket_count = 0;
  };
  // Takes out what `gone` says, tries again to install what is not installed, and
  // appends what changed to `out`.  Looks at about `budget` prefixes, goes on where
  // `cursor` stands.  Returns true when it has seen all that were there from begin
  // to end.
  bool sweep(Cursor& cursor, size_t budget, const Predicate& gone, std::vector<Change>& out);

  // The best candidate for exactly this prefix; null when there is none.
  const Candidate* find(const Key& prefix, unsigned length) const;
  struct Match {
    const Candidate* best = nullptr;  // null: nothing matches
    unsigned length = 0;
  };
  // The longest prefix of `address`, at most `max_length` bits, that is known.
  Match longest(const Key& address, unsigned max_length = kBits) const;

  // Calls f(prefix, length, candidate, installed) for every candidate, best first
  // for each prefix, shortest prefixes first, until f returns false.
  using Visitor = std::function<bool(const Key&, unsigned length, const Candidate&, bool installed)>;
  void for_each(const Visitor& f) const;

  size_t prefixes() const { return prefixes_; }
  // Prefixes whose best route could not be installed.
  size_t not_installed() const { return prefixes_ - installed_; }

 private:
  struct Entry {
    Candidate best;
    std::unique_ptr<std::vector<Candidate>> others;  // best first; null when there are none
    uint16_t installed = 0;                          // what the Lpm was told; 0: nothing
    bool empty() const { return best.hop == kNoHop; }
  };
  struct Hash {
    size_t operator()(const Key& key) const noexcept;
  };
  using Map = std::unordered_map<Key, Entry, Hash>;

  static Key mask(const Key& key, unsigned length);
  void put(Entry& entry, const Candidate& candidate);
  void take(Entry& entry, const Predicate& gone);
  // Compares what the Lpm was told with what it should be told; forgets an empty entry.
  std::optional<Change> settle(unsigned length, typename Map::iterator it);
  void fill_cover(Change& change) const;

  NextHopTable& hops_;
  std::array<Map, kBits + 1> by_length_;
  size_t prefixes_ = 0;
  size_t installed_ = 0;
};

extern template class Rib<4>;
extern template class Rib<16>;

}  // namespace weft
