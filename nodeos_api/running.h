// SPDX-License-Identifier: Apache-2.0
// Whose code this thread is running: an EE's function sees its own domain.
//
// Threads: each its own.
#pragma once

namespace weft {

class Domain;
class Node;
class Thread;

struct Running {
  const Node* node = nullptr;
  Domain* domain = nullptr;  // null: the node's own code
  bool on_worker = false;
  bool ended = false;        // the domain, which is then null, while its code is still running
  Thread* thread = nullptr;  // that a domain spawned, and that runs here; then alone
};

// Stateless in every thread that never calls an EE: no guard, no constructor.
inline thread_local constinit Running running{};

// While it lives, the code of `domain` runs here.
class RunningScope {
 public:
  RunningScope(const Node& node, Domain* domain, bool on_worker) : before_(running) {
    running = {&node, domain, on_worker, false, nullptr};
  }
  ~RunningScope() { running = before_; }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

 private:
  Running before_;
};

// The domain is about to be freed.
inline void forget_running(const Domain* domain) {
  if (running.domain != domain) return;
  running.domain = nullptr;
  running.ended = true;
}

}  // namespace weft
