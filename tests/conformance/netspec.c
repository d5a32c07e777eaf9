/* SPDX-License-Identifier: Apache-2.0 */
/* What a NetSpec bounds: queues, what goes when they are full, rates, priorities. */
#include "tests/conformance/check.h"

enum { SECOND = 1000000000 };

static an_NetSpecData spec_of(uint64_t rate_bits, uint64_t burst_bytes) {
  an_NetSpecData s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.rate_bits = rate_bits;
  s.burst_bytes = burst_bytes;
  return s;
}
static an_ChanStats in_stats(an_InChan c) {
  an_ChanStats s = {sizeof s};
  EXPECT(an_inchanGetStats(c, &s) == AN_OK);
  return s;
}
static an_ChanStats out_stats(an_OutChan c) {
  an_ChanStats s = {sizeof s};
  EXPECT(an_outchanGetStats(c, &s) == AN_OK);
  return s;
}
static void free_all(inbox* box) {
  size_t i;
  for (i = 0; i < box->count; i++) an_packetFree(box->packets[i]);
  box->count = 0;
}
/* Sends packets of `length` until one is refused.  Returns how many went; `why` of the refusal. */
static int send_until_refused(an_Domain d, an_OutChan c, size_t length, int most, int* why) {
  int sent = 0;
  *why = AN_OK;
  while (sent < most) {
    an_Packet p = an_packetAlloc(d, length);
    if (p == NULL) return -1;
    *why = an_outchanSend(c, p);
    if (*why != AN_OK) {
      EXPECT(an_packetFree(p) == AN_OK); /* still the caller's */
      return sent;
    }
    sent++;
  }
  return sent;
}
static int taken(arena* world, const char* port) {
  char bytes[4];
  int n = 0;
  while (arena_take(world, port, bytes, sizeof bytes) > 0) n++;
  return n;
}

static void burst_then_rate(arena* world) {
  an_NetSpecData s = spec_of(8000, 1000); /* 1000 bytes/s */
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, &s);
  int why;
  REQUIRE(c != NULL);
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 10 && why == AN_EBANDWIDTH);
  EXPECT(*an_errtext() != '\0');
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 0 && why == AN_EBANDWIDTH);
  arena_advance(world, SECOND / 10); /* 100 bytes more */
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 1 && why == AN_EBANDWIDTH);
  arena_advance(world, SECOND / 20);
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 0);
  EXPECT(send_until_refused(d, c, 50, 50, &why) == 1);
  arena_advance(world, 100 * (uint64_t)SECOND); /* never more than the burst */
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 10);
  EXPECT(out_stats(c).packets_refused == 6);
  EXPECT(domain_adds_up(d));
  arena_settle(world);
  EXPECT(taken(world, "b") == 22);
  an_domainDestroy(d);
}

static void rate_is_exact(arena* world) {
  an_NetSpecData s = spec_of(800000, 1000); /* 100 packets of 1000 bytes a second */
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, &s);
  int i, why, sent = 0;
  for (i = 0; i < 1000; i++) { /* 10 s, offered without end */
    sent += send_until_refused(d, c, 1000, 50, &why);
    arena_advance(world, SECOND / 100);
    taken(world, "b");
  }
  EXPECT(sent == 1000);
  an_domainDestroy(d);
}

static void vector_goes_as_far_as_it_conforms(arena* world) {
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, &s);
  an_Packet all[100];
  size_t i, sent;
  for (i = 0; i < 100; i++) all[i] = an_packetAlloc(d, 13);
  sent = an_outchanSendVec(c, all, 100);
  EXPECT(sent == 76 && an_errno() == AN_EBANDWIDTH); /* 76 * 13 = 988 */
  EXPECT(stats_of(d).packets_sent == 76 && stats_of(d).packets_held == 24);
  for (i = sent; i < 100; i++) EXPECT(an_packetFree(all[i]) == AN_OK);
  EXPECT(domain_adds_up(d));
  arena_settle(world);
  EXPECT(taken(world, "b") == 76);
  an_domainDestroy(d);
}

