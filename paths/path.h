// SPDX-License-Identifier: Apache-2.0
// A Path is a chain of stages between two ends, and everything that is counted,
// queued and charged on the way.  (Scout; Snow on Silk, section 3.1.)
//
//            in queue                                  out queue
//   near ──▶ [ .... ] ──▶ stage 0 ──▶ stage 1 ──▶ ... ──▶ [ .... ] ──▶ far      forward
//   near ◀── [ .... ] ◀── stage 0 ◀── stage 1 ◀── ... ◀── [ .... ] ◀── far      backward
//            out queue                                 in queue
//
// Each end is joined to a partner.  What the partner refuses waits in the out
// queue; what does not fit there is dropped.
//
// Threads: made and destroyed on the control thread; while it is on a worker, only
//   that worker calls it; counters are read from any thread.
// Invariants: in + made = out + dropped + held, at every moment between rounds.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>
#include <vector>

#include "partner/partner.h"
#include "paths/account.h"
#include "paths/end_queue.h"
#include "paths/path_text.h"
#include "paths/rate_meter.h"
#include "paths/stage.h"
#include "paths/tap.h"
#include "paths/work_meter.h"

namespace weft {

enum class End : uint8_t { kNear, kFar };
constexpr End opposite(End e) { return e == End::kNear ? End::kFar : End::kNear; }
// The end that packets going in `dir` come in at.
constexpr End entry(Dir dir) { return dir == Dir::kForward ? End::kNear : End::kFar; }
constexpr Dir inward(End e) { return e == End::kNear ? Dir::kForward : Dir::kBackward; }

struct StageCounters {
  Counter calls;  // Pvecs delivered
  Counter packets;
  // Of a sample of the path's runs: cycles spent in this stage, not in those behind it,
  // and for how many packets.
  Counter cycles, timed_packets;
  DropCounters drops;
};

// One stage of a path, as the operator sees it.
struct StageRecord {
  std::string name;  // of the module
  std::unique_ptr<Stage> stage;
  StageCounters counters;
};

struct PathQueues {
  QueueLimit in;
  QueueLimit out;
};

// Who runs a path; told when there is something to do for it.
class PathHost {
 public:
  virtual ~PathHost() = default;
  virtual void ready(Path& path) = 0;       // an in queue is no longer empty
  virtual void laden() = 0;                 // an in queue holds a whole Pvec, or might not take one more
  virtual void backlogged(Path& path) = 0;  // an out queue is no longer empty
  virtual uint64_t now_ns() const = 0;      // the time of this round
};

class Path {
 public:
  static constexpr unsigned kPriorities = 8;

  struct Ledger {
    uint64_t in_packets, in_bytes;    // that came in at either end
    uint64_t out_packets, out_bytes;  // taken by the partners
    uint64_t made;                    // packets that stages made: clones, fragments, replies
    const DropCounters& drops;        // at the ends; those of stages stand with the stage
  };

  Path(PathSpec spec, PathQueues queues, Account* parent);
  ~Path();  // REQUIRES: closed
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  const PathSpec& spec() const { return spec_; }
  const std::string& text() const { return text_; }
  uint16_t id() const { return id_; }
  void set_id(uint16_t id) { id_ = id; }

  // Phases 1 and 2, by the builder: stages in order from the near end.
  void append(std::string name, std::unique_ptr<Stage> stage);
  Result<void> establish();
  // Joins an end to a partner.
  void join(End end, Partner* partner, Opening opening);
  // Of the levels of a Policy that has levels; the highest is served first.
  uint8_t priority() const { return priority_; }
  void set_priority(uint8_t priority) { priority_ = priority; }  // REQUIRES: below kPriorities; not ready
  // Packets that come in at the near end and are over the rate are dropped, before any work
  // is spent on them; the time is `time`'s.
  void police(const Tspec& spec, const PathHost& time);
  // Packets leave by the far end at that rate; those over it wait in its out queue.
  void shape(const Tspec& spec, const PathHost& time);
  bool metered() const { return police_ != nullptr || shape_ != nullptr; }
  // What waits in its queues is charged to the share, which outlives the path.  REQUIRES: none does
  void draw_on(PoolShare& share);
  // Who runs it from now on; null: nobody, and what is queued waits.
  void set_host(PathHost* host) { host_ = host; }

  // --- the data path -------------------------------------------------------

  // Early demux hands a packet to the in queue of an end.  A packet that does not
  // fit is dropped here.  Returns false if so.
  [[gnu::always_inline]] bool enqueue(End end, PacketPtr p) {
    if (in_[size_t(end)].append_calmly(p.get(), id_)) [[likely]] {
      (void)p.release();
      return true;
    }
    return enqueue_and_tell(end, std::move(p));
  }
  // The same for packets that the caller owned as plain pointers.
  void enqueue(End end, std::span<Packet* const> packets);
  // The same for vectors, but what does not fit stays the caller's: takes from the front,
  // up to the first that does not.
  void enqueue(End end, Pvec& v);
  // Whether the latter would take that packet.
  bool would_take(End end, const Packet& p) const {
    const EndQueue& queue = in_[size_t(end)];
    return queue.fits(p.total_length()) || queue.may_displace(p.total_length());
  }
  // Packets that come in behind the stages: they wait at the far end for its partner, behind
  // what waits there already.  Takes from the front; what does not fit stays the caller's.
  void enqueue_behind(Pvec& v);

