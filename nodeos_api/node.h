// SPDX-License-Identifier: Apache-2.0
// Node: the NodeOS as the EEs of this process see it: who runs their functions, the pool
// of their packets, time, and the root of the tree of domains.
//
// Two stand behind it: GeniNode, whose paths are in this process, and SnowNode, whose paths
// are in another.  What is said of packets, events and domains is the same source for both.
//
// Threads: made and destroyed on the control thread, which is the one that made it.
#pragma once

#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/clock.h"
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
  // All outlive it.  `files` is null where its domains have none.
  Node(Worker& worker, Pool& pool, Clock& clock, FileSpace* files = nullptr);
  virtual ~Node();  // REQUIRES: end_domains() was called
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The only node of this process; null if there is none, or more than one.
  static Node* only();
  // The node whose code is running here, else the only one; null if there is neither.
  static const Node* here();

  Domain& root() { return *root_; }
  Worker& worker() const { return worker_; }
  Pool& pool() const { return pool_; }
  Clock& clock() const { return clock_; }
  FileSpace* files() const { return files_; }

  // Another pool whose packets reach EEs (a driver's own).
  void add_pool(Pool& pool) { pools_.push_back(&pool); }
  const std::vector<Pool*>& pools() const { return pools_; }

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

 protected:
  // Ends all domains, with AN_TERM_NODE.
  void end_domains();

 private:
  Worker& worker_;
  Pool& pool_;
  Clock& clock_;
  FileSpace* files_;  // before the root, which has it from here
  std::thread::id control_ = std::this_thread::get_id();
  std::vector<Pool*> pools_;
  Domain* root_;
};

}  // namespace weft
