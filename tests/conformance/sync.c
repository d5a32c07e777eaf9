/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes and conditions, between threads, the control thread and the worker. */
#include <stdlib.h>

#include "tests/conformance/thread_check.h"

typedef struct shared {
  an_Domain domain;
  an_Mutex m;
  an_Cond c;
  int turn, rounds, count, failures;
  atomic_int waiting, left;
  atomic_int status; /* several threads may write it */
  int unlock;
} shared;
static void start(shared* s) {
  memset(s, 0, sizeof *s);
  s->domain = plain_domain();
  s->m = an_mutexCreate(NULL, s->domain);
  s->c = an_condCreate(NULL, s->domain);
  s->status = -1;
  s->unlock = -1;
  EXPECT(s->m != NULL && s->c != NULL);
}
static an_Thread with_shared(shared* s, an_ThreadFunc f) { return spawn(s->domain, f, s); }

static void* counts(void* arg) {
  shared* s = (shared*)arg;
  int i;
  for (i = 0; i < 2000; i++) {
    if (an_mutexLock(s->m) != AN_OK) return NULL;
    s->count++;
    an_mutexUnlock(s->m);
  }
  return NULL;
}
static void excludes(arena* world) {
  shared s;
  an_Thread t[4];
  size_t i;
  (void)world;
  start(&s);
  for (i = 0; i < 4; i++) t[i] = with_shared(&s, counts);
  counts(&s); /* here too */
  for (i = 0; i < 4; i++) EXPECT(join(t[i]) == AN_OK);
  EXPECT(s.count == 5 * 2000);
  an_domainDestroy(s.domain);
}

static void* tries(void* arg) {
  shared* s = (shared*)arg;
  s->status = an_mutexTryLock(s->m);
  s->unlock = an_mutexUnlock(s->m);
  return NULL;
}
static void lock_errors(arena* world) {
  shared s;
  (void)world;
  start(&s);
  EXPECT_STATUS(AN_EPERM, an_mutexUnlock(s.m));
  EXPECT(an_mutexLock(s.m) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_mutexLock(s.m));
  EXPECT_STATUS(AN_EBUSY, an_mutexTryLock(s.m));
  EXPECT(join(with_shared(&s, tries)) == AN_OK && s.status == AN_EBUSY && s.unlock == AN_EPERM);
  EXPECT(an_mutexUnlock(s.m) == AN_OK);
  EXPECT(join(with_shared(&s, tries)) == AN_OK && s.status == AN_OK && s.unlock == AN_OK);
  EXPECT(an_mutexTryLock(s.m) == AN_OK && an_mutexUnlock(s.m) == AN_OK);
  EXPECT_STATUS(AN_EPERM, an_condWait(s.c, s.m));
  EXPECT_STATUS(AN_EPERM, an_condTimedWait(s.c, s.m, 1));
  an_domainDestroy(s.domain);
}

static void dead_and_forged(arena* world) {
  void *mutex_mem = malloc(an_sizeof(AN_MUTEX)), *cond_mem = malloc(an_sizeof(AN_COND));
  an_Domain d = plain_domain();
  an_Mutex m = an_mutexCreate(mutex_mem, d);
  an_Cond c = an_condCreate(cond_mem, d);
  (void)world;
  EXPECT(an_sizeof(AN_MUTEX) > 0 && an_sizeof(AN_COND) > 0);
  EXPECT(an_mutexLock(m) == AN_OK && an_condSignal(c) == AN_OK && an_condBroadcast(c) == AN_OK);
  EXPECT(an_mutexDestroy(m) == AN_OK && an_condDestroy(c) == AN_OK);
  memset(mutex_mem, 0xff, an_sizeof(AN_MUTEX));
  memset(cond_mem, 0xff, an_sizeof(AN_COND));
  EXPECT_STATUS(AN_EDEAD, an_mutexLock(m));
  EXPECT_STATUS(AN_EDEAD, an_mutexTryLock(m));
  EXPECT_STATUS(AN_EDEAD, an_mutexUnlock(m));
  EXPECT_STATUS(AN_EDEAD, an_mutexDestroy(m));
  EXPECT_STATUS(AN_EDEAD, an_condWait(c, m));
  EXPECT_STATUS(AN_EDEAD, an_condSignal(c));
  EXPECT_STATUS(AN_EDEAD, an_condBroadcast(c));
  EXPECT_STATUS(AN_EDEAD, an_condDestroy(c));
  EXPECT_STATUS(AN_EINVAL, an_mutexLock((an_Mutex)(void*)d));
  EXPECT_STATUS(AN_EINVAL, an_condSignal((an_Cond)(void*)d));
  EXPECT_STATUS(AN_EINVAL, an_mutexUnlock(NULL));
  EXPECT_NULL(AN_EINVAL, an_mutexCreate((char*)mutex_mem + 1, d));
  EXPECT_NULL(AN_EINVAL, an_condCreate(NULL, NULL));
  an_domainDestroy(d);
  EXPECT_NULL(AN_EDEAD, an_mutexCreate(NULL, d));
  free(mutex_mem);
  free(cond_mem);
}