static void refused_by_the_queue_costs_no_tokens(arena* world) {
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain();
  an_OutChan c;
  int why;
  s.queue_packets = 4;
  c = an_outchanCreate(NULL, d, "b", NULL, &s);
  EXPECT(an_domainSuspend(d) == AN_OK); /* nothing leaves the queue */
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 4 && why == AN_EQFULL);
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 0 && why == AN_EQFULL);
  EXPECT(an_domainResume(d) == AN_OK);
  arena_settle(world);
  EXPECT(send_until_refused(d, c, 100, 4, &why) == 4);
  arena_settle(world);
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 2 && why == AN_EBANDWIDTH);
  arena_settle(world);
  EXPECT(taken(world, "b") == 10);
  an_domainDestroy(d);
}

static void peak_bounds_the_burst(arena* world) {
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain();
  an_OutChan c;
  int why;
  s.peak_bits = 16000; /* 2000 bytes/s */
  s.max_packet = 100;
  c = an_outchanCreate(NULL, d, "b", NULL, &s);
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 1 && why == AN_EBANDWIDTH); /* M */
  arena_advance(world, SECOND / 20);                                            /* p * 50 ms */
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 1);
  EXPECT(send_until_refused(d, c, 101, 50, &why) == 0 && why == AN_EBANDWIDTH);
  arena_advance(world, 10 * (uint64_t)SECOND);
  EXPECT(send_until_refused(d, c, 101, 50, &why) == 0 && why == AN_EBANDWIDTH); /* above M: never */
  arena_settle(world);
  EXPECT(taken(world, "b") == 2);
  an_domainDestroy(d);
}

static void short_packets_count_as_the_unit(arena* world) {
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain();
  an_OutChan c;
  int why;
  s.min_unit = 250;
  c = an_outchanCreate(NULL, d, "b", NULL, &s);
  EXPECT(send_until_refused(d, c, 1, 50, &why) == 4 && why == AN_EBANDWIDTH);
  arena_settle(world);
  EXPECT(taken(world, "b") == 4);
  an_domainDestroy(d);
}

static void one_rate_leaves_the_other_alone(arena* world) {
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain(), other = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, &s),
             free_one = an_outchanCreate(NULL, other, "b", NULL, NULL);
  int why;
  EXPECT(send_until_refused(d, c, 100, 50, &why) == 10);
  EXPECT(send_until_refused(other, free_one, 100, 100, &why) == 100 && why == AN_OK);
  arena_settle(world);
  EXPECT(taken(world, "b") == 110);
  an_domainDestroy(d);
  an_domainDestroy(other);
}

static void incoming_is_policed(arena* world) {
  static inbox box;
  int i;
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, &s, keep_one, &box);
  char hundred[100] = {0};
  memset(&box, 0, sizeof box);
  for (i = 0; i < 30; i++) arena_inject(world, "a", hundred, sizeof hundred);
  arena_settle(world);
  EXPECT(box.count == 10);
  EXPECT(in_stats(c).packets_rate_limited == 20 && in_stats(c).packets_dropped == 20);
  EXPECT(in_stats(c).packets_in == 30);
  arena_advance(world, SECOND);
  for (i = 0; i < 30; i++) arena_inject(world, "a", hundred, sizeof hundred);
  arena_settle(world);
  EXPECT(box.count == 20);
  free_all(&box);
  an_domainDestroy(d);
}

static void cut_through_is_policed(arena* world) {
  int i;
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain();
  an_CutChan c = an_cutchanCreate(NULL, d, NULL, "a", NULL, &s, "b", NULL, NULL);
  an_ChanStats stats = {sizeof stats};
  char hundred[100] = {0};
  for (i = 0; i < 30; i++) arena_inject(world, "a", hundred, sizeof hundred);
  arena_settle(world);
  EXPECT(taken(world, "b") == 10);
  EXPECT(an_cutchanGetStats(c, &stats) == AN_OK && stats.packets_rate_limited == 20);
  EXPECT(stats.packets_in == 30 && stats.packets_out == 10);
  an_domainDestroy(d);
}

