// SPDX-License-Identifier: Apache-2.0
// WorkerRun: while it lives, a function of a domain runs on the worker; how long is seen to.
//
// Threads: the worker.
// Time: nothing, for a domain whose runs have no limit; else two readings of the clock.
#pragma once

#include "nodeos_api/node.h"

namespace weft {

class WorkerRun {
 public:
  explicit WorkerRun(Domain& domain) : domain_(domain), scope_(domain.node(), &domain, true) {
    const uint64_t longest = domain.threads().longest_run_ns();
    if (longest == 0) return;
    due_ns_ = domain.node().clock().now_ns() + longest;
    domain.node().set_run(domain, due_ns_);
  }
  ~WorkerRun() {
    if (due_ns_ != 0) finish();
  }
  WorkerRun(const WorkerRun&) = delete;
  WorkerRun& operator=(const WorkerRun&) = delete;

 private:
  void finish() {
    Node& node = domain_.node();
    node.set_run(domain_, 0);
    if (node.clock().now_ns() <= due_ns_) return;
    domain_.threads().overran();
    domain_.condemn();
  }

  Domain& domain_;
  RunningScope scope_;
  uint64_t due_ns_ = 0;  // 0: no limit
};

}  // namespace weft
