/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: what a domain's own threads may do, and how they end. */
#include <stdlib.h>

#include "tests/conformance/thread_check.h"

static void joined(arena* world) {
  int here;
  void* result = NULL;
  an_Domain d = plain_domain();
  an_Thread t = spawn(d, returns_its_argument, &here);
  (void)world;
  REQUIRE(t != NULL);
  EXPECT(an_threadJoin(t, &result) == AN_OK && result == &here);
  EXPECT_STATUS(AN_EDEAD, join(t));
  EXPECT_STATUS(AN_EDEAD, an_threadDetach(t));
  EXPECT(pool_stats(d).threads == 0 && pool_stats(d).threads_spawned == 1);
  an_domainDestroy(d);
}

typedef struct who {
  an_Domain domain, self, parent;
  an_Thread thread;
  int cancel, errno_before;
  uint64_t now;
} who;
static void* tells_who_it_is(void* arg) {
  who* w = (who*)arg;
  w->errno_before = an_errno();
  w->self = an_domainSelf();
  w->thread = an_threadSelf();
  w->parent = an_domainParent(w->domain);
  w->cancel = an_threadTestCancel();
  w->now = an_timeGet(AN_TIME_MONOTONIC);
  return NULL;
}
static void knows_who_it_is(arena* world) {
  who w = {0};
  an_Domain top = plain_domain();
  an_Thread t;
  (void)world;
  w.cancel = -1;
  w.domain = an_domainCreate(NULL, top, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  an_domainDestroy(NULL); /* AN_EINVAL here, not there */
  EXPECT(an_threadSelf() == NULL && an_threadTestCancel() == AN_OK);
  t = spawn(w.domain, tells_who_it_is, &w);
  EXPECT(join(t) == AN_OK);
  EXPECT(w.self == w.domain && w.thread == t && w.cancel == AN_OK && w.errno_before == AN_OK);
  EXPECT(w.parent == top);
  EXPECT(w.now == an_timeGet(AN_TIME_MONOTONIC));
  an_domainDestroy(top);
}

typedef struct worker_bee {
  an_Domain domain;
  an_OutChan out;
  int failures;
} worker_bee;
static void* uses_packets(void* arg) {
  worker_bee* b = (worker_bee*)arg;
  int i;
  for (i = 0; i < 20; i++) {
    an_Packet p = an_packetAlloc(b->domain, 0), q;
    void* at = an_packetAppend(p, 4);
    if (at == NULL) {
      b->failures++;
      continue;
    }
    memcpy(at, "work", 4);
    q = an_packetClone(p);
    if (an_packetGetLength(q) != 4 || !holds_text(q, "work")) b->failures++;
    if (an_packetFree(q) != AN_OK) b->failures++;
    if (an_packetTrim(p, 5) != AN_EINVAL || an_errno() != AN_EINVAL) b->failures++; /* errors come along */
    if (an_outchanSend(b->out, p) != AN_OK) b->failures++;
  }
  return NULL;
}
static void sends_packets(arena* world) {
  worker_bee b = {0};
  char got[16];
  int i, n = 0;
  an_Thread t;
  b.domain = plain_domain();
  b.out = an_outchanCreate(NULL, b.domain, "b", NULL, NULL);
  t = spawn(b.domain, uses_packets, &b);
  EXPECT(join(t) == AN_OK && b.failures == 0);
  arena_settle(world);
  for (i = 0; i < 30; i++) n += arena_take(world, "b", got, sizeof got) == 4 && memcmp(got, "work", 4) == 0;
  EXPECT(n == 20 && domain_adds_up(b.domain));
  an_domainDestroy(b.domain);
}

static void many_at_once(arena* world) {
  enum { kThreads = 8 };
  worker_bee b[kThreads];
  an_Thread t[kThreads];
  char got[16];
  size_t i, n = 0;
  an_Domain d = plain_domain();
  an_OutChan out = an_outchanCreate(NULL, d, "b", NULL, NULL);
  for (i = 0; i < kThreads; i++) {
    b[i].domain = d;
    b[i].out = out;
    b[i].failures = 0;
    t[i] = spawn(d, uses_packets, &b[i]);
    EXPECT(t[i] != NULL);
  }
  EXPECT(pool_stats(d).threads == kThreads);
  for (i = 0; i < kThreads; i++) EXPECT(join(t[i]) == AN_OK && b[i].failures == 0);
  arena_settle(world);
  while (arena_take(world, "b", got, sizeof got) == 4) n++;
  EXPECT(n == kThreads * 20 && domain_adds_up(d) && pool_stats(d).threads == 0);
  an_domainDestroy(d);
}

typedef struct maker {
  an_Domain domain, child, stranger, parent;
  atomic_int init_on_control;
  int out, destroy_out, destroy_child, destroy_stranger, destroy_parent, stats, spec;
} maker;
static int init_tells_its_thread(an_Domain self, void* arg) {
  maker* m = (maker*)arg;
  atomic_store(&m->init_on_control, an_domainSelf() == self && an_threadSelf() == NULL);
  return AN_OK;
}
static void* makes_things(void* arg) {
  maker* m = (maker*)arg;
  an_DomainStats s = {sizeof s};
  an_ThreadPoolSpecData spec = {sizeof spec};
  an_OutChan out = an_outchanCreate(NULL, m->domain, "a", NULL, NULL);
  m->out = out != NULL ? AN_OK : an_errno();
  m->destroy_out = an_outchanDestroy(out);
  m->child = an_domainCreate(NULL, m->domain, NULL, NULL, NULL, init_tells_its_thread, m, NULL, NULL);
  m->destroy_child = an_domainDestroy(m->child);
  m->destroy_stranger = an_domainDestroy(m->stranger);
  m->destroy_parent = an_domainDestroy(m->parent);
  m->stats = an_domainGetStats(m->domain, &s);
  m->spec = an_threadpoolGetSpec(m->domain, &spec);
  return NULL;
}
static void makes_control_calls(arena* world) {
  static maker m;
  (void)world;
  memset(&m, 0xff, sizeof m);
  m.domain = plain_domain();
  m.stranger = plain_domain();
  m.parent = an_domainParent(m.domain);
  EXPECT(join(spawn(m.domain, makes_things, &m)) == AN_OK);
  EXPECT(m.out == AN_OK && m.destroy_out == AN_OK && m.child != NULL && m.destroy_child == AN_OK);
  EXPECT(m.init_on_control == 1);
  EXPECT(m.destroy_stranger == AN_EPERM && m.destroy_parent == AN_EPERM); /* in its domain's name */
  EXPECT(m.stats == AN_OK && m.spec == AN_OK);
  an_domainDestroy(m.domain);
  an_domainDestroy(m.stranger);
}

static void deeper(void* arg) { EXPECT(an_threadExit(arg) != AN_OK); }
static void* exits(void* arg) {
  deeper(arg);
  return NULL;
}
static void exit_gives_a_result(arena* world) {
  int here;
  void* result = NULL;
  an_Domain d = plain_domain();
  (void)world;
  EXPECT(an_threadJoin(spawn(d, exits, &here), &result) == AN_OK && result == &here);
  EXPECT_STATUS(AN_ENOSYS, an_threadExit(NULL));
  EXPECT(pool_stats(d).threads == 0);
  an_domainDestroy(d);
}

static void* raises(void* arg) {
  atomic_store((atomic_int*)arg, 1);
  return NULL;
}
static void detached(arena* world) {
  atomic_int flag = 0;
  int i;
  an_Domain d = plain_domain();
  an_Thread t = spawn(d, raises, &flag);
  (void)world;
  EXPECT(an_threadDetach(t) == AN_OK);
  EXPECT(an_threadDetach(t) != AN_OK); /* detached already, or gone */
  EXPECT(join(t) != AN_OK);
  EXPECT(wait_for(&flag, 1));
  for (i = 0; i < 100; i++) { /* they leave nothing behind */
    t = spawn(d, raises, &flag);
    if (t == NULL && an_errno() == AN_ELIMIT) {
      an_threadSleep(kMs);
      continue;
    }
    REQUIRE(t != NULL);
    EXPECT(an_threadDetach(t) == AN_OK);
  }
  EXPECT(pool_stats(d).threads_spawned > 16);
  an_domainDestroy(d);
}

typedef struct sleeper {
  atomic_int started, left;
  int status, again, cancel, alloc, self_is_domain;
  an_Domain domain;
  uint64_t ns;
} sleeper;
static void* sleeps(void* arg) {
  sleeper* s = (sleeper*)arg;
  atomic_store(&s->started, 1);
  s->status = an_threadSleep(s->ns);
  s->again = an_threadSleep(1);
  s->cancel = an_threadTestCancel();
  s->alloc = an_packetAlloc(s->domain, 1) != NULL ? AN_OK : an_errno();
  s->self_is_domain = an_domainSelf() == s->domain;
  atomic_store(&s->left, 1);
  return NULL;
}
static void sleep_ends_in_time(arena* world) {
  sleeper s = {0};
  (void)world;
  s.domain = plain_domain();
  s.ns = 2 * kMs;
  EXPECT(join(spawn(s.domain, sleeps, &s)) == AN_OK);
  EXPECT(s.status == AN_OK && s.again == AN_OK && s.cancel == AN_OK && s.alloc == AN_OK);
  EXPECT(an_threadSleep(0) == AN_OK && an_threadYield() == AN_OK);
  an_domainDestroy(s.domain);
}
static void domain_ends_a_sleep(arena* world) {
  sleeper s = {0};
  an_Thread t;
  (void)world;
  s.domain = plain_domain();
  s.ns = UINT64_MAX;
  t = spawn(s.domain, sleeps, &s);
  EXPECT(wait_for(&s.started, 1));
  EXPECT(an_domainDestroy(s.domain) == AN_OK);
  EXPECT(atomic_load(&s.left) == 1); /* it was waited for */
  EXPECT(s.status == AN_EDEAD && s.again == AN_EDEAD && s.cancel == AN_EDEAD && s.alloc == AN_EDEAD);
  EXPECT(s.self_is_domain);
  EXPECT_STATUS(AN_EDEAD, join(t));
}

typedef struct computer {
  atomic_int started, stop, left;
  an_Domain domain;
  int cancel, call;
} computer;
static void* computes(void* arg) {
  computer* c = (computer*)arg;
  atomic_store(&c->started, 1);
  while ((c->cancel = an_threadTestCancel()) == AN_OK) {
  }
  atomic_store(&c->left, 1);
  return NULL;
}
static void* does_not_listen(void* arg) {
  computer* c = (computer*)arg;
  atomic_store(&c->started, 1);
  while (!atomic_load(&c->stop)) {
  }
  c->call = an_domainDestroy(c->domain);
  c->cancel = an_threadTestCancel();
  atomic_store(&c->left, 1);
  return NULL;
}
static void computing_is_cancelled(arena* world) {
  computer c = {0};
  (void)world;
  c.domain = plain_domain();
  EXPECT(spawn(c.domain, computes, &c) != NULL && wait_for(&c.started, 1));
  EXPECT(an_domainDestroy(c.domain) == AN_OK && atomic_load(&c.left) == 1 && c.cancel == AN_EDEAD);
}
static void does_not_return(arena* world) {
  static computer c;
  (void)world;
  memset(&c, 0, sizeof c);
  c.domain = plain_domain();
  EXPECT(spawn(c.domain, does_not_listen, &c) != NULL && wait_for(&c.started, 1));
  EXPECT(an_domainDestroy(c.domain) == AN_OK); /* goes on without it, after a while */
  EXPECT(atomic_load(&c.left) == 0);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(c.domain));
  atomic_store(&c.stop, 1);
  EXPECT(wait_for(&c.left, 1) && c.call == AN_EDEAD && c.cancel == AN_EDEAD);
}