  // Whether an in queue holds something.
  bool runnable() const { return !in_[0].empty() || !in_[1].empty(); }
  // Takes at most one Pvec from each in queue through the stages.
  // Returns how many packets were taken.
  size_t run();

  // Tries again to give the out queues to the partners.  True when both are empty.
  bool flush();
  bool backlogged() const { return !out_[0].empty() || !out_[1].empty(); }

  // Passes `v` to stage `index` in `dir`; an index outside means out of that end.
  void pass(Dir dir, size_t index, Pvec& v) { pass(dir, index, v, kNotSummed); }

  // Gives `v` to the partner at `end`, behind what already waits there.
  void leave(End end, Pvec& v) { leave(end, v, kNotSummed); }
  // For an end without a partner: takes what waits there.  REQUIRES: max <= v.room()
  void take(End end, Pvec& v, size_t max);

  // Counts packets that came in other than by enqueue(): leave() or drop follows.
  void count_in(uint64_t packets, uint64_t bytes) {
    in_packets_.add(packets);
    in_bytes_.add(bytes);
  }
  // Counts packets that a fused loop took around the stages, in and out.
  void count_fused(uint64_t packets, uint64_t in_bytes, uint64_t out_bytes) {
    fused_packets_.add(packets);
    in_bytes_.add(in_bytes);
    out_bytes_.add(out_bytes);
  }
  uint64_t fused_packets() const { return fused_packets_.value(); }

  void count_made(uint64_t n) { made_.add(n); }
  // A packet left for another path, not by an end.
  void count_away(uint64_t bytes) {
    out_packets_.add(1);
    out_bytes_.add(bytes);
  }
  void drop_at_stage(size_t index, PacketPtr p, DropReason reason) {
    if (tap_ != nullptr) tap_->lost(index, *p, reason);
    weft::drop(std::move(p), reason, stages_[index]->counters.drops);
  }

  // --- life ----------------------------------------------------------------

  // Drops everything that is queued or kept.  On the worker, or after it has let go.
  void close();

  // The tap sees every gate; null removes it.  On the worker, between rounds.
  void set_tap(Tap* tap) { tap_ = tap; }
  bool tapped() const { return tap_ != nullptr; }

  // --- counters ------------------------------------------------------------

  Ledger ledger() const;
  std::vector<std::unique_ptr<StageRecord>>& stages() { return stages_; }
  const std::vector<std::unique_ptr<StageRecord>>& stages() const { return stages_; }
  const EndQueue& in_queue(End e) const { return in_[size_t(e)]; }
  const EndQueue& out_queue(End e) const { return out_[size_t(e)]; }
  Account& account() { return account_; }
  const Account& account() const { return account_; }
  // Packets queued or kept by stages.
  uint64_t held() const;
  uint64_t dropped() const;
  uint64_t dropped(DropReason reason) const;

  // For a Policy's run queue and the list of backlogged paths.
  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>>;
  Hook run_hook;
  Hook backlog_hook;

 private:
  struct Joint {
    Partner* partner = nullptr;
    Opening opening;
  };
  struct Meter {
    RateMeter bucket;
    const PathHost& time;
  };

  // In place of the bytes of a vector: who needs to know looks at each packet.
  static constexpr uint64_t kNotSummed = UINT64_MAX;

  // run() of one direction.
  size_t run(Dir dir);
  void pass(Dir dir, size_t index, Pvec& v, uint64_t bytes);
  void leave(End end, Pvec& v, uint64_t bytes);
  bool policed(End end) const { return police_ != nullptr && end == End::kNear; }
  // enqueue() of a packet that must conform, may not fit, or is to be announced.
  bool enqueue_and_tell(End end, PacketPtr p);
  // Counts a packet that was lost before it was enqueued.
  bool lose(PacketPtr p, DropReason reason);
  // Makes room for a packet that does not fit, if it may displace others.
  bool make_room(EndQueue& queue, const Packet& p, DropReason reason);
  // Appends from the front, displacing what may be displaced.  Returns how many.
  size_t append_or_displace(EndQueue& queue, Pvec& v, DropReason reason);
  // Tells the host that packets came in.
  void announce(const EndQueue& queue, bool was_empty);
  // Lets the partner at `end` take from `v`, and counts what it took.
  void give(End end, Pvec& v, uint64_t bytes);
  void give_now(End end, Pvec& v, uint64_t bytes);
  // The same for what the shaper lets through of `v`.
  void give_shaped(Pvec& v);
  // From now on `to` works; null: none.
  void work(StageRecord* to);

  PathSpec spec_;
  std::string text_;
  uint16_t id_ = 0;
  PathHost* host_ = nullptr;
  uint8_t priority_ = 0;
  Joint joints_[2];
  std::vector<std::unique_ptr<StageRecord>> stages_;
  std::unique_ptr<Meter> police_, shape_;
  EndQueue in_[2];
  EndQueue out_[2];
  Counter in_packets_, in_bytes_;  // that no in queue counts
  Counter out_packets_, out_bytes_;
  Counter fused_packets_;  // which neither of these counts
  Counter made_;
  DropCounters drops_;
  Account account_;
  WorkMeter meter_{account_};
  Tap* tap_ = nullptr;
  // The stage that works, and, while a run is timed, since when.
  StageRecord* running_ = nullptr;
  uint64_t running_since_ = 0;
  bool timed_ = false;
};

}  // namespace weft