static void cut_through_is_shaped(arena* world) {
  int i;
  an_NetSpecData s = spec_of(8000, 1000);
  an_Domain d = plain_domain();
  an_CutChan c = an_cutchanCreate(NULL, d, NULL, "a", NULL, NULL, "b", NULL, &s);
  an_ChanStats stats = {sizeof stats};
  char bytes[100] = {0};
  for (i = 0; i < 30; i++) {
    bytes[0] = (char)i;
    arena_inject(world, "a", bytes, sizeof bytes);
  }
  arena_settle(world);
  EXPECT(an_cutchanGetStats(c, &stats) == AN_OK && stats.packets_held == 20 && stats.packets_dropped == 0);
  for (i = 0; i < 10; i++) EXPECT(arena_take(world, "b", bytes, 100) == 100 && bytes[0] == i);
  EXPECT(arena_take(world, "b", bytes, 100) == 0);
  for (i = 10; i < 30; i++) { /* late, in order, none lost */
    arena_advance(world, SECOND / 10);
    EXPECT(arena_take(world, "b", bytes, 100) == 100 && bytes[0] == i);
  }
  an_domainDestroy(d);
}

static void oldest_goes_first(arena* world) {
  static inbox box;
  int i;
  an_NetSpecData s = spec_of(0, 0);
  an_Domain d = plain_domain();
  an_InChan c;
  memset(&box, 0, sizeof box);
  s.queue_packets = 8;
  s.drop_policy = AN_DROPPOLICY_HEAD;
  c = an_inchanCreate(NULL, d, NULL, "a", NULL, &s, keep_one, &box);
  an_inchanSuspend(c);
  for (i = 0; i < 20; i++) arena_inject(world, "a", &i, 4);
  arena_settle(world);
  EXPECT(in_stats(c).packets_held == 8 && in_stats(c).packets_queue_full == 12);
  an_inchanResume(c);
  arena_settle(world);
  EXPECT(box.count == 8);
  for (i = 0; i < (int)box.count; i++) {
    const int expected = 12 + i;
    EXPECT(memcmp(an_packetGetData(&box.packets[i], 4), &expected, 4) == 0);
  }
  free_all(&box);
  an_domainDestroy(d);
}

static void head_drop_never_refuses(arena* world) {
  an_NetSpecData s = spec_of(0, 0);
  an_Domain d = plain_domain();
  an_OutChan c;
  int why;
  s.queue_packets = 8;
  s.queue_bytes = 100;
  s.drop_policy = AN_DROPPOLICY_HEAD;
  c = an_outchanCreate(NULL, d, "b", NULL, &s);
  EXPECT(an_domainSuspend(d) == AN_OK);
  EXPECT(send_until_refused(d, c, 30, 50, &why) == 50 && why == AN_OK);
  EXPECT(out_stats(c).packets_held == 3 && out_stats(c).packets_queue_full == 47); /* by its bytes */
  EXPECT(send_until_refused(d, c, 101, 1, &why) == 0 && why == AN_EQFULL);         /* would never fit */
  EXPECT(out_stats(c).packets_held == 3);
  EXPECT(an_domainResume(d) == AN_OK);
  arena_settle(world);
  EXPECT(taken(world, "b") == 3);
  an_domainDestroy(d);
}

typedef struct note {
  char* order;
  char name;
} note;
static void note_one(void* arg, an_Packet p) {
  note* n = (note*)arg;
  n->order[strlen(n->order)] = n->name;
  an_packetFree(p);
}
static void higher_priority_is_served_first(arena* world) {
  static char order[8];
  static note low = {order, 'l'}, high = {order, 'h'};
  an_NetSpecData s = spec_of(0, 0);
  an_Domain d = plain_domain();
  memset(order, 0, sizeof order);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, note_one, &low) != NULL);
  s.priority = 7;
  EXPECT(an_inchanCreate(NULL, d, NULL, "a/pan", NULL, &s, note_one, &high) != NULL);
  EXPECT(an_domainSuspend(d) == AN_OK);
  arena_inject(world, "a", "\360first", 6);
  arena_inject(world, "a", "\001second", 7);
  arena_settle(world);
  EXPECT(an_domainResume(d) == AN_OK);
  arena_settle(world);
  EXPECT(strcmp(order, "hl") == 0);
  an_domainDestroy(d);
}

