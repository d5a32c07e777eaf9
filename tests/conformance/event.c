/* SPDX-License-Identifier: Apache-2.0 */
/* Events: once, again and again, cancelled, and gone with their domain. */
#include <stdlib.h>

#include "tests/conformance/check.h"

enum { kMs = 1000000 };

typedef struct alarm_clock {
  int calls;
  uint64_t last;
  an_Domain seen;
  an_Event event;
  int cancel_at, cancel_status;
} alarm_clock;
static void ring(void* arg) {
  alarm_clock* a = (alarm_clock*)arg;
  a->calls++;
  a->last = an_timeGet(AN_TIME_MONOTONIC);
  a->seen = an_domainSelf();
  if (a->cancel_at != 0 && a->calls == a->cancel_at) a->cancel_status = an_eventCancel(a->event);
}

static void once(arena* world) {
  static alarm_clock a;
  an_Domain d = plain_domain();
  const uint64_t start = an_timeGet(AN_TIME_MONOTONIC);
  memset(&a, 0, sizeof a);
  a.event = an_eventSchedule(NULL, d, 5 * kMs, 0, ring, &a);
  EXPECT(a.event != NULL && stats_of(d).events == 1);
  arena_advance(world, 4 * kMs);
  EXPECT(a.calls == 0);
  arena_advance(world, 2 * kMs);
  EXPECT(a.calls == 1 && a.last >= start + 5 * kMs && a.seen == d);
  arena_advance(world, 20 * kMs);
  EXPECT(a.calls == 1 && stats_of(d).events == 0);
  EXPECT_STATUS(AN_EDEAD, an_eventCancel(a.event));
  an_domainDestroy(d);
}

static void at_once(arena* world) {
  static alarm_clock a;
  an_Domain d = plain_domain();
  memset(&a, 0, sizeof a);
  an_eventSchedule(NULL, d, 0, 0, ring, &a);
  arena_settle(world);
  EXPECT(a.calls == 1);
  an_domainDestroy(d);
}

static void periodic(arena* world) {
  static alarm_clock a;
  int i;
  an_Domain d = plain_domain();
  memset(&a, 0, sizeof a);
  a.event = an_eventSchedule(NULL, d, 1 * kMs, 2 * kMs, ring, &a);
  for (i = 0; i < 10; i++) arena_advance(world, 2 * kMs);
  EXPECT(a.calls >= 9 && a.calls <= 11);
  EXPECT(an_eventCancel(a.event) == AN_OK);
  i = a.calls;
  arena_advance(world, 20 * kMs);
  EXPECT(a.calls == i);
  EXPECT_STATUS(AN_EDEAD, an_eventCancel(a.event));
  an_domainDestroy(d);
}

static void late_is_not_made_up_for(arena* world) {
  static alarm_clock a;
  an_Domain d = plain_domain();
  memset(&a, 0, sizeof a);
  a.event = an_eventSchedule(NULL, d, kMs, kMs, ring, &a);
  arena_advance(world, (uint64_t)1000 * kMs);
  EXPECT(a.calls >= 1 && a.calls <= 3);
  an_domainDestroy(d);
}

static void cancels_itself(arena* world) {
  static alarm_clock a;
  int i;
  an_Domain d = plain_domain();
  memset(&a, 0, sizeof a);
  a.cancel_at = 2;
  a.cancel_status = -1;
  a.event = an_eventSchedule(NULL, d, kMs, kMs, ring, &a);
  for (i = 0; i < 6; i++) arena_advance(world, kMs);
  EXPECT(a.calls == 2 && a.cancel_status == AN_OK);
  a.calls = 0;
  a.cancel_at = 1;
  a.event = an_eventSchedule(NULL, d, kMs, 0, ring, &a);
  arena_advance(world, 2 * kMs);
  EXPECT(a.calls == 1 && a.cancel_status == AN_EDEAD); /* a one-shot is dead when it is called */
  an_domainDestroy(d);
}

static void ends_with_its_domain(arena* world) {
  static alarm_clock a;
  an_Domain d = plain_domain();
  memset(&a, 0, sizeof a);
  a.event = an_eventSchedule(NULL, d, kMs, kMs, ring, &a);
  an_domainDestroy(d);
  arena_advance(world, 10 * kMs);
  EXPECT(a.calls == 0);
  EXPECT_STATUS(AN_EDEAD, an_eventCancel(a.event));
}

static void explicit_memory(arena* world) {
  static alarm_clock a;
  void* mem = malloc(an_sizeof(AN_EVENT));
  an_Domain d = plain_domain();
  memset(&a, 0, sizeof a);
  EXPECT(an_eventSchedule(mem, d, kMs, 0, ring, &a) != NULL);
  arena_advance(world, 2 * kMs);
  EXPECT(a.calls == 1);
  memset(mem, 0xff, an_sizeof(AN_EVENT));
  a.event = an_eventSchedule(mem, d, kMs, 0, ring, &a);
  EXPECT(an_eventCancel(a.event) == AN_OK);
  free(mem);
  an_domainDestroy(d);
}

typedef struct chain {
  an_Domain domain;
  int left;
} chain;
static void schedule_next(void* arg) {
  chain* c = (chain*)arg;
  if (--c->left > 0) an_eventSchedule(NULL, c->domain, kMs, 0, schedule_next, c);
}
static void schedules_another(arena* world) {
  static chain c;
  int i;
  c.domain = plain_domain();
  c.left = 5;
  an_eventSchedule(NULL, c.domain, kMs, 0, schedule_next, &c);
  for (i = 0; i < 7; i++) arena_advance(world, kMs);
  EXPECT(c.left == 0);
  an_domainDestroy(c.domain);
}

static void wrong_arguments(arena* world) {
  an_Domain d = plain_domain();
  an_Event never;
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_eventSchedule(NULL, d, 0, 0, NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_eventCancel(NULL));
  never = an_eventSchedule(NULL, d, UINT64_MAX, UINT64_MAX, ring, NULL);
  EXPECT(never != NULL && an_eventCancel(never) == AN_OK);
  an_domainDestroy(d);
}

const check event_checks[] = {
    {"event: once", once},
    {"event: at once", at_once},
    {"event: periodic, until cancelled", periodic},
    {"event: calls that come late are not made up for", late_is_not_made_up_for},
    {"event: cancels itself", cancels_itself},
    {"event: ends with its domain", ends_with_its_domain},
    {"event: explicit memory", explicit_memory},
    {"event: schedules another", schedules_another},
    {"event: wrong arguments", wrong_arguments},
    {NULL, NULL},
};
