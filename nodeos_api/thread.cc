// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/thread.h"

#include <sched.h>

#include <ctime>

#include "nodeos_api/running.h"

namespace weft {

namespace {

struct Begin {
  std::shared_ptr<Thread> thread;
  an_ThreadFunc function;
  void* arg;
};

uint64_t read_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return uint64_t(t.tv_sec) * 1'000'000'000 + uint64_t(t.tv_nsec);
}

// Destroyed when the thread ends, however it does: pthread_exit() runs it too.
struct Leaving {
  std::shared_ptr<Thread> thread;
  ~Leaving() {
    running = {};
    if (thread) thread->mark_returned();
  }
};
thread_local Leaving leaving;

}  // namespace

Thread* Thread::here() { return running.thread; }

Result<void> Thread::run(const Start& start, an_Thread self) {
  self_ = self;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, start.stack_size);
  auto begin = std::make_unique<Begin>(Begin{shared_from_this(), start.function, start.arg});
  const int error = ::pthread_create(&thread_, &attributes, trampoline, begin.get());
  ::pthread_attr_destroy(&attributes);
  if (error != 0) {
    Error why = system_error("a thread", error);
    return Error{Code::kNoMemory, std::move(why.sentence)};
  }
  (void)begin.release();  // the thread's now
  return {};
}

void* Thread::trampoline(void* start) {
  std::unique_ptr<Begin> given(static_cast<Begin*>(start));
  Begin begin = std::move(*given);
  given.reset();  // nothing of this frame is to be undone when the thread ends in the function
  running.thread = begin.thread.get();
  leaving.thread = std::move(begin.thread);
  ::pthread_setname_np(::pthread_self(), "weft-ee");
  running.thread->set_result(begin.function(begin.arg));
  return nullptr;
}

void Thread::end() {
  {
    std::lock_guard lock(mutex_);
    ended_.store(true, std::memory_order_release);
    permit_ = true;
  }
  changed_.notify_one();
}

void Thread::park(Deadline until) {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return permit_ || ended_.load(std::memory_order_relaxed); };
  if (until == kNever) {
    changed_.wait(lock, something);
  } else {
    changed_.wait_until(lock, until, something);
  }
  permit_ = false;
}

void Thread::park_for_service() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return permit_; });
  permit_ = false;
}

void Thread::unpark() {
  std::lock_guard lock(mutex_);
  permit_ = true;
  changed_.notify_one();
}

void Thread::yield() { ::sched_yield(); }

void Thread::mark_returned() {
  std::lock_guard lock(mutex_);
  used_ns_ = read_ns(CLOCK_THREAD_CPUTIME_ID);
  returned_.store(true, std::memory_order_release);
  if (detached() || abandoned_.load(std::memory_order_relaxed)) place_.reset();
  if (joiner_ != nullptr) joiner_->unpark();
}

void Thread::detach() {
  std::lock_guard lock(mutex_);
  detached_.store(true, std::memory_order_relaxed);
  if (returned()) place_.reset();
}

void Thread::abandon() {
  std::lock_guard lock(mutex_);
  abandoned_.store(true, std::memory_order_release);
  if (returned()) place_.reset();
  if (joiner_ != nullptr) joiner_->unpark();
}

bool Thread::set_joiner(Waiter* joiner) {
  std::lock_guard lock(mutex_);
  if (joiner != nullptr && joiner_ != nullptr) return false;
  joiner_ = joiner;
  return true;
}

// The lock keeps the thread from going while its clock is read.
uint64_t Thread::cpu_ns() const {
  std::lock_guard lock(mutex_);
  if (returned()) return used_ns_;
  clockid_t clock;
  return ::pthread_getcpuclockid(thread_, &clock) == 0 ? read_ns(clock) : 0;
}

}  // namespace weft