typedef struct suicide {
  an_Domain domain, child;
  atomic_int left;
  int child_status, status, after;
} suicide;
static void* ends_its_domain(void* arg) {
  suicide* s = (suicide*)arg;
  s->child_status = an_domainDestroy(s->child);
  s->status = an_domainDestroy(s->domain);
  s->after = an_threadTestCancel();
  atomic_store(&s->left, 1);
  return NULL;
}
static void reason_is(an_Domain ended, an_TermReason reason, void* arg) {
  (void)ended;
  *(int*)arg = (int)reason;
}
static void ends_its_own_domain(arena* world) {
  static suicide s;
  int reason = 0;
  (void)world;
  memset(&s, 0, sizeof s);
  s.domain = an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, reason_is, &reason);
  s.child = an_domainCreate(NULL, s.domain, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  EXPECT(spawn(s.domain, ends_its_domain, &s) != NULL && wait_for(&s.left, 1));
  EXPECT(s.child_status == AN_OK && s.status == AN_OK && s.after == AN_EDEAD);
  EXPECT(reason == AN_TERM_DESTROYED);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(s.domain));
}

static void ends_with_an_ancestor(arena* world) {
  sleeper s = {0}, below = {0};
  an_Domain child;
  (void)world;
  s.domain = plain_domain();
  child = an_domainCreate(NULL, s.domain, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  below.domain = child;
  s.ns = below.ns = UINT64_MAX;
  EXPECT(spawn(s.domain, sleeps, &s) != NULL && spawn(child, sleeps, &below) != NULL);
  EXPECT(wait_for(&s.started, 1) && wait_for(&below.started, 1));
  EXPECT(an_domainDestroy(s.domain) == AN_OK);
  EXPECT(atomic_load(&s.left) == 1 && atomic_load(&below.left) == 1 && below.status == AN_EDEAD);
}

static void* joins_another(void* arg) {
  void* result = NULL;
  const int status = an_threadJoin((an_Thread)arg, &result);
  return (void*)(uintptr_t)(status == AN_OK ? (uintptr_t)result + 1 : 0);
}
static void* joins_itself(void* arg) {
  *(int*)arg = join(an_threadSelf());
  return NULL;
}
static void joins(arena* world) {
  int status = -1;
  void* result = NULL;
  sleeper s = {0};
  an_Thread t;
  an_Domain d = plain_domain();
  (void)world;
  t = spawn(d, returns_its_argument, (void*)(uintptr_t)41);
  EXPECT(an_threadJoin(spawn(d, joins_another, t), &result) == AN_OK && result == (void*)(uintptr_t)42);
  EXPECT_STATUS(AN_EDEAD, join(t));
  EXPECT(join(spawn(d, joins_itself, &status)) == AN_OK && status == AN_EINVAL);
  s.domain = plain_domain();
  s.ns = UINT64_MAX;
  t = spawn(d, joins_another, spawn(s.domain, sleeps, &s));
  EXPECT(wait_for(&s.started, 1));
  EXPECT(an_domainDestroy(s.domain) == AN_OK); /* the join ends with it */
  EXPECT(an_threadJoin(t, &result) == AN_OK && result == NULL);
  EXPECT_STATUS(AN_EINVAL, join(NULL));
  EXPECT_STATUS(AN_EINVAL, join((an_Thread)(void*)d));
  EXPECT_STATUS(AN_EINVAL, an_threadDetach((an_Thread)(void*)d));
  an_domainDestroy(d);
}

typedef struct elsewhere {
  an_Domain domain;
  an_Thread thread;
  int spawn, sleep, yield, join, exit, cancel, mine;
} elsewhere;
static void call_elsewhere(void* arg) {
  elsewhere* e = (elsewhere*)arg;
  e->spawn = spawn(e->domain, returns_its_argument, NULL) != NULL ? AN_OK : an_errno();
  e->sleep = an_threadSleep(1);
  e->yield = an_threadYield();
  e->join = join(e->thread);
  e->exit = an_threadExit(NULL);
  e->cancel = an_threadTestCancel();
  e->mine = an_threadSelf() != NULL;
}
static void on_the_worker(arena* world) {
  static elsewhere e;
  memset(&e, 0xff, sizeof e);
  e.domain = plain_domain();
  e.thread = spawn(e.domain, returns_its_argument, NULL);
  an_eventSchedule(NULL, e.domain, 0, 0, call_elsewhere, &e);
  arena_settle(world);
  EXPECT(e.spawn == AN_ENOSYS && e.sleep == AN_ENOSYS && e.yield == AN_ENOSYS);
  EXPECT(e.join == AN_ENOSYS && e.exit == AN_ENOSYS && e.cancel == AN_OK && e.mine == 0);
  EXPECT(join(e.thread) == AN_OK);
  an_domainDestroy(e.domain);
}
static void on_a_strange_thread(arena* world) {
  elsewhere e;
  (void)world;
  memset(&e, 0xff, sizeof e);
  e.domain = plain_domain();
  e.thread = spawn(e.domain, returns_its_argument, NULL);
  arena_elsewhere(call_elsewhere, &e);
  EXPECT(e.spawn == AN_ENOSYS && e.sleep == AN_ENOSYS && e.yield == AN_ENOSYS);
  EXPECT(e.join == AN_ENOSYS && e.exit == AN_ENOSYS && e.cancel == AN_ENOSYS && e.mine == 0);
  EXPECT(join(e.thread) == AN_OK);
  an_domainDestroy(e.domain);
}

static void spawn_errors(arena* world) {
  void* mem = malloc(an_sizeof(AN_THREAD));
  an_Domain d = plain_domain();
  an_Thread t;
  (void)world;
  EXPECT(an_sizeof(AN_THREAD) > 0);
  EXPECT_NULL(AN_EINVAL, spawn(d, NULL, NULL));
  EXPECT_NULL(AN_EINVAL, spawn(NULL, returns_its_argument, NULL));
  EXPECT_NULL(AN_EINVAL, an_threadSpawn((char*)mem + 1, d, returns_its_argument, NULL));
  t = an_threadSpawn(mem, d, returns_its_argument, NULL);
  EXPECT(t != NULL && join(t) == AN_OK);
  memset(mem, 0xff, an_sizeof(AN_THREAD));
  EXPECT_STATUS(AN_EDEAD, join(t));
  EXPECT(pool_stats(d).threads == 0 && pool_stats(d).threads_spawned == 1);
  an_domainDestroy(d);
  EXPECT_NULL(AN_EDEAD, spawn(d, returns_its_argument, NULL));
  free(mem);
}

static computer left_behind;
static void node_stops_with_threads(arena* world) {
  (void)world;
  memset(&left_behind, 0, sizeof left_behind);
  left_behind.domain = plain_domain();
  EXPECT(spawn(left_behind.domain, computes, &left_behind) != NULL && wait_for(&left_behind.started, 1));
}
static void threads_ended_with_the_node(arena* world) {
  (void)world;
  EXPECT(atomic_load(&left_behind.left) == 1 && left_behind.cancel == AN_EDEAD);
}

const check thread_checks[] = {
    {"thread: joined, with its result", joined},
    {"thread: knows who it is", knows_who_it_is},
    {"thread: sends packets", sends_packets},
    {"thread: many at once", many_at_once},
    {"thread: makes control calls, in its domain's name", makes_control_calls},
    {"thread: exit gives a result", exit_gives_a_result},
    {"thread: detached ones leave nothing behind", detached},
    {"thread: a sleep ends in time", sleep_ends_in_time},
    {"thread: the domain's end ends a sleep, and every call", domain_ends_a_sleep},
    {"thread: one that computes is told", computing_is_cancelled},
    {"thread: one that does not return is left behind", does_not_return},
    {"thread: ends its own domain", ends_its_own_domain},
    {"thread: ends with an ancestor", ends_with_an_ancestor},
    {"thread: joins another, not itself", joins},
    {"thread: calls on the worker", on_the_worker},
    {"thread: calls on a strange thread", on_a_strange_thread},
    {"thread: spawn's errors, explicit memory", spawn_errors},
    {"thread: the node stops with threads (1)", node_stops_with_threads},
    {"thread: the node stops with threads (2)", threads_ended_with_the_node},
    {NULL, NULL},
};
