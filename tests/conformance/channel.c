/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: path texts, keys, queues, vectors, and what they count. */
#include <stdlib.h>

#include "tests/conformance/check.h"

static char bytes[2048];

static an_ChanStats in_stats(an_InChan c) {
  an_ChanStats s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  an_inchanGetStats(c, &s);
  return s;
}
static void free_all(inbox* box) {
  size_t i;
  for (i = 0; i < box->count; i++) an_packetFree(box->packets[i]);
  box->count = 0;
}

static void delivers(arena* world) {
  static inbox box;
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box);
  memset(&box, 0, sizeof box);
  REQUIRE(c != NULL);
  arena_inject(world, "a", "hello", 5);
  arena_inject(world, "b", "other", 5);
  arena_settle(world);
  REQUIRE(box.count == 1);
  EXPECT(holds_text(box.packets[0], "hello"));
  EXPECT(in_stats(c).packets_in == 1 && in_stats(c).packets_out == 1 && in_stats(c).bytes_out == 5);
  EXPECT(domain_adds_up(d) && stats_of(d).packets_received == 1);
  free_all(&box);
  EXPECT(domain_adds_up(d) && stats_of(d).dropped[AN_DROP_DISCARD] == 1);
  an_domainDestroy(d);
}

static void delivers_vectors(arena* world) {
  static inbox box;
  int i;
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  memset(&box, 0, sizeof box);
  EXPECT(an_inchanSetVector(c, keep_vector, &box) == AN_OK);
  for (i = 0; i < 40; i++) arena_inject(world, "a", &i, 4);
  arena_settle(world);
  EXPECT(box.count == 0);
  EXPECT(an_inchanResume(c) == AN_OK);
  arena_settle(world);
  EXPECT(box.count == 40 && box.calls < 40);
  for (i = 0; i < 40 && i < (int)box.count; i++) {
    int* at = (int*)an_packetGetData(&box.packets[i], 4);
    EXPECT(at != NULL && memcmp(at, &i, 4) == 0);
  }
  free_all(&box);
  an_domainDestroy(d);
}

typedef struct viewer {
  inbox box;
  size_t as_they_lie;
  size_t in_pieces;
} viewer;
static void keep_and_look(void* arg, an_Packet* packets, const an_PacketView* views, size_t n) {
  viewer* v = (viewer*)arg;
  size_t i;
  for (i = 0; i < n; i++) {
    an_PacketView now;
    if (an_packetGetViewVec(&packets[i], 1, &now) != 1) continue;
    v->as_they_lie += views[i].front == now.front && views[i].front_length == now.front_length &&
                      views[i].length == now.length && views[i].writable == now.writable;
    v->in_pieces += views[i].front_length < views[i].length;
  }
  keep_vector(&v->box, packets, n);
}
static void delivers_views(arena* world) {
  static viewer v;
  static char long_one[3000];
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  memset(&v, 0, sizeof v);
  EXPECT(an_inchanSetViews(c, keep_and_look, &v) == AN_OK && an_inchanResume(c) == AN_OK);
  arena_inject(world, "a", "first", 5);
  arena_inject(world, "a", long_one, sizeof long_one);
  arena_inject(world, "a", "third", 5);
  arena_settle(world);
  EXPECT(v.box.count == 3 && v.as_they_lie == 3 && v.in_pieces == 1);
  EXPECT(v.box.count > 2 && holds_text(v.box.packets[2], "third"));
  free_all(&v.box);
  EXPECT(domain_adds_up(d));
  /* The last that was set is called. */
  EXPECT(an_inchanSetVector(c, keep_vector, &v.box) == AN_OK);
  arena_inject(world, "a", "fourth", 6);
  arena_settle(world);
  EXPECT(v.box.count == 1 && v.as_they_lie == 3);
  free_all(&v.box);
  an_domainDestroy(d);
}

static void needs_a_function(arena* world) {
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_inchanResume(c));
  EXPECT_STATUS(AN_EINVAL, an_inchanSetVector(c, NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanSetViews(c, NULL, NULL));
  an_domainDestroy(d);
}

