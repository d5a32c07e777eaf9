// SPDX-License-Identifier: Apache-2.0
// Mutex and Condition: POSIX's, for threads that wait as waiter.h says.
//
// Whoever waits stands in a line and is woken in its order; a mutex is handed to the first,
// so that nobody who comes later overtakes.
//
// Threads: any; `guard_` is held for moments only.
// Invariants: a waiter stands in one line, until it is called or leaves by itself; once
//   closed, nobody waits.
#pragma once

#include <boost/intrusive/list.hpp>
#include <mutex>
#include <thread>

#include "nodeos_api/waiter.h"

namespace weft {

class WaitLine {
 public:
  // A place in the line.
  struct Place : boost::intrusive::list_base_hook<> {
    explicit Place(Waiter& waiter) : waiter(waiter), thread(std::this_thread::get_id()) {}
    Waiter& waiter;
    const std::thread::id thread;
    bool called = false, sent_away = false;
  };

  void join(Place& place) { line_.push_back(place); }
  void leave(Place& place) { line_.erase(line_.iterator_to(place)); }
  bool empty() const { return line_.empty(); }
  // Wakes the first, which then stands in the line no more.  REQUIRES: !empty()
  std::thread::id call_first();
  // Wakes all, to go away.
  void send_away();

 private:
  boost::intrusive::list<Place> line_;
};

class Mutex {
 public:
  // AN_OK, AN_EDEAD (it was closed, or the thread's domain has ended), AN_EINVAL (the caller
  // holds it).
  an_Status lock(Waiter& self);
  // AN_OK, AN_EBUSY, AN_EDEAD.
  an_Status try_lock();
  // AN_OK, AN_EPERM (the caller does not hold it), AN_EDEAD.
  an_Status unlock();
  bool is_held_here();
  void close();

 private:
  std::mutex guard_;
  std::thread::id holder_{};  // none: it is free
  WaitLine line_;
  bool closed_ = false;
};

class Condition {
 public:
  // Lets the mutex go, waits to be signalled, takes the mutex again.  AN_OK, AN_ETIMEDOUT;
  // AN_EDEAD, and then the mutex is not held.  REQUIRES: mutex.is_held_here()
  an_Status wait(Waiter& self, Mutex& mutex, Deadline until);
  void signal();
  void broadcast();
  void close();

 private:
  std::mutex guard_;
  WaitLine line_;
  bool closed_ = false;
};

}  // namespace weft