static void* takes_turns(void* arg) {
  shared* s = (shared*)arg;
  int i;
  for (i = 0; i < 200; i++) {
    an_mutexLock(s->m);
    while (s->turn != 1) {
      if (an_condWait(s->c, s->m) != AN_OK) s->failures++;
    }
    s->turn = 0;
    an_condSignal(s->c);
    an_mutexUnlock(s->m);
  }
  return NULL;
}
static void signals(arena* world) {
  shared s;
  int i;
  an_Thread t;
  (void)world;
  start(&s);
  t = with_shared(&s, takes_turns);
  for (i = 0; i < 200; i++) {
    EXPECT(an_mutexLock(s.m) == AN_OK);
    while (s.turn != 0) EXPECT(an_condWait(s.c, s.m) == AN_OK);
    s.turn = 1;
    EXPECT(an_condSignal(s.c) == AN_OK && an_mutexUnlock(s.m) == AN_OK);
  }
  EXPECT(join(t) == AN_OK && s.failures == 0 && s.turn == 0);
  an_domainDestroy(s.domain);
}

static void* waits(void* arg) {
  shared* s = (shared*)arg;
  int status;
  an_mutexLock(s->m);
  atomic_fetch_add(&s->waiting, 1);
  status = an_condWait(s->c, s->m);
  if (status == AN_OK) {
    s->count++;
    an_mutexUnlock(s->m);
  }
  s->status = status;
  atomic_fetch_add(&s->left, 1);
  return NULL;
}
static void one_or_all(arena* world) {
  shared s;
  an_Thread t[3];
  size_t i;
  (void)world;
  start(&s);
  for (i = 0; i < 3; i++) t[i] = with_shared(&s, waits);
  EXPECT(wait_for(&s.waiting, 3));
  EXPECT(an_mutexLock(s.m) == AN_OK); /* so all of them wait */
  EXPECT(an_condSignal(s.c) == AN_OK && an_mutexUnlock(s.m) == AN_OK);
  EXPECT(wait_for(&s.left, 1));
  an_threadSleep(5 * kMs);
  EXPECT(atomic_load(&s.left) == 1);
  EXPECT(an_condBroadcast(s.c) == AN_OK);
  for (i = 0; i < 3; i++) EXPECT(join(t[i]) == AN_OK);
  EXPECT(s.count == 3 && s.status == AN_OK);
  an_domainDestroy(s.domain);
}

static void timed(arena* world) {
  shared s;
  (void)world;
  start(&s);
  EXPECT(an_mutexLock(s.m) == AN_OK);
  EXPECT_STATUS(AN_ETIMEDOUT, an_condTimedWait(s.c, s.m, 2 * kMs));
  EXPECT_STATUS(AN_ETIMEDOUT, an_condTimedWait(s.c, s.m, 0));
  EXPECT(an_mutexUnlock(s.m) == AN_OK); /* it is held again */
  an_domainDestroy(s.domain);
}

static void* locks(void* arg) {
  shared* s = (shared*)arg;
  atomic_fetch_add(&s->waiting, 1);
  s->status = an_mutexLock(s->m);
  atomic_fetch_add(&s->left, 1);
  return NULL;
}
static void destroyed_while_waited_for(arena* world) {
  shared s;
  an_Thread t;
  (void)world;
  start(&s);
  EXPECT(an_mutexLock(s.m) == AN_OK);
  t = with_shared(&s, locks);
  EXPECT(wait_for(&s.waiting, 1));
  an_threadSleep(2 * kMs);
  EXPECT(atomic_load(&s.left) == 0);
  EXPECT(an_mutexDestroy(s.m) == AN_OK);
  EXPECT(join(t) == AN_OK && s.status == AN_EDEAD);
  s.m = an_mutexCreate(NULL, s.domain);
  t = with_shared(&s, waits);
  EXPECT(wait_for(&s.waiting, 2));
  EXPECT(an_mutexLock(s.m) == AN_OK && an_mutexUnlock(s.m) == AN_OK);
  EXPECT(an_condDestroy(s.c) == AN_OK);
  EXPECT(join(t) == AN_OK && s.status == AN_EDEAD);
  EXPECT(an_mutexTryLock(s.m) == AN_OK); /* who is sent away holds nothing */
  an_domainDestroy(s.domain);
}

static void domain_ends(arena* world) {
  shared s, other;
  an_Thread t;
  (void)world;
  start(&s); /* the waiting thread's own domain */
  EXPECT(with_shared(&s, waits) != NULL && wait_for(&s.waiting, 1));
  EXPECT(an_domainDestroy(s.domain) == AN_OK);
  EXPECT(atomic_load(&s.left) == 1 && s.status == AN_EDEAD);
  start(&s); /* the domain of what it waits for */
  start(&other);
  other.m = s.m;
  EXPECT(an_mutexLock(s.m) == AN_OK);
  t = with_shared(&other, locks);
  EXPECT(wait_for(&other.waiting, 1));
  EXPECT(an_domainDestroy(s.domain) == AN_OK);
  EXPECT(join(t) == AN_OK && other.status == AN_EDEAD);
  an_domainDestroy(other.domain);
}

