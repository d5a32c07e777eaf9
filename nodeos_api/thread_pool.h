// SPDX-License-Identifier: Apache-2.0
// ThreadPool: what a domain may run and has run: its functions on the worker, and its
// threads.  (Snow on Silk, section 2.1: domain and thread pool are one to one.)
//
// Threads: spawned, joined and ended on the control thread; the spec is changed while the
//   worker stands between rounds; took() on the worker.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/counter.h"
#include "base/result.h"
#include "nodeos_api/thread.h"

namespace weft {

class Domain;

class ThreadPool {
 public:
  // What this node offers of a spec; an error names what it does not.
  static Result<an_ThreadPoolSpecData> accept(an_ThreadPoolSpec spec);

  explicit ThreadPool(Domain& domain) : domain_(domain) {}
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  const an_ThreadPoolSpecData& spec() const { return spec_; }
  void set_spec(const an_ThreadPoolSpecData& spec) { spec_ = spec; }
  an_ThreadPoolStats stats() const;

  // --- threads -------------------------------------------------------------

  // Null, with the failure noted, if there can be no more.
  ThreadObject* spawn(void* mem, an_ThreadFunc function, void* arg);
  // What a thread that has returned leaves.  REQUIRES: returned()
  void reap(ThreadObject& thread);
  // Those that are detached and have returned.
  void reap_detached();

  // All are told that the domain ends.
  void end();
  // Until when those that were told now are waited for.
  static Deadline patience_ends();
  // Waits for them.  Returns how many had not returned by then; those whose call is being done
  // up the stack are not waited for.
  size_t wait(Deadline until);

  // --- functions on the worker ---------------------------------------------

  uint64_t longest_run_ns() const { return spec_.longest_run_ns; }
  void overran() { overruns_.add(1); }

 private:
  // The thread leaves the domain.
  void forget(ThreadObject& thread);

  Domain& domain_;
  an_ThreadPoolSpecData spec_ = defaults();
  std::vector<ThreadObject*> threads_;
  uint64_t spawned_ = 0;
  uint64_t past_cpu_ns_ = 0;  // of threads that are gone
  Counter overruns_;

  static an_ThreadPoolSpecData defaults();
};

}  // namespace weft
