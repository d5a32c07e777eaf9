// SPDX-License-Identifier: Apache-2.0
// Geni: the partner whose device is the set of paths.
//
//   open    = make a path from its text, and install it on the worker
//   close   = take it off and delete it
//   push    = a port's opening: sort the packets to their paths (early demux)
//             a path's opening: enqueue at its far end
//   pull    = a path's opening: take from its far end what waits there
//   control = the path's counters, in words
//
// Output of many paths to one device meets in that device's OutPort.
// (Snow on Silk, section 3.4.)
//
// Threads: one control thread opens and closes; push and pull on the worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "paths/builder.h"
#include "paths/demux.h"
#include "paths/out_port.h"
#include "paths/sorter.h"
#include "paths/transform.h"
#include "paths/worker.h"

namespace weft {

// What a path may be given besides its text.
struct PathOptions {
  PathQueues queues;
  Account* account = nullptr;                          // charged too
  PoolShare* share = nullptr;                          // that its queues draw on; null: on none
  std::function<Result<void>(DemuxKey&)> narrow = {};  // may narrow the demux key: payload keys, sharing
  bool receives = true;                                // false: for output only, no packet is sorted to it
  uint8_t priority = 0;                                // below Path::kPriorities
  Tspec police = {};                                   // of what comes in at the near end
  Tspec shape = {};                                    // of what leaves by the far end
  Pool* finish_in = nullptr;  // null: the far end knows what to do with Packet::kOffload
};

// Sums over paths.
struct PathTotals {
  uint64_t in = 0, made = 0, out = 0, dropped = 0, held = 0;
  void add(const Path& path);
  bool conserved() const { return in + made == out + dropped + held; }
};

class Geni final : public Partner, private RoundEnd {
 public:
  // What is given outlives Geni.
  Geni(Worker& worker, Demux& demux, std::vector<Module*> modules, std::vector<Transform*> transforms);
  ~Geni() override;

  // --- ports ---------------------------------------------------------------

  // Joins an opened partner to the set of paths under `name`.  Its packets are
  // sorted from now on.  The partner outlives Geni.  (A partner that wants to push
  // by itself is opened with Geni as its peer, at the end that next_port() names.)
  // Errors: kExists (the name is taken), kInvalid (not a name).
  Result<uint16_t> add_port(std::string name, Partner& partner, Opening opening);
  Opening next_port() const { return Opening{uint32_t(ports_.size())}; }
  const Port* find_port(std::string_view name) const;
  const Port& port(uint16_t number) const { return *ports_[number]; }
  size_t port_count() const { return ports_.size(); }
  OutPort& out_port(uint16_t number) { return *out_ports_[number]; }
  // Has the partner look at its device anew, which may be another of the same name by now
  // (the command "refresh", where it knows that), and notes what it says it is, and returns it.
  // Errors: the partner's.
  Result<PartnerInfo> refresh_port(uint16_t number);
  // What takes a port's packets from the next round on: the demux, or a fused loop
  // in front of it.
  void set_sorter(uint16_t number, Sorter& sorter);

  // --- paths ---------------------------------------------------------------

  // open() with more to say.
  Result<Opening> open_path(std::string_view text, Partner* peer, Opening peer_end,
                            const PathOptions& options);

  // The path of an opening; null when it is closed.
  Path* path(Opening which) const;
  // The open paths of that text.  (The channels of an EE that receives and answers may have one text.)
  std::vector<Opening> find_paths(std::string_view text) const;
  // A path text with the link modules that it leaves out.  Errors: as Builder::build.
  Result<PathSpec> resolve(std::string_view text) const { return builder_.resolve(text); }
  // Calls `f` for every open path.
  void for_each_path(const std::function<void(Opening, Path&)>& f) const;

  // Of all paths, those that have been closed included: what a channel's path has carried does
  // not leave the books with the channel.
  PathTotals totals() const;

  // A suspended path is not run: packets wait in its in queues, and those that do not fit are
  // dropped before any work is spent on them.  On the worker, and not while the path runs.
  void suspend(Opening which, bool suspended);
  bool suspended(Opening which) const;

  // How the packets of a path are told apart by where they go: the headers that stand in
  // front of one that goes where `addresses`, "(dst=10.0.0.2, dstport=7)", say.
  // Errors: kAddressSpec with the column in CHAIN + addresses; kDead.
  Result<Aim> aim(Opening which, std::string_view addresses);

  // Hangs a tap on a path, or with null takes it off; waits for the worker.
  void set_tap(Opening which, Tap* tap);
  // The transform that does this path's work; null when it runs stage by stage.
  const Transform* transform_of(Opening which) const;

  // --- Partner -------------------------------------------------------------

  Result<Opening> open(std::string_view path_text, Partner* peer, Opening peer_end) override;
  void close(Opening which) override;
  void push(Opening which, Pvec& v) override;
  void pull(Opening which, Pvec& v, size_t max) override;
  Result<Reply> control(Opening which, const Request& request) override;

 private:
  struct Entry {
    std::unique_ptr<Path> path;
    Opening opening;
    Transform* transform = nullptr;
    bool suspended = false;
  };

  bool end_of_round(uint64_t now_ns) override;
  Result<uint16_t> take_id();
  void forget(uint16_t id);
  Result<void> install(Entry& entry, const DemuxKey* key);
  void apply_transforms(Entry& entry);
  static void undo_transform(Entry& entry);
  const Entry* entry(Opening which) const;

  Worker& worker_;
  Demux& demux_;
  Builder builder_;
  std::vector<Transform*> transforms_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<OutPort>> out_ports_;
  std::vector<uint32_t> joints_;
  std::map<uint16_t, Entry> entries_;  // by Path::id()
  std::vector<uint16_t> free_ids_;     // of those that were given out, what no path has any more
  uint16_t generation_ = 0;            // of openings: a stale one names no path
  PathTotals closed_;                  // of paths that are gone
  // What the worker looks at: changed between rounds only.
  std::vector<Sorter*> sorters_;     // by port number
  std::vector<const Entry*> by_id_;  // by Path::id(); null where none is open
};

}  // namespace weft
