// SPDX-License-Identifier: Apache-2.0
// FibWriter: brings what the control thread decided to the worker, in order and in
// small batches, so that 100,000 routes do not stall the packets between them.
//
// Threads: the control thread; the batches run on the worker between rounds.
// Invariants: at most kBatchesAtOnce batches are on the worker; everything happens in
//   the order in which it was said.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "base/owned_fd.h"
#include "paths/fib.h"
#include "paths/prefix.h"
#include "paths/worker.h"

namespace weft {

// One change of a longest-prefix table.
struct RouteOp {
  Prefix prefix;
  uint8_t cover_length = 0;  // see Lpm::erase()
  uint16_t value = 0;        // insert it with this value; 0: erase it
  uint16_t cover_value = 0;
};

class FibWriter {
 public:
  static constexpr size_t kBatch = 256;
  static constexpr size_t kBatchesAtOnce = 2;
  // Behind which the control thread had better wait before it finds more to say.
  static constexpr size_t kBacklog = 2048;

  // `worker` and `fib` outlive it.
  FibWriter(Worker& worker, Fib& fib);
  ~FibWriter();  // waits for the batches on the worker; the rest is forgotten
  FibWriter(const FibWriter&) = delete;
  FibWriter& operator=(const FibWriter&) = delete;

  void route(const RouteOp& op) { waiting_.emplace_back(op); }
  // On the worker.
  void run(std::function<void(Fib&)> work) { waiting_.emplace_back(OnWorker{std::move(work)}); }
  // Here, from pump(), when the worker has done everything that was said before.
  void then(std::function<void()> work) { waiting_.emplace_back(Here{std::move(work)}); }

  // Posts what may be posted, and takes note of what was done.  Prefixes for which the
  // table had no room are appended to `refused`.
  void pump(std::vector<Prefix>& refused);

  bool idle() const { return waiting_.empty() && posted_.empty(); }
  bool backlogged() const { return waiting_.size() >= kBacklog; }
  // Readable when pump() has something to take note of.
  int fd() const { return done_fd_.get(); }

 private:
  struct OnWorker {
    std::function<void(Fib&)> work;
  };
  struct Here {
    std::function<void()> work;
  };
  using Op = std::variant<RouteOp, OnWorker, Here>;
  struct Batch {
    std::vector<Op> ops;
    // Written by the worker until `done`.
    std::vector<Prefix> refused;
    bool grew_large4 = false, grew_large6 = false;  // the table, by this batch
    std::atomic<bool> done{false};
  };

  static void execute(Batch& batch, Fib& fib);
  void post_one();
  bool take_one(std::vector<Prefix>& refused);

  Worker& worker_;
  Fib& fib_;
  OwnedFd done_fd_;
  std::deque<Op> waiting_;
  std::deque<std::shared_ptr<Batch>> posted_;
};

}  // namespace weft
