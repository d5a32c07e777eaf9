/* SPDX-License-Identifier: Apache-2.0 */
/* Thread pools: specifications, and what they bound and count. */
#include "tests/conformance/thread_check.h"

static an_ThreadPoolSpecData spec_with(void) {
  an_ThreadPoolSpecData spec;
  memset(&spec, 0, sizeof spec);
  spec.size = sizeof spec;
  return spec;
}
static void specs(arena* world) {
  an_ThreadPoolSpecData spec = spec_with(), got = spec_with();
  an_Domain d = plain_domain();
  (void)world;
  EXPECT(an_threadpoolGetSpec(d, &got) == AN_OK);
  EXPECT(got.policy == AN_SCHED_NODE && got.weight == 1 && got.max_threads == 16 &&
         got.stack_size == 1 << 20);
  spec.weight = 7;
  spec.importance = 2;
  spec.max_threads = 3;
  spec.longest_run_ns = 5 * kMs;
  spec.stack_size = 256 << 10;
  EXPECT(an_threadpoolSetSpec(d, &spec) == AN_OK && an_threadpoolGetSpec(d, &got) == AN_OK);
  EXPECT(memcmp(&got, &spec, sizeof spec) == 0);
  EXPECT(an_threadpoolSetSpec(d, NULL) == AN_OK && an_threadpoolGetSpec(d, &got) == AN_OK);
  EXPECT(got.weight == 1 && got.longest_run_ns == 0);
  an_domainDestroy(d);
  d = an_domainCreate(NULL, NULL, NULL, &spec, NULL, NULL, NULL, NULL, NULL);
  EXPECT(an_threadpoolGetSpec(d, &got) == AN_OK && memcmp(&got, &spec, sizeof spec) == 0);
  an_domainDestroy(d);
  EXPECT_STATUS(AN_EDEAD, an_threadpoolGetSpec(d, &got));
  EXPECT_STATUS(AN_EDEAD, an_threadpoolSetSpec(d, &spec));
}

static void of_its_domain(arena* world) {
  an_ThreadPoolSpecData spec = spec_with(), got = spec_with();
  an_ThreadPoolStats stats = {sizeof stats};
  an_Domain d = plain_domain(), other = plain_domain();
  an_ThreadPool pool = an_domainGetThreadPool(d);
  (void)world;
  REQUIRE(pool != NULL && pool != an_domainGetThreadPool(other)); /* one to one */
  spec.max_threads = 5;
  EXPECT(an_threadpoolSetSpec(pool, &spec) == AN_OK);
  EXPECT(an_threadpoolGetSpec(d, &got) == AN_OK && got.max_threads == 5);
  EXPECT(an_threadpoolGetSpec(an_domainGetThreadPool(other), &got) == AN_OK && got.max_threads == 16);
  EXPECT(an_threadpoolGetStats(pool, &stats) == AN_OK && stats.threads == 0);
  an_domainDestroy(d);
  EXPECT_STATUS(AN_EDEAD, an_threadpoolGetSpec(pool, &got));
  EXPECT_NULL(AN_EDEAD, an_domainGetThreadPool(d));
  EXPECT_NULL(AN_EINVAL, an_domainGetThreadPool(NULL));
  an_domainDestroy(other);
}