static void wrong_specs(arena* world) {
  an_Domain d = plain_domain();
  an_NetSpecData s;
  (void)world;
#define REFUSED(field, value)                                                                \
  do {                                                                                       \
    s = spec_of(8000, 1000);                                                                 \
    s.field = (value);                                                                       \
    EXPECT_NULL(AN_EINVAL, an_outchanCreate(NULL, d, "b", NULL, &s));                        \
    EXPECT_NULL(AN_EINVAL, an_inchanCreate(NULL, d, NULL, "a", NULL, &s, keep_one, NULL));   \
    EXPECT_NULL(AN_EINVAL, an_cutchanCreate(NULL, d, NULL, "a", NULL, NULL, "b", NULL, &s)); \
  } while (0)
  REFUSED(drop_policy, 2);
  REFUSED(priority, 8);
  REFUSED(rate_bits, 1000000000001ull);
  REFUSED(burst_bytes, (1ull << 31) + 1);
  REFUSED(peak_bits, 7999); /* below the rate */
  REFUSED(peak_bits, 1000000000001ull);
  REFUSED(max_packet, 1001); /* above the burst */
  REFUSED(max_packet, 65536);
  REFUSED(min_unit, 1001); /* above the largest packet */
  REFUSED(rate_bits, 0);   /* a burst without a rate */
  REFUSED(size, 8);
#undef REFUSED
  s = spec_of(0, 0);
  s.peak_bits = 8000;
  EXPECT_NULL(AN_EINVAL, an_outchanCreate(NULL, d, "b", NULL, &s));
  EXPECT(stats_of(d).channels == 0);
  an_domainDestroy(d);
}

/* An EE that was built when there were only queue limits. */
static void older_spec(arena* world) {
  struct {
    size_t size;
    uint32_t queue_packets;
    uint64_t queue_bytes;
    unsigned char beyond[64];
  } old;
  an_Domain d = plain_domain();
  (void)world;
  memset(&old, 0xff, sizeof old);
  old.size = offsetof(an_NetSpecData, drop_policy);
  old.queue_packets = 8;
  old.queue_bytes = 0;
  EXPECT(an_outchanCreate(NULL, d, "b", NULL, (an_NetSpec)(const void*)&old) != NULL);
  an_domainDestroy(d);
}

const check netspec_checks[] = {
    {"netspec: a burst, then the rate", burst_then_rate},
    {"netspec: the rate is exact", rate_is_exact},
    {"netspec: a vector goes as far as it conforms", vector_goes_as_far_as_it_conforms},
    {"netspec: what the queue refuses costs no tokens", refused_by_the_queue_costs_no_tokens, "exact_queues"},
    {"netspec: the peak bounds a burst", peak_bounds_the_burst},
    {"netspec: a short packet counts as the minimum unit", short_packets_count_as_the_unit},
    {"netspec: a rate is one channel's alone", one_rate_leaves_the_other_alone},
    {"netspec: an incoming channel is policed", incoming_is_policed},
    {"netspec: a cut-through channel is policed", cut_through_is_policed},
    {"netspec: a cut-through channel is shaped", cut_through_is_shaped},
    {"netspec: drop from the head", oldest_goes_first},
    {"netspec: drop from the head never refuses what could fit", head_drop_never_refuses, "exact_queues"},
    {"netspec: the higher priority is served first", higher_priority_is_served_first},
    {"netspec: wrong fields", wrong_specs},
    {"netspec: one of an older EE", older_spec},
    {NULL, NULL},
};
