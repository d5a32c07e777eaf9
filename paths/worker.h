// SPDX-License-Identifier: Apache-2.0
// Worker: one CPU's share of the node.  Polls partners, runs paths, flushes output.
//
// A round: what the control thread asked for -> for each joint: poll it, a few times
// while it gives whole Pvecs, and run paths by policy until the budget is spent -> end
// of round (flush output).  So under load what is done once a round is shared by more
// packets.  When there is nothing to do it polls a little longer, as long as that has paid
// lately, then sleeps in epoll.
//
// Threads: start(), stop(), post() and call() come from one control thread; all
//   other calls from the worker's thread, or while it is not started.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "base/spsc_ring.h"
#include "partner/partner.h"
#include "partner/sleeper.h"
#include "paths/linger.h"
#include "paths/path.h"
#include "paths/policy.h"
#include "paths/timers.h"

namespace weft {

// Moves packets from one partner to another: what `from` gives, `to` takes.
struct JointSpec {
  Partner* from;
  Opening from_end;
  Partner* to;
  Opening to_end;
  int poll_fd = -1;            // readable when `from` has something; -1: it must be asked
  Sleeper* sleeper = nullptr;  // is told before the worker sleeps, and after; null: nobody
};

// Called when a round's paths have run.
class RoundEnd {
 public:
  virtual ~RoundEnd() = default;
  // Returns true when something still waits for a device.
  virtual bool end_of_round(uint64_t now_ns) = 0;
};

struct WorkerOptions {
  bool busy = false;            // never sleep
  uint64_t linger_ns = 20'000;  // how long to poll before sleeping, at most (linger.h)
  uint32_t budget = 64;         // runs of paths after each poll, at most
  int cpu = -1;                 // to run on; -1: any
};

class Worker final : public PathHost {
 public:
  Worker(WorkerOptions options, Clock& clock, std::unique_ptr<Policy> policy);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // --- from the control thread ---------------------------------------------

  // Begins and ends the worker's thread.  Without it, rounds are run by round().
  void start();
  void stop();

  // Hands the worker something to do between rounds; in order.
  void post(std::function<void()> work);
  // The same, and waits until it is done.
  void call(const std::function<void()>& work);
  // Whether the caller is on the worker's thread.
  bool on_this_thread() const { return id_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

  // --- on the worker -------------------------------------------------------

  // One round.  Returns how many packets were polled, and taken by paths.
  size_t round();

  // `joint.from` will be asked each round.  Returns a name for remove_joint().
  uint32_t add_joint(const JointSpec& joint);
  void remove_joint(uint32_t id);

  void add(Path& path);
  void remove(Path& path);
  void add_round_end(RoundEnd* hook) { round_ends_.push_back(hook); }
  void remove_round_end(RoundEnd* hook);

  void ready(Path& path) override;
  void laden() override { laden_ = true; }
  void backlogged(Path& path) override;
  // When this round began; between rounds, the last one.  From the control thread too.
  uint64_t now_ns() const override { return now_ns_.load(std::memory_order_relaxed); }

  Timers& timers() { return timers_; }
  Clock& clock() { return clock_; }
  const Policy& policy() const { return *policy_; }

  // --- counters, from any thread -------------------------------------------

  uint64_t rounds() const { return rounds_.value(); }
  uint64_t idle_rounds() const { return idle_rounds_.value(); }
  uint64_t sleeps() const { return sleeps_.value(); }
  // Packets that a joint's `to` refused.
  const DropCounters& drops() const { return drops_; }

 private:
  struct Joint : JointSpec {
    uint32_t id;
  };
  using Backlog =
      boost::intrusive::list<Path, boost::intrusive::member_hook<Path, Path::Hook, &Path::backlog_hook>,
                             boost::intrusive::constant_time_size<false>>;

  void run();
  size_t round_at(uint64_t now_ns);
  void do_posted();
  void poll(const Joint& joint) { joint.from->pull(joint.from_end, polled_, Pvec::kCapacity); }
  size_t serve(const Joint& joint, uint64_t now_ns);
  size_t pass_on(const Joint& joint);
  size_t run_paths(uint64_t now_ns);
  void flush_backlog();
  uint64_t may_sleep_until(uint64_t now_ns) const;
  void sleep_until(uint64_t until_ns);
  bool sleepers_sleep();
  void wake_sleepers();

  WorkerOptions options_;
  Clock& clock_;
  std::unique_ptr<Policy> policy_;
  std::vector<Joint> joints_;
  uint32_t next_joint_ = 0;
  Pvec polled_;
  size_t ready_ = 0;  // paths in the run queue
  std::vector<RoundEnd*> round_ends_;
  Backlog backlog_;
  Timers timers_;
  Linger linger_;
  std::atomic<uint64_t> now_ns_;
  bool eventful_ = false;  // a function was called by time, or was posted
  bool laden_ = false;     // paths must run before more is polled
  bool waiting_for_device_ = false;
  bool must_ask_ = false;  // some joint has nothing to sleep on

  std::thread thread_;  // the control thread's to look at
  std::atomic<std::thread::id> id_{};
  SpscRing<std::function<void()>> posted_{1024};
  // Not on the caller's stack: whoever sees it go on may be gone before it is woken.
  std::atomic<uint32_t> calls_done_{0};
  OwnedFd epoll_;
  OwnedFd wake_;
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopping_{false};

  Counter rounds_, idle_rounds_, sleeps_;
  DropCounters drops_;
};

}  // namespace weft
