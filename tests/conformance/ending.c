/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a domain held is back when it is gone, under load. */
#include <time.h>

#include "tests/conformance/check.h"

/* On a busy machine each call may wait a millisecond for the worker's thread: then fewer. */
enum { kTimes = 1000, kSeconds = 3, kHeld = 2, kEvents = 3 };

typedef struct loaded {
  an_OutChan out;
  an_Packet held[kHeld];
  size_t n;
  int calls;
} loaded;

/* Keeps some, sends some on, hands some to itself, frees the rest. */
static void work(void* arg, an_Packet* packets, size_t n) {
  loaded* l = (loaded*)arg;
  size_t i;
  l->calls++;
  for (i = 0; i < n; i++) {
    if (l->n < kHeld) {
      l->held[l->n++] = packets[i];
    } else if (i % 2 != 0 || an_outchanSend(l->out, packets[i]) != AN_OK) {
      an_packetFree(packets[i]);
    }
  }
}
static void tick(void* arg) { ++*(int*)arg; }

static void flood(arena* world, int packets) {
  int i;
  for (i = 0; i < packets; i++) {
    arena_inject(world, "a", "\001to the domain", 14);
    arena_inject(world, "b", "through", 7);
  }
}
static void drain(arena* world) {
  char bytes[4];
  while (arena_take(world, "a", bytes, sizeof bytes) > 0) continue;
  while (arena_take(world, "b", bytes, sizeof bytes) > 0) continue;
}

static void comes_back_under_load(arena* world) {
  static loaded l;
  static int ticks;
  int turn, i, calls = 0;
  const time_t begin = time(NULL);
  for (turn = 0; turn < kTimes && time(NULL) - begin < kSeconds; turn++) {
    an_Domain d = plain_domain();
    an_Domain child = an_domainCreate(NULL, d, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    an_InChan in, twin;
    an_DemuxKey key = an_demuxkeyCreate(NULL, child);
    an_CutChan cut;
    an_Event e = NULL;
    memset(&l, 0, sizeof l);
    l.out = an_outchanCreate(NULL, child, "a", NULL, NULL);
    in = an_inchanCreate(NULL, child, NULL, "a/pan", NULL, NULL, NULL, NULL);
    cut = an_cutchanCreate(NULL, d, NULL, "b", NULL, NULL, "a", NULL, NULL);
    twin = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
    REQUIRE(l.out != NULL && in != NULL && cut != NULL && key != NULL &&
            twin != NULL); /* the last ones are gone */
    if (offers("connect"))
      EXPECT(an_cutchanConnect(NULL, twin, an_outchanCreate(NULL, d, "b", NULL, NULL)) != NULL);
    EXPECT(an_inchanSetVector(in, work, &l) == AN_OK && an_inchanResume(in) == AN_OK);
    for (i = 0; i < kEvents; i++) e = an_eventSchedule(NULL, child, 1000 + (uint64_t)i, 1000, tick, &ticks);
    EXPECT(e != NULL);
    flood(world, 3);
    if (turn % 3 == 0) arena_settle(world);
    if (turn % 5 == 0) EXPECT(an_domainSuspend(child) == AN_OK);
    if (turn % 7 == 0 && offers("handoff"))
      EXPECT(an_inchanHandoff(in, text_packet(d, "handed over")) == AN_OK);
    flood(world, 1);
    EXPECT(domain_adds_up(child) && domain_adds_up(d));
    EXPECT(an_domainDestroy(d) == AN_OK);
    calls += l.calls;
    EXPECT(an_eventCancel(e) == AN_EDEAD && an_inchanDestroy(in) == AN_EDEAD);
    EXPECT(an_cutchanDestroy(cut) == AN_EDEAD && an_demuxkeyDestroy(key) == AN_EDEAD);
    drain(world);
    if (l.n > 0) {
      arena_settle(world); /* nobody is about to be given the memory of a packet that is dead */
      EXPECT(an_packetFree(l.held[0]) != AN_OK);
    }
  }
  EXPECT(calls >= turn / 3); /* it was under load */
  ticks = 0;
  arena_advance(world, 1000000);
  EXPECT(ticks == 0); /* no timer is left */
}

const check ending_checks[] = {
    {"domain: all comes back under load, up to 1000 times", comes_back_under_load},
    {NULL, NULL},
};
