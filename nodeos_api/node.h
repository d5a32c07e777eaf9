// SPDX-License-Identifier: Apache-2.0
// Node: the NodeOS of a process, as the API sees it: paths to open, packets to hand
// out, time, and the root of the tree of domains.
//
// A process usually has one; tests have several.
//
// Threads: made and destroyed on the control thread, which is the one that made it.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "geni/geni.h"
#include "nodeos_api/domain.h"
#include "nodeos_api/running.h"
#include "partner/pool.h"
#include "paths/worker.h"

namespace weft {

class Node {
 public:
  struct Parts {  // all outlive the node
    Geni& geni;
    Worker& worker;
    Pool& pool;
    Clock& clock;
    Logger& log;
  };

  explicit Node(const Parts& parts);
  // Ends all domains, with AN_TERM_NODE.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The only node of this process; null if there is none, or more than one.
  static Node* only();
  // The node whose code is running here, else the only one; null if there is neither.
  static const Node* here();

  Domain& root() { return *root_; }
  Geni& geni() const { return parts_.geni; }
  Worker& worker() const { return parts_.worker; }
  Pool& pool() const { return parts_.pool; }
  Clock& clock() const { return parts_.clock; }
  Logger& log() const { return parts_.log; }

  // Another pool whose packets reach EEs (a driver's own).
  void add_pool(Pool& pool) { pools_.push_back(&pool); }
  const std::vector<Pool*>& pools() const { return pools_; }

  bool on_worker() const { return running.on_worker && running.node == this; }
  bool on_control() const { return !running.on_worker && std::this_thread::get_id() == control_; }

  // Whether a [control] call may go on; if not, the failure is noted.
  bool allows_control() const;

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

 private:
  Parts parts_;
  std::thread::id control_ = std::this_thread::get_id();
  std::vector<Pool*> pools_;
  Domain* root_;
};

}  // namespace weft