static void wrong_specs(arena* world) {
  static const struct {
    an_SchedPolicy policy;
    const char* feature;
  } policies[] = {{AN_SCHED_NODE, "policy_node"},
                  {AN_SCHED_PRIORITY, "policy_priority"},
                  {AN_SCHED_EDF, "policy_edf"},
                  {AN_SCHED_WFQ, "policy_wfq"},
                  {AN_SCHED_BERT, "policy_bert"}};
  an_ThreadPoolSpecData spec = spec_with(), got = spec_with();
  an_ThreadPoolStats stats = {0};
  size_t i;
  an_Domain d = plain_domain();
  (void)world;
  for (i = 0; i < sizeof policies / sizeof *policies; i++) {
    uint64_t offered = 99;
    int status;
    spec.policy = policies[i].policy;
    EXPECT(an_nodeInfo(policies[i].feature, &offered) == AN_OK && offered <= 1);
    status = an_threadpoolSetSpec(d, &spec);
    EXPECT(status == (offered ? AN_OK : AN_ENOSYS));
  }
  EXPECT(an_threadpoolSetSpec(d, NULL) == AN_OK);
  spec = spec_with();
  spec.policy = (an_SchedPolicy)17;
  EXPECT_STATUS(AN_EINVAL, an_threadpoolSetSpec(d, &spec));
  EXPECT_NULL(AN_EINVAL, an_domainCreate(NULL, NULL, NULL, &spec, NULL, NULL, NULL, NULL, NULL));
  spec = spec_with();
  spec.size = 3;
  EXPECT_STATUS(AN_EINVAL, an_threadpoolSetSpec(d, &spec));
  spec = spec_with();
  spec.stack_size = 100;
  EXPECT_STATUS(AN_EINVAL, an_threadpoolSetSpec(d, &spec));
  spec = spec_with();
  spec.max_threads = 100000;
  EXPECT_STATUS(AN_EINVAL, an_threadpoolSetSpec(d, &spec));
  spec = spec_with();
  spec.longest_run_ns = UINT64_MAX;
  EXPECT_STATUS(AN_EINVAL, an_threadpoolSetSpec(d, &spec));
  EXPECT(an_threadpoolGetSpec(d, &got) == AN_OK && got.max_threads == 16); /* nothing was changed */
  EXPECT_STATUS(AN_EINVAL, an_threadpoolGetSpec(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_threadpoolGetStats(d, &stats));
  EXPECT_STATUS(AN_EINVAL, an_threadpoolGetStats(NULL, &stats));
  an_domainDestroy(d);
}

static void* sleeps(void* arg) {
  an_threadSleep(kMs);
  return arg;
}
static void at_most_so_many(arena* world) {
  an_ThreadPoolSpecData spec = spec_with();
  an_Thread one, two;
  an_Domain d;
  (void)world;
  spec.max_threads = 2;
  d = an_domainCreate(NULL, NULL, NULL, &spec, NULL, NULL, NULL, NULL, NULL);
  one = spawn(d, sleeps, NULL);
  two = spawn(d, returns_its_argument, NULL);
  EXPECT(one != NULL && two != NULL);
  EXPECT_NULL(AN_ELIMIT, spawn(d, returns_its_argument, NULL));
  EXPECT(join(two) == AN_OK);
  EXPECT(join(spawn(d, returns_its_argument, NULL)) == AN_OK);
  EXPECT(join(one) == AN_OK && pool_stats(d).threads_spawned == 3);
  an_domainDestroy(d);
}

static void* uses_its_stack(void* arg) {
  volatile char bytes[6 << 20];
  size_t i;
  (void)arg;
  for (i = 0; i < sizeof bytes; i += 1024) bytes[i] = 1;
  return (void*)(uintptr_t)bytes[1024];
}
static void stack_size(arena* world) {
  an_ThreadPoolSpecData spec = spec_with();
  void* result = NULL;
  an_Domain d;
  (void)world;
  spec.stack_size = 12 << 20;
  d = an_domainCreate(NULL, NULL, NULL, &spec, NULL, NULL, NULL, NULL, NULL);
  EXPECT(an_threadJoin(spawn(d, uses_its_stack, NULL), &result) == AN_OK && result == (void*)(uintptr_t)1);
  an_domainDestroy(d);
}

static void stacks_are_charged(arena* world) {
  an_ThreadPoolSpecData spec = spec_with();
  an_MemPoolStats s = {sizeof s};
  uint64_t before;
  an_Thread t;
  an_Domain owner = plain_domain(), d;
  an_MemPool pool = an_mempoolCreate(NULL, owner, 8 << 20, NULL, NULL, UINT64_MAX);
  (void)world;
  spec.stack_size = 5 << 20;
  d = an_domainCreate(NULL, owner, NULL, &spec, pool, NULL, NULL, NULL, NULL);
  EXPECT(an_mempoolGetStats(pool, &s) == AN_OK);
  before = s.objects;
  t = spawn(d, returns_its_argument, NULL);
  EXPECT(an_mempoolGetStats(pool, &s) == AN_OK && s.objects == before + (5 << 20) + an_sizeof(AN_THREAD));
  EXPECT_NULL(AN_ELIMIT, spawn(d, returns_its_argument, NULL));
  EXPECT(join(t) == AN_OK && an_mempoolGetStats(pool, &s) == AN_OK && s.objects == before);
  an_domainDestroy(owner);
}

static void* burns_time(void* arg) {
  volatile uint64_t n = 0;
  (void)arg;
  while (n < 5000000) n++;
  return NULL;
}
static void time_is_counted(arena* world) {
  an_Thread t;
  uint64_t while_it_runs;
  an_Domain d = plain_domain();
  (void)world;
  t = spawn(d, burns_time, NULL);
  while_it_runs = pool_stats(d).thread_ns;
  EXPECT(join(t) == AN_OK);
  EXPECT(pool_stats(d).thread_ns > kMs && pool_stats(d).thread_ns >= while_it_runs);
  an_domainDestroy(d);
}

typedef struct slow {
  arena* world;
  uint64_t takes_ns;
  int calls, reason, ended;
} slow;
static void slow_ended(an_Domain d, an_TermReason reason, void* arg) {
  slow* s = (slow*)arg;
  (void)d;
  s->ended++;
  s->reason = (int)reason;
}
static void slow_event(void* arg) {
  slow* s = (slow*)arg;
  s->calls++;
  arena_pass(s->world, s->takes_ns);
}
static void slow_delivery(void* arg, an_Packet p) {
  slow* s = (slow*)arg;
  s->calls++;
  arena_pass(s->world, s->takes_ns);
  an_packetFree(p);
}
static an_Domain slow_domain(slow* s, arena* world) {
  an_ThreadPoolSpecData spec = spec_with();
  memset(s, 0, sizeof *s);
  s->world = world;
  spec.longest_run_ns = 10 * kMs;
  return an_domainCreate(NULL, NULL, NULL, &spec, NULL, NULL, NULL, slow_ended, s);
}
static void longest_run_of_an_event(arena* world) {
  static slow s;
  an_Domain d = slow_domain(&s, world);
  s.takes_ns = 9 * kMs;
  EXPECT(an_eventSchedule(NULL, d, 0, 100 * kMs, slow_event, &s) != NULL);
  arena_settle(world);
  EXPECT(s.calls == 1 && s.ended == 0 && pool_stats(d).overruns == 0);
  s.takes_ns = 11 * kMs;
  arena_advance(world, 100 * kMs);
  EXPECT(s.calls == 2 && s.ended == 1 && s.reason == AN_TERM_VIOLATION);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(d));
  arena_advance(world, 500 * kMs);
  EXPECT(s.calls == 2);
}
static void longest_run_of_a_delivery(arena* world) {
  static slow s;
  int i;
  an_Domain d = slow_domain(&s, world);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, slow_delivery, &s) != NULL);
  s.takes_ns = kMs;
  for (i = 0; i < 3; i++) arena_inject(world, "a", "slow", 4);
  arena_settle(world);
  EXPECT(s.calls == 3 && s.ended == 0);
  s.takes_ns = 20 * kMs;
  arena_inject(world, "a", "slow", 4);
  arena_settle(world);
  EXPECT(s.calls == 4 && s.ended == 1 && s.reason == AN_TERM_VIOLATION);
  arena_inject(world, "a", "slow", 4);
  arena_settle(world);
  EXPECT(s.calls == 4);
}
static void no_longest_run(arena* world) {
  static slow s;
  an_Domain d = slow_domain(&s, world);
  EXPECT(an_threadpoolSetSpec(d, NULL) == AN_OK);
  s.takes_ns = 1000 * kMs;
  an_eventSchedule(NULL, d, 0, 0, slow_event, &s);
  arena_settle(world);
  EXPECT(s.calls == 1 && s.ended == 0 && pool_stats(d).overruns == 0);
  an_domainDestroy(d);
}

const check thread_pool_checks[] = {
    {"thread: specifications", specs},
    {"thread: a pool is its domain's", of_its_domain},
    {"thread: wrong specifications change nothing", wrong_specs},
    {"thread: at most so many", at_most_so_many},
    {"thread: the size of a stack", stack_size},
    {"thread: stacks are charged", stacks_are_charged},
    {"thread: time is counted", time_is_counted},
    {"thread: the longest run of an event", longest_run_of_an_event},
    {"thread: the longest run of a delivery", longest_run_of_a_delivery},
    {"thread: no longest run", no_longest_run},
    {NULL, NULL},
};
