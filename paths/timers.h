// SPDX-License-Identifier: Apache-2.0
// Timers of one worker: call me when this time has come.
//
// Threads: the worker.
// Time: arm and cancel in O(log n), without allocation: a Timer is its own node.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

namespace weft {

class Timers;

class Timer {
 public:
  virtual ~Timer() = default;  // REQUIRES: not armed
  virtual void fire(uint64_t now_ns) = 0;
  bool armed() const { return hook_.is_linked(); }
  uint64_t due_ns() const { return due_ns_; }

 private:
  friend class Timers;
  boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>> hook_;
  uint64_t due_ns_ = 0;
};

class Timers {
 public:
  ~Timers() { queue_.clear(); }

  // Fires once, at or soon after `due_ns` of the worker's clock.  An armed timer moves.
  void arm(Timer& timer, uint64_t due_ns) {
    cancel(timer);
    timer.due_ns_ = due_ns;
    queue_.insert(timer);
  }
  void cancel(Timer& timer) {
    if (timer.armed()) queue_.erase(queue_.iterator_to(timer));
  }
  // When the next one is due; UINT64_MAX if none is armed.
  uint64_t next_ns() const { return queue_.empty() ? UINT64_MAX : queue_.begin()->due_ns_; }

  void fire_due(uint64_t now_ns) {
    while (next_ns() <= now_ns) {
      Timer& timer = *queue_.begin();
      queue_.erase(queue_.begin());
      timer.fire(now_ns);
    }
  }

 private:
  struct ByDue {
    bool operator()(const Timer& a, const Timer& b) const { return a.due_ns_ < b.due_ns_; }
  };
  boost::intrusive::multiset<
      Timer,
      boost::intrusive::member_hook<
          Timer, boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>>,
          &Timer::hook_>,
      boost::intrusive::compare<ByDue>, boost::intrusive::constant_time_size<false>>
      queue_;
};

}  // namespace weft