static void suspended_channel_keeps(arena* world) {
  static inbox box;
  int i;
  an_Domain d = plain_domain();
  an_NetSpecData spec = {sizeof spec, 8, 0};
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, &spec, keep_one, &box);
  memset(&box, 0, sizeof box);
  EXPECT(an_inchanSuspend(c) == AN_OK);
  for (i = 0; i < 20; i++) arena_inject(world, "a", &i, 4);
  arena_settle(world);
  EXPECT(box.count == 0);
  EXPECT(in_stats(c).packets_held == 8 && in_stats(c).packets_queue_full == 12);
  EXPECT(an_inchanResume(c) == AN_OK);
  arena_settle(world);
  EXPECT(box.count == 8);
  for (i = 0; i < 8 && i < (int)box.count; i++) {
    EXPECT(memcmp(an_packetGetData(&box.packets[i], 4), &i, 4) == 0);
  }
  free_all(&box);
  an_domainDestroy(d);
}

typedef struct stopper {
  an_InChan channel;
  inbox box;
  int status;
} stopper;
static void keep_and_stop(void* arg, an_Packet* packets, size_t n) {
  stopper* s = (stopper*)arg;
  s->status = an_inchanSuspend(s->channel);
  keep_vector(&s->box, packets, n);
}
static void suspends_itself(arena* world) {
  static stopper s;
  int i;
  an_Domain d = plain_domain();
  memset(&s, 0, sizeof s);
  s.channel = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  an_inchanSetVector(s.channel, keep_and_stop, &s);
  an_inchanResume(s.channel);
  arena_inject(world, "a", "1", 1);
  arena_settle(world);
  for (i = 0; i < 10; i++) arena_inject(world, "a", "2", 1);
  arena_settle(world);
  EXPECT(s.status == AN_OK && s.box.count == 1);
  EXPECT(an_inchanResume(s.channel) == AN_OK);
  arena_settle(world);
  EXPECT(s.box.count > 1);
  free_all(&s.box);
  an_domainDestroy(d);
}

static void wrong_chain(arena* world) {
  an_Domain d = plain_domain();
  (void)world;
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, "a/pann", NULL, NULL, keep_one, NULL));
  EXPECT(strstr(an_errtext(), "column 3") != NULL && strstr(an_errtext(), "'pan'") != NULL);
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, "c", NULL, NULL, keep_one, NULL));
  EXPECT(strstr(an_errtext(), "column 1") != NULL);
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, "", NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, NULL, NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, "a//pan", NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, "a -> b", NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_outchanCreate(NULL, d, "a/none", NULL, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_outchanCreate(NULL, d, "a -> b", NULL, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_cutchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL, NULL));
  EXPECT(stats_of(d).channels == 0);
  an_domainDestroy(d);
}

static void wrong_addresses(arena* world) {
  an_Domain d = plain_domain();
  (void)world;
  EXPECT_NULL(AN_EADDRSPEC, an_inchanCreate(NULL, d, NULL, "a/pan", "(dstport=7)", NULL, keep_one, NULL));
  EXPECT(strstr(an_errtext(), "column 8") != NULL && strstr(an_errtext(), "dstport") != NULL);
  EXPECT_NULL(AN_EADDRSPEC, an_outchanCreate(NULL, d, "a/pan", "(x=1)", NULL));
  an_domainDestroy(d);
}

static void key_is_taken(arena* world) {
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, NULL);
  (void)world;
  EXPECT_NULL(AN_EEXIST, an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, NULL));
  EXPECT(an_inchanDestroy(c) == AN_OK);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, NULL) != NULL);
  an_domainDestroy(d);
}

static void chain_narrows(arena* world) {
  static inbox all, capsules;
  an_Domain d = plain_domain();
  memset(&all, 0, sizeof all);
  memset(&capsules, 0, sizeof capsules);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &all) != NULL);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a/pan", NULL, NULL, keep_one, &capsules) != NULL);
  arena_inject(world, "a", "\001capsule", 8);
  arena_inject(world, "a", "\360other", 6);
  arena_settle(world);
  EXPECT(all.count == 1 && capsules.count == 1);
  free_all(&all);
  free_all(&capsules);
  an_domainDestroy(d);
}

