// SPDX-License-Identifier: Apache-2.0
// Thread: a thread that a domain spawned.  It is shared by the thread itself, by the domain
// and by who waits for it: a thread may outlive its domain.
//
//   ThreadObject   its handle, until it is joined, is detached and returns, or its domain ends
//
// Threads: run() starts it; return_with() and park() from the thread itself; set_in_service()
//   and the ThreadObject on the control thread; the rest from any.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "nodeos_api/control_queue.h"
#include "nodeos_api/object.h"
#include "nodeos_api/quota.h"

namespace weft {

class Domain;

class Thread final : public Waiter, public std::enable_shared_from_this<Thread> {
 public:
  struct Start {
    an_ThreadFunc function;
    void* arg;
    size_t stack_size;
  };

  // `clock` outlives the process's threads.  `place` is kept as long as the thread is there, as is
  // what holds its `code`; either may be null.
  Thread(Domain& domain, an_Domain handle, Clock& clock, std::shared_ptr<ControlQueue> control,
         ThreadPlace place, std::shared_ptr<const void> code)
      : domain_(domain),
        handle_(handle),
        clock_(clock),
        control_(std::move(control)),
        place_(std::move(place)),
        code_(std::move(code)) {}

  // The thread that runs here; null if a domain did not spawn it.
  static Thread* here();

  // Errors: kNoMemory (the system gives no thread).
  Result<void> run(const Start& start, an_Thread self);

  // REQUIRES: !ended(), on the control thread
  Domain& domain() const { return domain_; }
  an_Domain domain_handle() const { return handle_; }
  an_Thread self() const { return self_; }
  Clock& clock() const { return clock_; }
  ControlQueue& control() const { return *control_; }

  // Its domain ends: waits return, calls fail.
  void end();
  bool ended() const override { return ended_.load(std::memory_order_acquire); }

  void park(Deadline until) override;
  void unpark() override;
  void yield() override;
  // park() that waits on although ended().
  void park_for_service();

  // It returned; its result is then there.
  bool returned() const { return returned_.load(std::memory_order_acquire); }
  // Whether nobody need wait for it.
  bool gone() const { return returned() || abandoned_.load(std::memory_order_acquire); }
  void* result() const { return result_; }
  void set_result(void* result) { result_ = result; }
  void mark_returned();
  // Nobody will join it: with its return it is gone.
  bool detached() const { return detached_.load(std::memory_order_relaxed); }
  void detach();
  // Whoever is told when it returns; one at a time.  False: there is another already.
  bool set_joiner(Waiter* joiner);

  // Its call is being done on the control thread, which therefore cannot wait for it.
  bool in_service() const { return in_service_; }
  void set_in_service(bool in_service) { in_service_ = in_service; }

  uint64_t cpu_ns() const;
  // Gives its stack back.  REQUIRES: returned()
  void reap() { ::pthread_join(thread_, nullptr); }
  // It goes on, and nobody waits for it any more.  Its node gives its stack back in time.
  void abandon();
  // The same as reap(), if no code runs on it any more.  REQUIRES: abandon()ed
  bool try_reap() { return ::pthread_tryjoin_np(thread_, nullptr) == 0; }
  // Nobody gives it back: the system does.  REQUIRES: abandon()ed, not reaped
  void detach_at_last() { ::pthread_detach(thread_); }

 private:
  static void* trampoline(void* start);

  Domain& domain_;
  const an_Domain handle_;
  Clock& clock_;
  const std::shared_ptr<ControlQueue> control_;
  ThreadPlace place_;
  const std::shared_ptr<const void> code_;  // let go of with the last that knows the thread
  an_Thread self_ = nullptr;
  pthread_t thread_{};
  bool in_service_ = false;
  void* result_ = nullptr;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool permit_ = false;
  Waiter* joiner_ = nullptr;
  uint64_t used_ns_ = 0;  // when it has returned
  std::atomic<bool> ended_{false}, returned_{false}, abandoned_{false}, detached_{false};
};

class ThreadObject final : public Object<ThreadObject> {
 public:
  using Handle = an_Thread;
  static constexpr an_Kind kKind = AN_THREAD;
  static constexpr const char* kDead = "the thread was joined, or its domain has ended";
  static constexpr const char* kNever = "not a thread";

  ThreadObject(Domain& domain, std::shared_ptr<Thread> thread, size_t stack_size)
      : domain_(domain), thread_(std::move(thread)), stack_size_(stack_size) {}

  Domain& domain() const { return domain_; }
  const std::shared_ptr<Thread>& thread() const { return thread_; }
  size_t stack_size() const { return stack_size_; }

 private:
  Domain& domain_;
  std::shared_ptr<Thread> thread_;
  size_t stack_size_;
};

}  // namespace weft