static void* makes_calls_while_it_holds(void* arg) {
  shared* s = (shared*)arg;
  an_mutexLock(s->m);
  atomic_store(&s->waiting, 1);
  an_threadSleep(2 * kMs);
  s->status = an_packetFree(an_packetAlloc(s->domain, 1));
  s->unlock = an_condDestroy(an_condCreate(NULL, s->domain));
  an_mutexUnlock(s->m);
  return NULL;
}
/* Or the thread would wait for the control thread, and that for the thread. */
static void control_thread_serves_while_it_waits(arena* world) {
  shared s;
  an_Thread t;
  (void)world;
  start(&s);
  t = with_shared(&s, makes_calls_while_it_holds);
  EXPECT(wait_for(&s.waiting, 1));
  EXPECT(an_mutexLock(s.m) == AN_OK && s.status == AN_OK && s.unlock == AN_OK);
  EXPECT(an_mutexUnlock(s.m) == AN_OK && join(t) == AN_OK);
  an_domainDestroy(s.domain);
}

static void* destroys_it(void* arg) {
  shared* s = (shared*)arg;
  an_threadSleep(2 * kMs);
  s->status = an_condDestroy(s->c);
  return NULL;
}
static void destroyed_under_the_control_thread(arena* world) {
  shared s;
  an_Thread t;
  (void)world;
  start(&s);
  EXPECT(an_mutexLock(s.m) == AN_OK);
  t = with_shared(&s, destroys_it);
  EXPECT_STATUS(AN_EDEAD, an_condWait(s.c, s.m));
  EXPECT(join(t) == AN_OK && s.status == AN_OK);
  an_domainDestroy(s.domain);
}

typedef struct elsewhere {
  shared s;
  int create, lock, try_lock, unlock, wait, signal, broadcast, destroy;
} elsewhere;
static void call_elsewhere(void* arg) {
  elsewhere* e = (elsewhere*)arg;
  e->create = an_mutexCreate(NULL, e->s.domain) != NULL ? AN_OK : an_errno();
  e->lock = an_mutexLock(e->s.m);
  e->try_lock = an_mutexTryLock(e->s.m);
  e->wait = an_condTimedWait(e->s.c, e->s.m, 1);
  e->unlock = an_mutexUnlock(e->s.m);
  e->signal = an_condSignal(e->s.c);
  e->broadcast = an_condBroadcast(e->s.c);
  e->destroy = an_mutexDestroy(e->s.m);
}
static void from_the_worker(arena* world) {
  static elsewhere e;
  an_Thread t;
  start(&e.s);
  t = with_shared(&e.s, waits);
  EXPECT(wait_for(&e.s.waiting, 1));
  EXPECT(an_mutexLock(e.s.m) == AN_OK && an_mutexUnlock(e.s.m) == AN_OK);
  e.signal = -1;
  an_eventSchedule(NULL, e.s.domain, 0, 0, call_elsewhere, &e);
  arena_settle(world);
  EXPECT(e.create == AN_ENOSYS && e.lock == AN_ENOSYS && e.wait == AN_ENOSYS && e.destroy == AN_ENOSYS);
  EXPECT(e.try_lock == AN_OK && e.unlock == AN_OK && e.signal == AN_OK && e.broadcast == AN_OK);
  EXPECT(join(t) == AN_OK && e.s.status == AN_OK); /* signalled from there */
  an_domainDestroy(e.s.domain);
}
static void from_a_strange_thread(arena* world) {
  static elsewhere e;
  (void)world;
  start(&e.s);
  arena_elsewhere(call_elsewhere, &e);
  EXPECT(e.create == AN_ENOSYS && e.lock == AN_ENOSYS && e.try_lock == AN_ENOSYS && e.wait == AN_ENOSYS);
  EXPECT(e.unlock == AN_ENOSYS && e.signal == AN_ENOSYS && e.broadcast == AN_ENOSYS &&
         e.destroy == AN_ENOSYS);
  EXPECT(an_mutexTryLock(e.s.m) == AN_OK);
  an_domainDestroy(e.s.domain);
}

const check sync_checks[] = {
    {"sync: a mutex excludes", excludes},
    {"sync: lock, try, unlock: errors", lock_errors},
    {"sync: dead and forged handles, explicit memory", dead_and_forged},
    {"sync: signals, turn by turn", signals},
    {"sync: a signal wakes one, a broadcast all", one_or_all},
    {"sync: a wait that times out holds the mutex", timed},
    {"sync: destroyed while waited for", destroyed_while_waited_for},
    {"sync: a domain's end wakes who waits", domain_ends},
    {"sync: the control thread serves while it waits", control_thread_serves_while_it_waits},
    {"sync: destroyed under the waiting control thread", destroyed_under_the_control_thread},
    {"sync: from the worker", from_the_worker},
    {"sync: from a strange thread", from_a_strange_thread},
    {NULL, NULL},
};