static void key_narrows(arena* world) {
  static inbox all, some;
  static const unsigned char value[] = {0x20}, mask[] = {0xf0};
  an_Domain d = plain_domain();
  an_DemuxKey key = an_demuxkeyCreate(NULL, d);
  memset(&all, 0, sizeof all);
  memset(&some, 0, sizeof some);
  EXPECT(an_demuxkeyAddTuple(key, 0, 3, "\001ab", NULL) == AN_OK);
  EXPECT(an_demuxkeyAddTuple(key, 5, 1, value, mask) == AN_OK);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a/pan", NULL, NULL, keep_one, &all) != NULL);
  EXPECT(an_inchanCreate(NULL, d, key, "a/pan", NULL, NULL, keep_one, &some) != NULL);
  EXPECT(an_demuxkeyDestroy(key) == AN_OK);
  arena_inject(world, "a", "\001ab..\x2f", 6);
  arena_inject(world, "a", "\001ab..\x3f", 6);
  arena_inject(world, "a", "\001xb..\x2f", 6);
  arena_inject(world, "a", "\001ab", 3);
  arena_settle(world);
  EXPECT(some.count == 1 && all.count == 3);
  free_all(&all);
  free_all(&some);
  an_domainDestroy(d);
}

static void wrong_tuples(arena* world) {
  static const unsigned char value[] = {0x21}, mask[] = {0xf0};
  int i;
  an_Domain d = plain_domain();
  an_DemuxKey key = an_demuxkeyCreate(NULL, d);
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, 0, 0, "", NULL));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, 0, 65, bytes, NULL));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, 250, 10, bytes, NULL));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, SIZE_MAX, 4, bytes, NULL));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, 0, 1, value, mask));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, 0, 1, NULL, NULL));
  for (i = 0; i < 8; i++) EXPECT(an_demuxkeyAddTuple(key, (size_t)i, 1, bytes, NULL) == AN_OK);
  EXPECT_STATUS(AN_ELIMIT, an_demuxkeyAddTuple(key, 9, 1, bytes, NULL));
  an_demuxkeyDestroy(key);
  EXPECT_STATUS(AN_EDEAD, an_demuxkeyAddTuple(key, 0, 1, bytes, NULL));
  EXPECT_NULL(AN_EDEAD, an_inchanCreate(NULL, d, key, "a", NULL, NULL, keep_one, NULL));
  an_domainDestroy(d);
}

static void sends(arena* world) {
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_Packet p = text_packet(d, "out");
  an_ChanStats s = {sizeof s};
  EXPECT(an_outchanSend(c, p) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_packetFree(p));
  arena_settle(world);
  EXPECT(arena_take(world, "b", bytes, sizeof bytes) == 3 && memcmp(bytes, "out", 3) == 0);
  EXPECT(arena_take(world, "a", bytes, sizeof bytes) == 0);
  EXPECT(an_outchanGetStats(c, &s) == AN_OK && s.packets_in == 1 && s.packets_out == 1 && s.bytes_out == 3);
  EXPECT(domain_adds_up(d) && stats_of(d).packets_sent == 1);
  an_domainDestroy(d);
}

static void sends_vectors(arena* world) {
  enum { kCount = 150 };
  an_Packet all[kCount];
  int i;
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, NULL);
  for (i = 0; i < kCount; i++) {
    all[i] = an_packetAlloc(d, 4);
    memcpy(an_packetGetData(&all[i], 4), &i, 4);
  }
  EXPECT(an_outchanSendVec(c, all, kCount) == kCount);
  arena_settle(world);
  for (i = 0; i < kCount; i++) {
    EXPECT(arena_take(world, "b", bytes, sizeof bytes) == 4 && memcmp(bytes, &i, 4) == 0);
  }
  EXPECT(an_outchanSendVec(c, all, 0) == 0);
  an_domainDestroy(d);
}

