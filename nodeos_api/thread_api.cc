// SPDX-License-Identifier: Apache-2.0
// The calls on threads and thread pools, at the C border.
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "nodeos_api/sized.h"
#include "nodeos_api/thread_pool.h"

namespace weft {

namespace {

ThreadObject* find_on_control(an_Thread handle) {
  ThreadObject* thread = find<ThreadObject>(handle);
  return thread != nullptr && thread->domain().node().allows_control() ? thread : nullptr;
}

// --- join: three steps, of which the waiting is done on the caller's own thread ------

struct Join {
  an_Thread handle;
  Waiter* waiter;
  std::shared_ptr<Thread> thread = nullptr;
};

int begin_join(Join& join) {
  ThreadObject* object = find_on_control(join.handle);
  if (object == nullptr) return an_errno();
  if (object->thread()->detached()) return fail(AN_EINVAL, "the thread is detached");
  if (object->thread().get() == join.waiter) {
    return fail(AN_EINVAL, "a thread cannot wait for itself");
  }
  if (!object->thread()->set_joiner(join.waiter)) {
    return fail(AN_EEXIST, "another thread waits for it already");
  }
  join.thread = object->thread();
  return AN_OK;
}

// The domain may have ended meanwhile; then the thread has been reaped.
int end_join(const Join& join) {
  ThreadObject* object = find_on_control(join.handle);
  if (object == nullptr) return an_errno();
  object->domain().threads().reap(*object);
  return AN_OK;
}

int on_control(const auto& call) { return on_own_thread() ? handed_over(call) : call(); }

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

an_Thread an_threadSpawn(void* mem, an_Domain d, an_ThreadFunc f, void* arg) {
  if (on_own_thread()) return handed_over([&] { return an_threadSpawn(mem, d, f, arg); });
  Domain* domain = find_open(d);
  if (domain == nullptr || !domain->node().allows_control()) return nullptr;
  if (f == nullptr) {
    fail(AN_EINVAL, "a thread needs a function");
    return nullptr;
  }
  ThreadObject* thread = domain->threads().spawn(mem, f, arg);
  return thread != nullptr ? thread->handle() : nullptr;
}

an_Thread an_threadSelf(void) { return on_own_thread() ? Thread::here()->self() : nullptr; }

int an_threadTestCancel(void) {
  if (on_own_thread() && Thread::here()->ended()) return fail(AN_EDEAD, kThreadEnded);
  return is_known_thread() ? AN_OK : an_errno();
}

int an_threadYield(void) {
  Waiter* self = waiter_here();
  if (self == nullptr) return an_errno();
  if (self->ended()) return fail(AN_EDEAD, kThreadEnded);
  self->yield();
  return AN_OK;
}

int an_threadSleep(uint64_t ns) {
  Waiter* self = waiter_here();
  if (self == nullptr) return an_errno();
  const an_Status status = wait_until(*self, deadline_in(ns), [] { return false; });
  return status == AN_ETIMEDOUT ? int{AN_OK} : fail(AN_EDEAD, kThreadEnded);
}

int an_threadExit(void* result) {
  if (!on_own_thread())
    return fail(AN_ENOSYS, "not from this thread: only one that a domain spawned ends so");
  Thread::here()->set_result(result);
  ::pthread_exit(nullptr);
}

int an_threadJoin(an_Thread t, void** result) {
  Waiter* self = waiter_here();
  if (self == nullptr) return an_errno();
  Join join{t, self};
  if (const int status = on_control([&] { return begin_join(join); }); status != AN_OK) return status;
  const an_Status waited = wait_until(*self, kNever, [&] { return join.thread->gone(); });
  join.thread->set_joiner(nullptr);
  if (waited != AN_OK) return fail(AN_EDEAD, kThreadEnded);
  if (const int status = on_control([&] { return end_join(join); }); status != AN_OK) return status;
  if (result != nullptr) *result = join.thread->result();
  return AN_OK;
}

int an_threadDetach(an_Thread t) {
  if (on_own_thread()) return handed_over([&] { return an_threadDetach(t); });
  ThreadObject* thread = find_on_control(t);
  if (thread == nullptr) return an_errno();
  if (thread->thread()->detached()) return fail(AN_EINVAL, "the thread is detached already");
  thread->thread()->detach();
  thread->domain().threads().reap_detached();
  return AN_OK;
}

an_ThreadPool an_domainGetThreadPool(an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_domainGetThreadPool(d); });
  const Domain* domain = find<Domain>(d);
  return domain != nullptr && domain->node().allows_call() ? d : nullptr;
}

int an_threadpoolGetSpec(an_ThreadPool pool, an_ThreadPoolSpecData* spec) {
  if (on_own_thread()) return handed_over([&] { return an_threadpoolGetSpec(pool, spec); });
  Domain* domain = find<Domain>(pool);
  if (domain == nullptr) return an_errno();
  return fill_sized(spec, domain->node().carry([&] { return domain->threads().spec(); }));
}

int an_threadpoolSetSpec(an_ThreadPool pool, an_ThreadPoolSpec spec) {
  if (on_own_thread()) return handed_over([&] { return an_threadpoolSetSpec(pool, spec); });
  Domain* domain = find_open(pool);
  if (domain == nullptr || !domain->node().allows_control()) return an_errno();
  const auto accepted = ThreadPool::accept(spec);
  if (!accepted) return fail(accepted.error());
  domain->node().worker().call([&] { domain->threads().set_spec(*accepted); });
  return AN_OK;
}

int an_threadpoolGetStats(an_ThreadPool pool, an_ThreadPoolStats* stats) {
  if (on_own_thread()) return handed_over([&] { return an_threadpoolGetStats(pool, stats); });
  Domain* domain = find<Domain>(pool);
  if (domain == nullptr || !domain->node().allows_control()) return an_errno();
  return fill_sized(stats, domain->threads().stats());
}

}  // extern "C"
