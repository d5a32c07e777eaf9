// SPDX-License-Identifier: Apache-2.0
// Node: the NodeOS as the EEs of this process see it: who runs their functions, the pool
// of their packets, time, and the root of the tree of domains.
//
// Two stand behind it: GeniNode, whose paths are in this process, and SnowNode, whose paths
// are in another.  What is said of packets, events and domains is the same source for both.
//
// Threads: made and destroyed on the control thread, which is the one that made it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "nodeos_api/control_queue.h"
#include "nodeos_api/domain.h"
#include "nodeos_api/errors.h"
#include "nodeos_api/running.h"
#include "partner/pool.h"
#include "paths/worker.h"

namespace weft {

// an_nodeInfo().  `in_process`: whether the EE runs in the node's process.
int node_info(const char* feature, uint64_t* value, bool in_process);

class Node {
 public:
  // All outlive it.
  Node(Worker& worker, Pool& pool, Clock& clock);
  virtual ~Node();  // REQUIRES: end_domains() was called
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The only node of this process; null if there is none, or more than one.
  static Node* only();
  // The node whose code is running here, else the only one; null if there is neither.
  static const Node* here();
  // A node whose control thread this is; null if it is none's.
  static const Node* of_this_control_thread();

  Domain& root() { return *root_; }
  Worker& worker() const { return worker_; }
  Pool& pool() const { return pool_; }
  Clock& clock() const { return clock_; }

  // Another pool whose packets reach EEs (a driver's own).
  void add_pool(Pool& pool) { pools_.push_back(&pool); }
  const std::vector<Pool*>& pools() const { return pools_; }

  // Lets in a domain that was made here, with what its credential (null: none) lets it draw on.
  // False, with the failure noted, if it may not be.  [control]
  virtual bool admit(Domain& fresh, an_Cred cred) = 0;
  // Ends a domain, wherever it is known.  [control]
  virtual void end(Domain& domain, an_TermReason reason) { domain.end(reason); }
  // Whether its domains have files.
  virtual bool has_files() const = 0;
  // Whether its packets may window memory of this process.
  virtual bool windows_memory() const { return true; }

  // The name of the port that a packet came in at (Packet::in_port).  On the worker.
  virtual std::string_view port_name(uint16_t port) const = 0;

  bool on_worker() const { return running.on_worker && running.node == this; }
  bool on_control() const { return !running.on_worker && std::this_thread::get_id() == control_; }

  // Whether a [control] call may go on; if not, the failure is noted.
  bool allows_control() const;
  // Whether a call may go on that comes from both threads; likewise.
  bool allows_call() const { return on_worker() || allows_control(); }
  // Whether a call that waits for a disk may go on; if not, the failure is noted.
  bool allows_blocking() const;

  // Runs `work` on the worker, at once or, from the control thread, between rounds.
  // A failure that it notes is noted for the caller.  From a strange thread it is not
  // run; the failure is noted and R{} comes back.
  template <typename Work, typename R = std::invoke_result_t<Work>>
  R carry(Work&& work) const {
    if (on_worker()) return work();
    R result{};
    if (!allows_control()) return result;
    LastFailure& mine = LastFailure::of_this_thread();
    worker().call([&] {
      LastFailure& there = LastFailure::of_this_thread();
      if (&there != &mine) there.forget();
      result = work();
      if (&there != &mine && there.status() != AN_OK) mine = there;
    });
    return result;
  }

  // --- what others want of the control thread --------------------------------

  const std::shared_ptr<ControlQueue>& control_queue() const { return control_queue_; }
  // Readable when there is something to serve.
  int control_fd() const { return control_queue_->fd(); }
  // Does it: the calls of domains' threads, pools over their limits, domains that broke a
  // rule; and looks after the worker.  It is called when control_fd() is readable, and from
  // time to time.
  void serve();
  // serve() is wanted.  From any thread.
  void wake() const { control_queue_->wake(); }
  void add(MemPool& pool) { mem_pools_.push_back(&pool); }
  void remove(MemPool& pool) { std::erase(mem_pools_, &pool); }
  // A thread that goes on without its domain: it is looked after from time to time.
  void leave_behind(std::shared_ptr<Thread> thread) { left_behind_.push_back(std::move(thread)); }
  // The domain is to end with AN_TERM_VIOLATION.  From any thread.
  void condemn(an_Domain domain);
  // On the worker: a function of the domain runs that should have returned then; 0: no more.
  void set_run(const Domain& domain, uint64_t due_ns) {
    run_domain_.store(domain.index(), std::memory_order_relaxed);
    run_due_ns_.store(due_ns, std::memory_order_release);
  }

 protected:
  // Ends all domains, with AN_TERM_NODE.
  void end_domains();

 private:
  void check_pools();
  void end_condemned();
  void watch_run();
  void reap_left_behind();

  Worker& worker_;
  Pool& pool_;
  Clock& clock_;
  std::thread::id control_ = std::this_thread::get_id();
  std::vector<Pool*> pools_;
  std::shared_ptr<ControlQueue> control_queue_ = std::make_shared<ControlQueue>();
  std::vector<MemPool*> mem_pools_;
  std::vector<std::shared_ptr<Thread>> left_behind_;
  bool serving_ = false;
  std::mutex condemned_mutex_;
  std::vector<an_Domain> condemned_;
  std::atomic<uint64_t> run_due_ns_{0};  // 0: nothing runs that has a limit
  std::atomic<uint32_t> run_domain_{0};
  uint64_t warned_due_ns_ = 0;
  Domain* root_;
};

}  // namespace weft
