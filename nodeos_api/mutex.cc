// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/mutex.h"

namespace weft {

namespace {

// Waits until `place` is called or sent away, both under `guard`.  Who leaves by itself has
// left the line.
an_Status wait_in(WaitLine& line, WaitLine::Place& place, std::mutex& guard, Deadline until) {
  const an_Status status = wait_until(place.waiter, until, [&] {
    std::lock_guard lock(guard);
    return place.called || place.sent_away;
  });
  std::lock_guard lock(guard);
  if (place.called) return AN_OK;
  if (place.sent_away) return AN_EDEAD;
  line.leave(place);
  return status;
}

}  // namespace

std::thread::id WaitLine::call_first() {
  Place& first = line_.front();
  line_.pop_front();
  const std::thread::id thread = first.thread;
  first.called = true;
  first.waiter.unpark();
  return thread;
}

void WaitLine::send_away() {
  while (!line_.empty()) {
    Place& first = line_.front();
    line_.pop_front();
    first.sent_away = true;
    first.waiter.unpark();
  }
}

// --- Mutex -------------------------------------------------------------------

an_Status Mutex::lock(Waiter& self) {
  WaitLine::Place place(self);
  {
    std::lock_guard lock(guard_);
    if (closed_) return AN_EDEAD;
    if (holder_ == place.thread) return AN_EINVAL;
    if (holder_ == std::thread::id()) {
      holder_ = place.thread;
      return AN_OK;
    }
    line_.join(place);
  }
  return wait_in(line_, place, guard_, kNever);
}

an_Status Mutex::try_lock() {
  std::lock_guard lock(guard_);
  if (closed_) return AN_EDEAD;
  if (holder_ != std::thread::id()) return AN_EBUSY;
  holder_ = std::this_thread::get_id();
  return AN_OK;
}

an_Status Mutex::unlock() {
  std::lock_guard lock(guard_);
  if (closed_) return AN_EDEAD;
  if (holder_ != std::this_thread::get_id()) return AN_EPERM;
  holder_ = line_.empty() ? std::thread::id() : line_.call_first();
  return AN_OK;
}

bool Mutex::is_held_here() {
  std::lock_guard lock(guard_);
  return holder_ == std::this_thread::get_id();
}

void Mutex::close() {
  std::lock_guard lock(guard_);
  closed_ = true;
  line_.send_away();
}

// --- Condition ---------------------------------------------------------------

an_Status Condition::wait(Waiter& self, Mutex& mutex, Deadline until) {
  WaitLine::Place place(self);
  {
    std::lock_guard lock(guard_);
    if (closed_) {
      mutex.unlock();
      return AN_EDEAD;
    }
    line_.join(place);
  }
  mutex.unlock();
  const an_Status status = wait_in(line_, place, guard_, until);
  if (status == AN_EDEAD) return status;
  const an_Status locked = mutex.lock(self);
  return locked == AN_OK ? status : locked;
}

void Condition::signal() {
  std::lock_guard lock(guard_);
  if (!line_.empty()) line_.call_first();
}

void Condition::broadcast() {
  std::lock_guard lock(guard_);
  while (!line_.empty()) line_.call_first();
}

void Condition::close() {
  std::lock_guard lock(guard_);
  closed_ = true;
  line_.send_away();
}

}  // namespace weft