static void full_queue(arena* world) {
  an_Packet all[20];
  int i;
  size_t taken;
  an_Domain d = plain_domain();
  an_NetSpecData spec = {sizeof spec, 8, 0};
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, &spec);
  for (i = 0; i < 20; i++) all[i] = an_packetAlloc(d, 4);
  taken = an_outchanSendVec(c, all, 20);
  EXPECT(taken == 8 && an_errno() == AN_EQFULL);
  for (i = (int)taken; i < 20; i++) EXPECT(an_packetGetLength(all[i]) == 4); /* still ours */
  EXPECT(domain_adds_up(d) && stats_of(d).packets_held == 20 - taken);
  for (i = (int)taken; i < 20; i++) EXPECT(an_packetFree(all[i]) == AN_OK);
  arena_settle(world);
  an_domainDestroy(d);
}

/* The bound on bytes is as good as that on packets: nothing that did not fit counts as sent. */
static void full_of_bytes(arena* world) {
  an_Packet all[5], large;
  int i;
  an_ChanStats s = {sizeof s};
  an_Domain d = plain_domain();
  an_NetSpecData spec = {sizeof spec, 0, 100};
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, &spec);
  for (i = 0; i < 5; i++) all[i] = an_packetAlloc(d, 30);
  large = an_packetAlloc(d, 101);
  EXPECT_STATUS(AN_EQFULL, an_outchanSend(c, large));
  EXPECT(an_packetGetLength(large) == 101); /* still ours */
  EXPECT(stats_of(d).packets_sent == 0);
  EXPECT(an_outchanGetStats(c, &s) == AN_OK && s.packets_in == 0 && s.packets_dropped == 0);
  EXPECT(an_packetFree(large) == AN_OK);
  EXPECT(an_outchanSendVec(c, all, 5) == 3 && an_errno() == AN_EQFULL);
  for (i = 3; i < 5; i++) EXPECT(an_packetGetLength(all[i]) == 30);
  EXPECT(domain_adds_up(d) && stats_of(d).packets_sent == 3 && stats_of(d).packets_held == 2);
  EXPECT(an_outchanGetStats(c, &s) == AN_OK && s.packets_queue_full == 0);
  arena_settle(world);
  for (i = 0; i < 3; i++) EXPECT(arena_take(world, "b", bytes, sizeof bytes) == 30);
  EXPECT(arena_take(world, "b", bytes, sizeof bytes) == 0);
  an_domainDestroy(d);
}

static void takes_nothing_in(arena* world) {
  static inbox box;
  an_Domain d = plain_domain();
  memset(&box, 0, sizeof box);
  EXPECT(an_outchanCreate(NULL, d, "a", NULL, NULL) != NULL);
  EXPECT(an_outchanCreate(NULL, d, "a", NULL, NULL) != NULL); /* no key: nothing to collide */
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box) != NULL);
  arena_inject(world, "a", "in", 2);
  arena_settle(world);
  EXPECT(box.count == 1);
  free_all(&box);
  an_domainDestroy(d);
}

static void strangers_packet(arena* world) {
  an_Domain d = plain_domain(), other = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_Packet p = an_packetAlloc(other, 4), q = an_packetAlloc(d, 4);
  an_Packet twice[2];
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_outchanSend(c, p));
  EXPECT(an_packetFree(p) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_outchanSend(c, NULL));
  twice[0] = twice[1] = q;
  EXPECT(an_outchanSendVec(c, twice, 2) == 1 && an_errno() == AN_EINVAL);
  EXPECT_STATUS(AN_EINVAL, an_outchanSend(c, q));
  EXPECT(domain_adds_up(d) && domain_adds_up(other));
  EXPECT(an_outchanSendVec(c, NULL, 1) == 0 && an_errno() == AN_EINVAL);
  an_domainDestroy(d);
  an_domainDestroy(other);
}

typedef struct relay {
  an_OutChan out;
  size_t sent;
} relay;
static void send_on(void* arg, an_Packet* packets, size_t n) {
  relay* r = (relay*)arg;
  size_t taken = an_outchanSendVec(r->out, packets, n);
  r->sent += taken;
  for (; taken < n; taken++) an_packetDrop(packets[taken], AN_DROP_QUEUE_FULL);
}
static void relays(arena* world) {
  static relay r;
  int i;
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  memset(&r, 0, sizeof r);
  r.out = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_inchanSetVector(c, send_on, &r);
  an_inchanResume(c);
  for (i = 0; i < 100; i++) arena_inject(world, "a", &i, 4);
  arena_settle(world);
  EXPECT(r.sent == 100);
  for (i = 0; i < 100; i++) {
    EXPECT(arena_take(world, "b", bytes, sizeof bytes) == 4 && memcmp(bytes, &i, 4) == 0);
  }
  EXPECT(domain_adds_up(d) && stats_of(d).packets_held == 0);
  an_domainDestroy(d);
}

