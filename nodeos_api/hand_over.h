// SPDX-License-Identifier: Apache-2.0
// Calls from the threads of domains: made as a whole on the control thread, where what they
// look up stays alive, in the name of the thread's domain.
//
//   if (on_own_thread()) return handed_over([&] { return an_domainGetStats(d, stats); });
//
// A few calls (mutexes, heaps, pages) need no handing over: they are made where they are
// asked for, on whatever thread of the node or of a domain.
//
// Threads: the caller's own.
#pragma once

#include <type_traits>

#include "nodeos_api/errors.h"
#include "nodeos_api/node.h"
#include "nodeos_api/thread.h"

namespace weft {

constexpr const char* kThreadEnded = "the domain of this thread has ended";

// Whether a domain spawned this thread.
inline bool on_own_thread() { return running.thread != nullptr; }

// Whether this thread may make calls at all.  If not, the failure is noted.
bool is_known_thread();
// How this thread waits; null, with the failure noted, if it must not.
Waiter* waiter_here();

// REQUIRES: on_own_thread().  When the domain has ended, the failure is noted: AN_EDEAD comes
// back, or null, or 0, or -1 of what counts bytes of files.
template <typename Call, typename R = std::invoke_result_t<Call>>
R handed_over(Call&& call) {
  Thread& self = *running.thread;
  LastFailure& mine = LastFailure::of_this_thread();
  R result{};
  const bool made = self.control().call(self, [&] {
    LastFailure& there = LastFailure::of_this_thread();
    const LastFailure before = there;
    there.forget();
    RunningScope scope(self.domain().node(), &self.domain(), false);
    result = call();
    if (there.status() != AN_OK) mine = there;
    there = before;
  });
  if (made) return result;
  fail(AN_EDEAD, kThreadEnded);
  if constexpr (std::is_same_v<R, int>) result = AN_EDEAD;
  if constexpr (std::is_same_v<R, int64_t>) result = -1;
  return result;
}

}  // namespace weft
