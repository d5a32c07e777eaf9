/* SPDX-License-Identifier: Apache-2.0 */
/* Domains that rest, and their children. */
#include "tests/conformance/check.h"

static an_Domain child_of(an_Domain parent) {
  return an_domainCreate(NULL, parent, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}
static void free_all(inbox* box) {
  size_t i;
  for (i = 0; i < box->count; i++) an_packetFree(box->packets[i]);
  box->count = 0;
}
static void count_one(void* arg) { ++*(int*)arg; }

static void lists_children(arena* world) {
  an_Domain d = plain_domain(), all[3] = {NULL, NULL, NULL}, first = child_of(d), second = child_of(d);
  size_t n = 99;
  (void)world;
  EXPECT(an_domainChildren(d, all, 3, &n) == AN_OK && n == 2);
  EXPECT(all[0] == first && all[1] == second && all[2] == NULL);
  EXPECT(an_domainChildren(d, all, 1, &n) == AN_OK && n == 2);
  EXPECT(an_domainChildren(d, NULL, 0, &n) == AN_OK && n == 2);
  EXPECT(an_domainChildren(first, all, 3, &n) == AN_OK && n == 0);
  EXPECT_STATUS(AN_EINVAL, an_domainChildren(d, NULL, 1, &n));
  EXPECT_STATUS(AN_EINVAL, an_domainChildren(d, all, 3, NULL));
  EXPECT_STATUS(AN_EINVAL, an_domainChildren(NULL, all, 3, &n));
  an_domainDestroy(d);
  EXPECT_STATUS(AN_EDEAD, an_domainChildren(d, all, 3, &n));
}

static void nothing_runs(arena* world) {
  static inbox box;
  static int once, often;
  int i;
  an_NetSpecData spec = {sizeof spec, 8};
  an_Domain d = plain_domain();
  once = often = 0;
  memset(&box, 0, sizeof box);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, &spec, keep_one, &box) != NULL);
  EXPECT(an_cutchanCreate(NULL, d, NULL, "b", NULL, NULL, "a", NULL, NULL) != NULL);
  EXPECT(an_eventSchedule(NULL, d, 1000, 0, count_one, &once) != NULL);
  EXPECT(an_eventSchedule(NULL, d, 1000, 1000, count_one, &often) != NULL);
  EXPECT(an_domainSuspend(d) == AN_OK && an_domainSuspend(d) == AN_OK);
  EXPECT(stats_of(d).suspended == 1);
  for (i = 0; i < 20; i++) arena_inject(world, "a", &i, 4);
  arena_inject(world, "b", "cut", 3);
  arena_advance(world, 10000);
  EXPECT(box.count == 0 && once == 0 && often == 0);
  EXPECT(stats_of(d).packets_waiting == 9); /* 8, and the one that is cut through */
  EXPECT(an_domainResume(d) == AN_OK && stats_of(d).suspended == 0);
  arena_settle(world);
  EXPECT(box.count == 8 && once == 1 && often == 1); /* what was missed is not made up for */
  arena_advance(world, 1000);
  EXPECT(often == 2 && stats_of(d).packets_waiting == 0);
  EXPECT(domain_adds_up(d));
  free_all(&box);
  an_domainDestroy(d);
}

static void made_while_suspended(arena* world) {
  static inbox box;
  an_Domain d = plain_domain();
  memset(&box, 0, sizeof box);
  EXPECT(an_domainSuspend(d) == AN_OK);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box) != NULL);
  arena_inject(world, "a", "x", 1);
  arena_settle(world);
  EXPECT(box.count == 0);
  EXPECT(an_domainResume(d) == AN_OK);
  arena_settle(world);
  EXPECT(box.count == 1);
  free_all(&box);
  an_domainDestroy(d);
}