static void cuts_through(arena* world) {
  an_Domain d = plain_domain();
  an_CutChan c = an_cutchanCreate(NULL, d, NULL, "a", NULL, NULL, "b", NULL, NULL);
  an_ChanStats s = {sizeof s};
  REQUIRE(c != NULL);
  arena_inject(world, "a", "through", 7);
  arena_settle(world);
  EXPECT(arena_take(world, "b", bytes, sizeof bytes) == 7 && memcmp(bytes, "through", 7) == 0);
  EXPECT(an_cutchanGetStats(c, &s) == AN_OK && s.packets_in == 1 && s.packets_out == 1);
  EXPECT(stats_of(d).packets_received == 0 && stats_of(d).bits == 7 * 8);
  EXPECT(an_cutchanDestroy(c) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_cutchanGetStats(c, &s));
  an_domainDestroy(d);
}

static void netspec_is_checked(arena* world) {
  an_Domain d = plain_domain();
  an_NetSpecData spec = {sizeof spec, 65537, 0};
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_outchanCreate(NULL, d, "a", NULL, &spec));
  spec.queue_packets = 0;
  EXPECT(an_outchanCreate(NULL, d, "a", NULL, &spec) != NULL);
  spec.size = 4;
  EXPECT_NULL(AN_EINVAL, an_outchanCreate(NULL, d, "a", NULL, &spec));
  an_domainDestroy(d);
}

static void explicit_memory(arena* world) {
  static inbox box;
  void *in = malloc(an_sizeof(AN_INCHAN)), *out = malloc(an_sizeof(AN_OUTCHAN)),
       *cut = malloc(an_sizeof(AN_CUTCHAN));
  void* key = malloc(an_sizeof(AN_DEMUXKEY));
  an_Domain d = plain_domain();
  an_DemuxKey k = an_demuxkeyCreate(key, d);
  an_InChan i = an_inchanCreate(in, d, k, "a", NULL, NULL, keep_one, &box);
  an_OutChan o = an_outchanCreate(out, d, "b", NULL, NULL);
  an_CutChan c = an_cutchanCreate(cut, d, NULL, "b", NULL, NULL, "a", NULL, NULL);
  (void)world;
  EXPECT(k != NULL && i != NULL && o != NULL && c != NULL);
  EXPECT(an_inchanDestroy(i) == AN_OK && an_outchanDestroy(o) == AN_OK);
  memset(in, 0xff, an_sizeof(AN_INCHAN));
  memset(out, 0xff, an_sizeof(AN_OUTCHAN));
  an_domainDestroy(d); /* the others with it */
  free(in), free(out), free(cut), free(key);
}

static void failed_create_gives_memory_back(arena* world) {
  void* mem = malloc(an_sizeof(AN_INCHAN));
  an_Domain d = plain_domain();
  an_InChan c;
  (void)world;
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(mem, d, NULL, "nowhere", NULL, NULL, keep_one, NULL));
  memset(mem, 0xff, an_sizeof(AN_INCHAN));
  c = an_inchanCreate(mem, d, NULL, "a", NULL, NULL, keep_one, NULL);
  EXPECT(c != NULL && an_inchanDestroy(c) == AN_OK);
  an_domainDestroy(d);
  free(mem);
}

