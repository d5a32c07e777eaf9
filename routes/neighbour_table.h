// SPDX-License-Identifier: Apache-2.0
// NeighbourTable: what is known of the link addresses of neighbours.
//
// On a link whose addresses the kernel owns, the kernel's table is followed and the
// kernel is asked to resolve.  On a link of the node's own, the node asks itself: a
// question each second, three times (RFC 4861 section 10; the same for ARP), a silence
// of a few seconds after a failure, and a new question before what is known grows too
// old (section 7.3): first to the neighbour that is known alone, then to everyone.  What
// is in use is asked for as long as it answers, since the forwarding path does not say
// which of its next hops it uses.
//
//   wanted        heard
//     |             |
//     v   answer    v
//  incomplete --> reachable <--> probe        (both usable)
//     |             ^ answer      | silence
//     v             |             v
//   failed        stale        failed          (none usable)
//
// Bounded on links of the node's own: kMaxOnLink addresses per port.  Addresses that
// nobody asked for are learned only as stale, and make room first, so that strangers'
// ARP neither changes forwarding nor pushes out what is used.
//
// Threads: the control thread.
#pragma once

#include <list>
#include <map>
#include <set>
#include <vector>

#include "partner/partner.h"
#include "paths/next_hop.h"

namespace weft {

struct NeighbourKey {
  uint16_t port = 0;   // Port::number
  uint8_t family = 4;  // 4 or 6
  Address address{};
  friend auto operator<=>(const NeighbourKey&, const NeighbourKey&) = default;
};

enum class NeighbourState : uint8_t { kIncomplete, kReachable, kProbe, kStale, kFailed };
const char* name(NeighbourState state);  // "reachable"

// Puts a question to the link.
class LinkAsker {
 public:
  virtual ~LinkAsker() = default;
  // Asks for the link address of `target` on `port`: an ARP request for family 4, a
  // neighbour solicitation for 6.  `attempt` counts from 1.  `known` had the address
  // before and is asked alone; null: everyone is asked.  Must not call back.
  virtual void ask(uint16_t port, uint8_t family, const Address& target, unsigned attempt,
                   const MacAddress* known) = 0;
};

// Is told what became of a neighbour.
class NeighbourListener {
 public:
  virtual ~NeighbourListener() = default;
  virtual void neighbour_up(const NeighbourKey& who, const MacAddress& mac) = 0;  // also: still, or changed
  virtual void neighbour_gone(const NeighbourKey& who) = 0;                       // no longer usable
  virtual void neighbour_failed(const NeighbourKey& who) = 0;  // not usable, and does not answer
};

class NeighbourTable {
 public:
  static constexpr size_t kMaxOnLink = 4096;
  static constexpr unsigned kQuestions = 3;
  static constexpr uint64_t kRetransNs = 1'000'000'000;
  static constexpr uint64_t kConfirmNs = 25'000'000'000;  // 30 s, less the time to ask
  static constexpr uint64_t kSilenceNs = 5'000'000'000;   // after a failure
  static constexpr uint64_t kForgetNs = 600'000'000'000;  // stale ones that nobody wants
  static constexpr uint64_t kKernelNs = 5'000'000'000;    // the kernel's own three questions, and a margin
  static constexpr uint64_t kRefreshNs = 30'000'000'000;  // the kernel is told that it is used

  // Both outlive it.
  NeighbourTable(LinkAsker& asker, NeighbourListener& listener) : asker_(asker), listener_(listener) {}

  // REQUIRES: once for each port, before anything is said of its neighbours.
  void add_port(uint16_t port, bool kernel_resolves);

  // Packets wait for it.
  void wanted(const NeighbourKey& who, uint64_t now_ns);
  // It is somebody's gateway: asked for now, and not forgotten.  keep() counts.
  void keep(const NeighbourKey& who, uint64_t now_ns);
  void release(const NeighbourKey& who);

  // The link said so.  `solicited`: it answers a question of ours.
  // `may_add`: it asked for us, so that an answer to it is likely to be sent.
  // `overrides`: false when another MAC that is known is to be kept (RFC 4861 section 7.2.5).
  void heard(const NeighbourKey& who, const MacAddress& mac, bool solicited, bool may_add, uint64_t now_ns,
             bool overrides = true);

  // What the kernel's table says: usable at `mac` (`suspect`: it will not confirm that
  // until it is asked to); asked for and not yet answered; did not answer; not there.
  void kernel_usable(const NeighbourKey& who, const MacAddress& mac, bool suspect, uint64_t now_ns);
  void kernel_incomplete(const NeighbourKey& who, uint64_t now_ns);
  void kernel_failed(const NeighbourKey& who, uint64_t now_ns);
  void kernel_forgot(const NeighbourKey& who, uint64_t now_ns);

  void on_timer(uint64_t now_ns);
  uint64_t next_due_ns() const { return due_.empty() ? UINT64_MAX : due_.begin()->first; }

  // Null when it is not usable.
  const MacAddress* mac(const NeighbourKey& who) const;

  struct View {
    NeighbourKey who;
    NeighbourState state;
    MacAddress mac;
    bool gateway;
    bool kernel;  // the kernel resolves it
  };
  std::vector<View> view() const;
  // Neighbours that the kernel's table was last heard to hold, on ports where it resolves.
  std::vector<NeighbourKey> of_kernel() const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    NeighbourState state = NeighbourState::kIncomplete;
    MacAddress mac{};
    bool usable = false;     // the listener was told so
    bool kernel = false;     // the port's
    bool in_kernel = false;  // the kernel's table holds it
    unsigned kept = 0;
    unsigned asked = 0;  // questions since the last answer
    uint64_t due_ns = UINT64_MAX;
    std::list<NeighbourKey>* line = nullptr;  // where it stands to make room; null: never does
    std::list<NeighbourKey>::iterator place;
  };
  // In the order in which they make room.
  struct PortState {
    bool kernel = false;
    size_t count = 0;
    std::list<NeighbourKey> loose;  // stale or failed, nobody's gateway
    std::list<NeighbourKey> firm;   // others that are nobody's gateway
  };
  using Map = std::map<NeighbourKey, Entry>;

  struct Found {
    Map::iterator it;  // end() when there is no room
    bool added;
  };
  // `firm`: it may push out what is in use.
  Found find_or_add(const NeighbourKey& who, bool firm);
  void forget(Map::iterator it);
  void line_up(Map::iterator it);
  void set_due(Map::iterator it, uint64_t due_ns);
  void set_state(Map::iterator it, NeighbourState state, uint64_t due_ns);
  // `alone`: the neighbour that is known, not everyone.
  void ask(Map::iterator it, uint64_t now_ns, bool alone);
  void start(Map::iterator it, NeighbourState state, uint64_t now_ns, bool alone = false);
  void confirm(Map::iterator it, const MacAddress& mac, uint64_t now_ns);
  void withdraw(Map::iterator it);
  void fail(Map::iterator it, uint64_t now_ns);
  void expire(Map::iterator it, uint64_t now_ns);

  LinkAsker& asker_;
  NeighbourListener& listener_;
  std::map<uint16_t, PortState> ports_;
  Map entries_;
  std::set<std::pair<uint64_t, NeighbourKey>> due_;
};

}  // namespace weft
