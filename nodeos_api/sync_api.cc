// SPDX-License-Identifier: Apache-2.0
// The calls on mutexes and conditions, at the C border.  But for create and destroy they run
// on the caller's own thread.
#include "nodeos_api/control_api.h"
#include "nodeos_api/sync_object.h"

namespace weft {

namespace {

// Null, with the failure noted.
template <typename T>
auto core_of(typename T::Handle handle) {
  const Pinned<T> object(handle);
  return object && is_known_thread() ? object->core() : nullptr;
}

int noted(an_Status status) {
  switch (status) {
    case AN_OK:
      return AN_OK;
    case AN_EDEAD:
      return fail(status, "the mutex or condition was destroyed, or the domain of this thread has ended");
    case AN_EPERM:
      return fail(status, "this thread does not hold the mutex");
    case AN_EBUSY:
      return fail(status, "the mutex is held");
    case AN_EINVAL:
      return fail(status, "this thread holds the mutex already");
    case AN_ETIMEDOUT:
      return fail(status, "nobody signalled in time");
    default:
      return fail(AN_EIO, "waiting failed");
  }
}

template <typename T>
typename T::Handle create(void* mem, an_Domain d) {
  Domain* domain = creator(d);
  if (domain == nullptr) return nullptr;
  T* object = T::make(mem, *domain);
  if (object == nullptr) return nullptr;
  domain->add(*object);
  return object->handle();
}

int wait(an_Cond c, an_Mutex m, Deadline until) {
  Waiter* self = waiter_here();
  if (self == nullptr) return an_errno();
  const auto condition = core_of<ConditionObject>(c);
  const auto mutex = condition ? core_of<MutexObject>(m) : nullptr;
  if (!mutex) return an_errno();
  if (!mutex->is_held_here()) return noted(AN_EPERM);
  return noted(condition->wait(*self, *mutex, until));
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

an_Mutex an_mutexCreate(void* mem, an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_mutexCreate(mem, d); });
  return create<MutexObject>(mem, d);
}

int an_mutexDestroy(an_Mutex m) { return destroy<MutexObject>(m); }

int an_mutexLock(an_Mutex m) {
  const auto mutex = core_of<MutexObject>(m);
  if (!mutex) return an_errno();
  Waiter* self = waiter_here();
  return self != nullptr ? noted(mutex->lock(*self)) : an_errno();
}

int an_mutexTryLock(an_Mutex m) {
  const auto mutex = core_of<MutexObject>(m);
  return mutex ? noted(mutex->try_lock()) : an_errno();
}

int an_mutexUnlock(an_Mutex m) {
  const auto mutex = core_of<MutexObject>(m);
  return mutex ? noted(mutex->unlock()) : an_errno();
}

an_Cond an_condCreate(void* mem, an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_condCreate(mem, d); });
  return create<ConditionObject>(mem, d);
}

int an_condDestroy(an_Cond c) { return destroy<ConditionObject>(c); }

int an_condWait(an_Cond c, an_Mutex m) { return wait(c, m, kNever); }
int an_condTimedWait(an_Cond c, an_Mutex m, uint64_t timeout_ns) {
  return wait(c, m, deadline_in(timeout_ns));
}

int an_condSignal(an_Cond c) {
  const auto condition = core_of<ConditionObject>(c);
  if (!condition) return an_errno();
  condition->signal();
  return AN_OK;
}

int an_condBroadcast(an_Cond c) {
  const auto condition = core_of<ConditionObject>(c);
  if (!condition) return an_errno();
  condition->broadcast();
  return AN_OK;
}

}  // extern "C"