typedef struct nested {
  an_Domain domain;
  an_InChan self;
  int created, destroyed, ended, alive_after;
  an_Domain seen;
} nested;
static void try_control_calls(void* arg, an_Packet p) {
  nested* n = (nested*)arg;
  uint64_t may = 0;
  an_packetFree(p);
  n->seen = an_domainSelf();
  an_nodeInfo("create_on_worker", &may);
  if (may) {
    n->created = n->destroyed = n->ended = AN_ENOSYS;
    return;
  }
  n->created = an_outchanCreate(NULL, n->domain, "b", NULL, NULL) != NULL ? AN_OK : an_errno();
  n->destroyed = an_inchanDestroy(n->self);
  n->ended = an_domainDestroy(n->domain);
}
static void control_calls_on_the_worker(arena* world) {
  static nested n;
  memset(&n, 0, sizeof n);
  n.domain = plain_domain();
  n.self = an_inchanCreate(NULL, n.domain, NULL, "a", NULL, NULL, try_control_calls, &n);
  arena_inject(world, "a", "x", 1);
  arena_settle(world);
  EXPECT(n.created == AN_ENOSYS && n.destroyed == AN_ENOSYS && n.ended == AN_ENOSYS);
  EXPECT(n.seen == n.domain && an_domainSelf() == NULL);
  EXPECT(an_domainDestroy(n.domain) == AN_OK);
}

static void destroyed_with_a_full_queue(arena* world) {
  static inbox box;
  int i;
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box);
  memset(&box, 0, sizeof box);
  an_inchanSuspend(c);
  for (i = 0; i < 50; i++) arena_inject(world, "a", "q", 1);
  arena_settle(world);
  EXPECT(in_stats(c).packets_held == 50);
  EXPECT(an_inchanDestroy(c) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_inchanResume(c));
  EXPECT_STATUS(AN_EDEAD, an_inchanSuspend(c));
  EXPECT_STATUS(AN_EDEAD, an_inchanSetVector(c, keep_vector, &box));
  EXPECT_STATUS(AN_EDEAD, an_inchanSetViews(c, keep_and_look, &box));
  EXPECT(box.count == 0);
  an_domainDestroy(d);
}

static void packets_outlive_their_channel(arena* world) {
  static inbox box;
  an_Domain d = plain_domain();
  an_InChan c = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box);
  an_PacketMeta meta = {sizeof meta};
  memset(&box, 0, sizeof box);
  arena_inject(world, "a", "kept", 4);
  arena_settle(world);
  REQUIRE(box.count == 1);
  EXPECT(an_packetGetMeta(box.packets[0], &meta) == AN_OK);
  EXPECT(meta.channel == c && strcmp(meta.port, "a") == 0);
  an_inchanDestroy(c);
  EXPECT(an_packetGetMeta(box.packets[0], &meta) == AN_OK && meta.channel == NULL);
  EXPECT(holds_text(box.packets[0], "kept"));
  free_all(&box);
  an_domainDestroy(d);
}

const check channel_checks[] = {
    {"inchan: delivers what comes", delivers},
    {"inchan: delivers vectors, in order", delivers_vectors},
    {"inchan: delivers vectors with views of them", delivers_views},
    {"inchan: without a function it stays suspended", needs_a_function},
    {"inchan: suspended, it keeps what its queue holds", suspended_channel_keeps},
    {"inchan: a deliver function may suspend its own channel", suspends_itself},
    {"channel: a wrong chain is refused, with the column", wrong_chain},
    {"channel: wrong addresses are refused, with the column", wrong_addresses},
    {"inchan: an equal key is refused", key_is_taken},
    {"inchan: the chain narrows what comes", chain_narrows},
    {"inchan: a demux key narrows what comes", key_narrows},
    {"demuxkey: wrong tuples", wrong_tuples},
    {"outchan: sends", sends},
    {"outchan: sends vectors, in order", sends_vectors},
    {"outchan: a full queue leaves packets with the caller", full_queue},
    {"outchan: a queue full of bytes does so too", full_of_bytes},
    {"outchan: takes nothing in", takes_nothing_in},
    {"outchan: sends only what its domain holds, once", strangers_packet},
    {"channel: from an incoming to an outgoing one", relays},
    {"cutchan: from device to device", cuts_through},
    {"channel: the NetSpec is checked", netspec_is_checked},
    {"channel: explicit memory", explicit_memory},
    {"channel: a failed create leaves the memory alone", failed_create_gives_memory_back},
    {"channel: control calls from a deliver function", control_calls_on_the_worker},
    {"inchan: destroyed with a full queue", destroyed_with_a_full_queue},
    {"inchan: packets outlive their channel", packets_outlive_their_channel},
    {NULL, NULL},
};