static void channel_stays_suspended(arena* world) {
  static inbox box;
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box);
  an_ChanStats s = {sizeof s};
  memset(&box, 0, sizeof box);
  EXPECT(an_inchanSuspend(c) == AN_OK && an_domainSuspend(d) == AN_OK && an_domainResume(d) == AN_OK);
  arena_inject(world, "a", "x", 1);
  arena_settle(world);
  EXPECT(box.count == 0 && an_inchanGetStats(c, &s) == AN_OK && s.suspended == 1);
  EXPECT(an_domainSuspend(d) == AN_OK && an_inchanResume(c) == AN_OK);
  arena_settle(world);
  EXPECT(box.count == 0);
  EXPECT(an_domainResume(d) == AN_OK);
  arena_settle(world);
  EXPECT(box.count == 1 && an_inchanGetStats(c, &s) == AN_OK && s.suspended == 0);
  free_all(&box);
  an_domainDestroy(d);
}

typedef struct sleeper {
  an_Domain self, parent;
  int suspended, resumed, parents;
  inbox box;
} sleeper;
static void keep_and_sleep(void* arg, an_Packet p) {
  sleeper* s = (sleeper*)arg;
  keep_one(&s->box, p);
  s->suspended = an_domainSuspend(s->self);
  s->resumed = an_domainResume(s->self);
  s->parents = an_domainSuspend(s->parent);
}
static void suspends_itself(arena* world) {
  static sleeper s;
  memset(&s, 0, sizeof s);
  s.parent = plain_domain();
  s.self = child_of(s.parent);
  EXPECT(an_inchanCreate(NULL, s.self, NULL, "a", NULL, NULL, keep_and_sleep, &s) != NULL);
  arena_inject(world, "a", "1", 1);
  arena_settle(world);
  EXPECT(s.box.count == 1 && s.suspended == AN_OK);
  EXPECT(s.resumed == AN_EPERM && s.parents == AN_EPERM);
  arena_inject(world, "a", "2", 1);
  arena_settle(world);
  EXPECT(s.box.count == 1);
  EXPECT(an_domainResume(s.self) == AN_OK);
  arena_settle(world);
  EXPECT(s.box.count == 2);
  free_all(&s.box);
  an_domainDestroy(s.parent);
}

static void descendants_go_on(arena* world) {
  static inbox box;
  an_Domain d = plain_domain(), child = child_of(d);
  memset(&box, 0, sizeof box);
  EXPECT(an_inchanCreate(NULL, child, NULL, "a", NULL, NULL, keep_one, &box) != NULL);
  EXPECT(an_domainSuspend(d) == AN_OK);
  arena_inject(world, "a", "x", 1);
  arena_settle(world);
  EXPECT(box.count == 1);
  free_all(&box);
  an_domainDestroy(d);
}

static void destroyed_while_suspended(arena* world) {
  static inbox box;
  static int once;
  int i;
  an_Domain d = plain_domain();
  once = 0;
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box) != NULL);
  EXPECT(an_eventSchedule(NULL, d, 1000, 0, count_one, &once) != NULL);
  EXPECT(an_domainSuspend(d) == AN_OK);
  for (i = 0; i < 20; i++) arena_inject(world, "a", &i, 4);
  arena_advance(world, 10000);
  EXPECT(an_domainDestroy(d) == AN_OK);
  arena_advance(world, 10000);
  EXPECT(once == 0);
  EXPECT_STATUS(AN_EDEAD, an_domainSuspend(d));
  EXPECT_STATUS(AN_EDEAD, an_domainResume(d));
  EXPECT_STATUS(AN_EINVAL, an_domainSuspend(NULL));
}

static void root_runs(arena* world) {
  an_Domain d = plain_domain();
  (void)world;
  EXPECT_STATUS(AN_EPERM, an_domainSuspend(an_domainParent(d)));
  EXPECT_STATUS(AN_EPERM, an_domainResume(an_domainParent(d)));
  an_domainDestroy(d);
}

const check suspend_checks[] = {
    {"domain: lists its children", lists_children},
    {"suspend: nothing of the domain runs", nothing_runs},
    {"suspend: what is made meanwhile rests too", made_while_suspended},
    {"suspend: a channel stays suspended by itself", channel_stays_suspended},
    {"suspend: a domain may suspend itself, not resume", suspends_itself},
    {"suspend: descendants go on", descendants_go_on},
    {"suspend: destroyed meanwhile", destroyed_while_suspended},
    {"suspend: not the root", root_runs},
    {NULL, NULL},
};
