/* SPDX-License-Identifier: Apache-2.0 */
/* Memory pools: what is charged, what is refused, and what happens over the limit. */
#include <stdlib.h>

#include "tests/conformance/check.h"

enum { kMs = 1000000, kRoomy = 64 << 20 };

static an_MemPoolStats pool_stats(an_MemPool pool) {
  an_MemPoolStats s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  EXPECT(an_mempoolGetStats(pool, &s) == AN_OK);
  EXPECT(s.used == s.pages + s.objects + s.packets);
  return s;
}
static size_t page_size(void) {
  uint64_t bytes = 0;
  EXPECT(an_nodeInfo("page_size", &bytes) == AN_OK && bytes >= 512);
  return (size_t)bytes;
}
static an_MemPool plain_pool(an_Domain owner, uint64_t limit) {
  return an_mempoolCreate(NULL, owner, limit, NULL, NULL, UINT64_MAX);
}
static an_Domain domain_in(an_Domain parent, an_MemPool pool) {
  return an_domainCreate(NULL, parent, NULL, NULL, pool, NULL, NULL, NULL, NULL);
}
/* What one piece of a packet is charged. */
static uint64_t slot_bytes(an_Domain member, an_MemPool pool) {
  const uint64_t before = pool_stats(pool).packets;
  an_Packet p = an_packetAlloc(member, 1);
  const uint64_t bytes = pool_stats(pool).packets - before;
  EXPECT(bytes >= 1);
  an_packetFree(p);
  return bytes;
}

static void created_and_destroyed(arena* world) {
  an_Domain d = plain_domain();
  an_MemPool pool = plain_pool(d, kRoomy);
  (void)world;
  REQUIRE(pool != NULL);
  EXPECT(pool_stats(pool).limit == kRoomy && pool_stats(pool).used == 0 && pool_stats(pool).domains == 0);
  EXPECT(an_mempoolSetLimit(pool, 4096) == AN_OK && pool_stats(pool).limit == 4096);
  EXPECT(an_mempoolDestroy(pool) == AN_OK);
  an_domainDestroy(d);
}

static void dead_and_forged(arena* world) {
  an_Domain d = plain_domain();
  an_MemPool pool = plain_pool(d, kRoomy), forged = (an_MemPool)(void*)d;
  an_MemPoolStats s = {sizeof s};
  (void)world;
  EXPECT(an_mempoolDestroy(pool) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_mempoolDestroy(pool));
  EXPECT_STATUS(AN_EDEAD, an_mempoolAddDomain(pool, d));
  EXPECT_STATUS(AN_EDEAD, an_mempoolRemoveDomain(pool, d));
  EXPECT_STATUS(AN_EDEAD, an_mempoolSetLimit(pool, 1));
  EXPECT_STATUS(AN_EDEAD, an_mempoolGetStats(pool, &s));
  EXPECT_NULL(AN_EDEAD, an_mempoolAllocPages(pool, 1));
  EXPECT_STATUS(AN_EDEAD, an_mempoolFreePages(pool, &s));
  EXPECT_NULL(AN_EDEAD, an_heapCreate(NULL, pool));
  EXPECT_NULL(AN_EDEAD, domain_in(NULL, pool));
  EXPECT_STATUS(AN_EINVAL, an_mempoolDestroy(forged));
  EXPECT_STATUS(AN_EINVAL, an_mempoolGetStats(forged, &s));
  EXPECT_NULL(AN_EINVAL, an_mempoolAllocPages(NULL, 1));
  EXPECT_NULL(AN_EINVAL, domain_in(NULL, forged));
  an_domainDestroy(d);
  EXPECT_NULL(AN_EDEAD, plain_pool(d, kRoomy));
  EXPECT_NULL(AN_EDEAD, an_domainGetMemPool(d));
}

static void wrong_arguments(arena* world) {
  an_Domain d = plain_domain();
  an_MemPool pool = plain_pool(d, kRoomy);
  an_MemPoolStats s = {0};
  (void)world;
  EXPECT_NULL(AN_EINVAL, plain_pool(d, 0));
  EXPECT_NULL(AN_EINVAL, plain_pool(NULL, kRoomy));
  EXPECT_STATUS(AN_EINVAL, an_mempoolSetLimit(pool, 0));
  EXPECT_STATUS(AN_EINVAL, an_mempoolGetStats(pool, &s));
  EXPECT_STATUS(AN_EINVAL, an_mempoolGetStats(pool, NULL));
  EXPECT_STATUS(AN_EINVAL, an_mempoolAddDomain(pool, NULL));
  EXPECT_NULL(AN_EINVAL, an_mempoolAllocPages(pool, 0));
  EXPECT_NULL(AN_EINVAL, an_mempoolAllocPages(pool, SIZE_MAX));
  EXPECT(pool_stats(pool).used == 0);
  an_domainDestroy(d);
}

static void explicit_memory(arena* world) {
  void* mem = malloc(an_sizeof(AN_MEMPOOL));
  an_Domain d = plain_domain();
  an_MemPool pool = an_mempoolCreate(mem, d, kRoomy, NULL, NULL, 0);
  (void)world;
  REQUIRE(an_sizeof(AN_MEMPOOL) > 0 && pool != NULL);
  EXPECT_NULL(AN_EINVAL, an_mempoolCreate((char*)mem + 1, d, kRoomy, NULL, NULL, 0));
  EXPECT(an_mempoolDestroy(pool) == AN_OK);
  memset(mem, 0xff, an_sizeof(AN_MEMPOOL));
  EXPECT_STATUS(AN_EDEAD, an_mempoolDestroy(pool));
  free(mem);
  an_domainDestroy(d);
}

static void pages(arena* world) {
  const size_t page = page_size();
  size_t i;
  an_Domain d = plain_domain();
  an_MemPool pool = plain_pool(d, kRoomy);
  char *three = (char*)an_mempoolAllocPages(pool, 3), *one = (char*)an_mempoolAllocPages(pool, 1);
  (void)world;
  REQUIRE(three != NULL && one != NULL);
  EXPECT((uintptr_t)three % page == 0 && (uintptr_t)one % page == 0);
  EXPECT(pool_stats(pool).pages == 4 * page);
  for (i = 0; i < 3 * page; i++) EXPECT(three[i] == 0);
  memset(three, 0x5a, 3 * page);
  memset(one, 0x5b, page);
  EXPECT(three[3 * page - 1] == 0x5a);
  EXPECT_STATUS(AN_EINVAL, an_mempoolFreePages(pool, three + page));
  EXPECT_STATUS(AN_EINVAL, an_mempoolFreePages(pool, NULL));
  EXPECT_STATUS(AN_EINVAL, an_mempoolFreePages(pool, &d));
  EXPECT(an_mempoolFreePages(pool, three) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_mempoolFreePages(pool, three));
  EXPECT(pool_stats(pool).pages == page && one[0] == 0x5b);
  an_domainDestroy(d); /* takes the other page along */
}

typedef struct overflow {
  int calls;
  an_MemPool pool;
  uint64_t bytes;
  an_Domain self;
  /* what it does */
  void* free_pages;
  inbox* free_packets;
  int destroy_pool;
  an_Domain destroy_domain;
  uint64_t raise_to;
} overflow;
static void overflowed(an_MemPool pool, uint64_t bytes, void* arg) {
  overflow* o = (overflow*)arg;
  size_t i;
  o->calls++;
  o->pool = pool;
  o->bytes = bytes;
  o->self = an_domainSelf();
  if (o->free_pages != NULL) EXPECT(an_mempoolFreePages(pool, o->free_pages) == AN_OK);
  if (o->free_packets != NULL) {
    for (i = 0; i < o->free_packets->count; i++) an_packetFree(o->free_packets->packets[i]);
    o->free_packets->count = 0;
  }
  if (o->raise_to != 0) EXPECT(an_mempoolSetLimit(pool, o->raise_to) == AN_OK);
  if (o->destroy_domain != NULL) EXPECT(an_domainDestroy(o->destroy_domain) == AN_OK);
  if (o->destroy_pool) EXPECT(an_mempoolDestroy(pool) == AN_OK);
}

static void pages_beyond_the_limit(arena* world) {
  const size_t page = page_size();
  overflow o = {0};
  an_Domain d = plain_domain();
  an_MemPool pool = an_mempoolCreate(NULL, d, 4 * page, overflowed, &o, 0);
  void* two = an_mempoolAllocPages(pool, 2);
  EXPECT_NULL(AN_ELIMIT, an_mempoolAllocPages(pool, 3));
  EXPECT_NULL(AN_ELIMIT, an_mempoolAllocPages(pool, 1 << 20));
  EXPECT(pool_stats(pool).pages == 2 * page && pool_stats(pool).refused == 2);
  EXPECT(an_mempoolAllocPages(pool, 2) != NULL);
  EXPECT(an_mempoolFreePages(pool, two) == AN_OK);
  EXPECT(an_mempoolAllocPages(pool, 1) != NULL);
  arena_settle(world);
  EXPECT(o.calls == 0); /* what is refused is not over the limit */
  an_domainDestroy(d);
}

static void domain_made_in_a_pool(arena* world) {
  an_Domain owner = plain_domain(), d;
  an_MemPool pool = plain_pool(owner, kRoomy);
  (void)world;
  d = domain_in(owner, pool);
  REQUIRE(d != NULL);
  EXPECT(an_domainGetMemPool(d) == pool);
  EXPECT_NULL(AN_ENOENT, an_domainGetMemPool(owner));
  EXPECT(pool_stats(pool).domains == 1 && pool_stats(pool).objects > 0);
  an_domainDestroy(d);
  EXPECT(pool_stats(pool).domains == 0 && pool_stats(pool).used == 0);
  an_domainDestroy(owner);
}

static void joins_and_leaves(arena* world) {
  an_Domain owner = plain_domain(), child, stranger = plain_domain();
  an_MemPool pool = plain_pool(owner, kRoomy), second = plain_pool(owner, kRoomy);
  (void)world;
  child = an_domainCreate(NULL, owner, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  EXPECT(an_packetAlloc(child, 100) != NULL);
  EXPECT(an_outchanCreate(NULL, child, "a", NULL, NULL) != NULL);
  EXPECT(an_mempoolAddDomain(pool, owner) == AN_OK && an_mempoolAddDomain(pool, child) == AN_OK);
  EXPECT(an_domainGetMemPool(owner) == pool && an_domainGetMemPool(child) == pool);
  EXPECT(pool_stats(pool).domains == 2 && pool_stats(pool).objects > 0 && pool_stats(pool).packets > 0);
  EXPECT_STATUS(AN_EEXIST, an_mempoolAddDomain(pool, child));
  EXPECT_STATUS(AN_EEXIST, an_mempoolAddDomain(second, child));
  EXPECT_STATUS(AN_EPERM, an_mempoolAddDomain(pool, stranger));
  EXPECT_STATUS(AN_EPERM, an_mempoolAddDomain(pool, an_domainParent(owner)));
  EXPECT_NULL(AN_EPERM, domain_in(stranger, pool));
  EXPECT_STATUS(AN_ENOENT, an_mempoolRemoveDomain(second, child));
  EXPECT(an_mempoolRemoveDomain(pool, child) == AN_OK);
  EXPECT_STATUS(AN_ENOENT, an_mempoolRemoveDomain(pool, child));
  EXPECT(pool_stats(pool).packets == 0);
  EXPECT(an_mempoolAddDomain(second, child) == AN_OK && pool_stats(second).packets > 0);
  EXPECT(an_mempoolRemoveDomain(pool, owner) == AN_OK && pool_stats(pool).used == 0);
  an_domainDestroy(owner);
  an_domainDestroy(stranger);
}

static void ring(void* arg) { (void)arg; }

static void objects_are_charged(arena* world) {
  void* mem = malloc(an_sizeof(AN_OUTCHAN));
  uint64_t empty;
  an_Domain owner = plain_domain(), d;
  an_MemPool pool = plain_pool(owner, kRoomy);
  an_OutChan out;
  an_DemuxKey key;
  an_Event e;
  d = domain_in(owner, pool);
  empty = pool_stats(pool).objects;
  out = an_outchanCreate(mem, d, "a", NULL, NULL);
  REQUIRE(out != NULL);
  EXPECT(pool_stats(pool).objects == empty); /* the caller's memory */
  an_outchanDestroy(out);
  out = an_outchanCreate(NULL, d, "a", NULL, NULL);
  EXPECT(pool_stats(pool).objects == empty + an_sizeof(AN_OUTCHAN));
  key = an_demuxkeyCreate(NULL, d);
  e = an_eventSchedule(NULL, d, kMs, 0, ring, NULL);
  EXPECT(key != NULL && e != NULL);
  EXPECT(pool_stats(pool).objects ==
         empty + an_sizeof(AN_OUTCHAN) + an_sizeof(AN_DEMUXKEY) + an_sizeof(AN_EVENT));
  arena_advance(world, 2 * kMs); /* the event happens, and is gone */
  EXPECT(an_outchanDestroy(out) == AN_OK && an_demuxkeyDestroy(key) == AN_OK);
  EXPECT(pool_stats(pool).objects == empty);
  an_domainDestroy(owner);
  free(mem);
}

static void objects_beyond_the_limit(arena* world) {
  void* mem = malloc(an_sizeof(AN_OUTCHAN));
  an_Domain owner = plain_domain(), d;
  an_MemPool pool = plain_pool(owner, kRoomy);
  (void)world;
  d = domain_in(owner, pool);
  EXPECT(an_mempoolSetLimit(pool, pool_stats(pool).used) == AN_OK);
  EXPECT_NULL(AN_ELIMIT, an_outchanCreate(NULL, d, "a", NULL, NULL));
  EXPECT_NULL(AN_ELIMIT, an_demuxkeyCreate(NULL, d));
  EXPECT_NULL(AN_ELIMIT, an_eventSchedule(NULL, d, 0, 0, ring, NULL));
  EXPECT(pool_stats(pool).refused == 3 && stats_of(d).channels == 0 && stats_of(d).events == 0);
  EXPECT(an_outchanCreate(mem, d, "a", NULL, NULL) != NULL); /* the caller's memory */
  an_domainDestroy(owner);
  free(mem);
}

static void packets_are_charged(arena* world) {
  static inbox box;
  uint64_t slot, piece = 0;
  size_t i;
  an_Domain owner = plain_domain(), d;
  an_MemPool pool = plain_pool(owner, kRoomy);
  an_Packet p, q;
  an_OutChan out;
  memset(&box, 0, sizeof box);
  d = domain_in(owner, pool);
  EXPECT(an_nodeInfo("packet_contiguous", &piece) == AN_OK);
  slot = slot_bytes(d, pool);
  EXPECT(pool_stats(pool).packets == 0);
  p = an_packetAlloc(d, (size_t)piece * 2 + 1);
  EXPECT(pool_stats(pool).packets == 3 * slot);
  EXPECT(an_packetAppend(p, (size_t)piece) != NULL && pool_stats(pool).packets == 4 * slot);
  EXPECT(an_packetPush(&p, 1000) != NULL && pool_stats(pool).packets == 5 * slot);
  EXPECT(an_packetTrim(p, 1010) == AN_OK && pool_stats(pool).packets == 2 * slot);
  EXPECT(an_packetPop(&p, 1005) == AN_OK && pool_stats(pool).packets == slot);
  q = an_packetClone(p);
  EXPECT(q != NULL && pool_stats(pool).packets == 2 * slot);
  EXPECT(an_packetGetData(&q, 4) != NULL);
  EXPECT(an_packetFree(q) == AN_OK && pool_stats(pool).packets == slot);
  out = an_outchanCreate(NULL, d, "b", NULL, NULL);
  EXPECT(an_outchanSend(out, p) == AN_OK && pool_stats(pool).packets == 0);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box) != NULL);
  for (i = 0; i < 10; i++) arena_inject(world, "a", "ten of these", 12);
  arena_settle(world);
  EXPECT(box.count == 10 && pool_stats(pool).packets == 10 * slot);
  for (i = 0; i < box.count; i++) an_packetFree(box.packets[i]);
  EXPECT(pool_stats(pool).packets == 0);
  an_domainDestroy(owner);
}

static void packets_beyond_the_limit(arena* world) {
  uint64_t slot;
  an_Domain owner = plain_domain(), d;
  an_MemPool pool = plain_pool(owner, kRoomy);
  an_Packet a, b;
  (void)world;
  d = domain_in(owner, pool);
  slot = slot_bytes(d, pool);
  EXPECT(an_mempoolSetLimit(pool, pool_stats(pool).used + 2 * slot) == AN_OK);
  EXPECT_NULL(AN_ELIMIT, an_packetAlloc(d, 60000));
  a = an_packetAlloc(d, 10);
  b = an_packetClone(a);
  EXPECT(a != NULL && b != NULL);
  EXPECT_NULL(AN_ELIMIT, an_packetAlloc(d, 10));
  EXPECT_NULL(AN_ELIMIT, an_packetClone(a));
  EXPECT_NULL(AN_ELIMIT, an_packetAppend(a, 1900));
  an_packetFree(b);
  EXPECT(an_packetAppend(a, 100) != NULL); /* its own slot has room for these */
  EXPECT(an_packetAlloc(d, 10) != NULL);
  EXPECT(pool_stats(pool).packets == 2 * slot && domain_adds_up(d));
  an_domainDestroy(owner);
}

/* A domain in a pool of an owner's, with a channel whose packets are kept. */
typedef struct keeper {
  inbox box;
  overflow o;
  an_Domain owner, domain;
  an_MemPool pool;
  uint64_t slot;
  int ended;
  an_TermReason reason;
} keeper;
static void keeper_ended(an_Domain d, an_TermReason reason, void* arg) {
  keeper* k = (keeper*)arg;
  (void)d;
  k->ended++;
  k->reason = reason;
}
/* The pool has room for `packets` packets more than it holds. */
static void start_keeping(keeper* k, int packets, uint64_t grace_ns) {
  memset(k, 0, sizeof *k);
  k->owner = plain_domain();
  k->pool = an_mempoolCreate(NULL, k->owner, kRoomy, overflowed, &k->o, grace_ns);
  k->domain = an_domainCreate(NULL, k->owner, NULL, NULL, k->pool, NULL, NULL, keeper_ended, k);
  EXPECT(an_inchanCreate(NULL, k->domain, NULL, "a", NULL, NULL, keep_one, &k->box) != NULL);
  k->slot = slot_bytes(k->domain, k->pool);
  EXPECT(an_mempoolSetLimit(k->pool, pool_stats(k->pool).used + (uint64_t)packets * k->slot) == AN_OK);
}
static void inject(arena* world, int packets) {
  for (; packets > 0; packets--) arena_inject(world, "a", "kept", 4);
  arena_settle(world);
}

static void overflow_is_given_back(arena* world) {
  static keeper k;
  start_keeping(&k, 4, 10 * kMs);
  inject(world, 4);
  EXPECT(k.o.calls == 0);
  k.o.free_packets = &k.box;
  inject(world, 1);
  EXPECT(k.o.calls == 1 && k.o.bytes == k.slot && k.o.pool == k.pool && k.o.self == k.owner);
  EXPECT(pool_stats(k.pool).packets == 0 && pool_stats(k.pool).overflows == 1);
  arena_advance(world, 20 * kMs);
  EXPECT(k.ended == 0 && k.o.calls == 1);
  inject(world, 5); /* and again */
  EXPECT(k.o.calls == 2);
  arena_advance(world, 20 * kMs);
  EXPECT(k.ended == 0);
  an_domainDestroy(k.owner);
}

static void overflow_is_not_given_back(arena* world) {
  static keeper k;
  an_Domain second;
  start_keeping(&k, 4, 10 * kMs);
  second = an_domainCreate(NULL, k.owner, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  inject(world, 7);
  EXPECT(k.o.calls == 1 && k.o.bytes > 0 && k.o.bytes <= 3 * k.slot);
  arena_advance(world, 5 * kMs);
  EXPECT(k.ended == 0);
  arena_advance(world, 6 * kMs);
  EXPECT(k.ended == 1 && k.reason == AN_TERM_VIOLATION && k.o.calls == 1);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(k.domain));
  EXPECT(stats_of(second).children == 0); /* not of the pool, so it lives */
  EXPECT(pool_stats(k.pool).domains == 0 && pool_stats(k.pool).used == 0);
  an_domainDestroy(k.owner);
}

static void overflow_given_back_in_time(arena* world) {
  static keeper k;
  size_t i;
  start_keeping(&k, 2, 10 * kMs);
  inject(world, 4);
  EXPECT(k.o.calls == 1);
  arena_advance(world, 9 * kMs);
  for (i = 0; i < k.box.count; i++) an_packetFree(k.box.packets[i]);
  arena_advance(world, 50 * kMs);
  EXPECT(k.ended == 0);
  an_domainDestroy(k.owner);
}

static void no_grace(arena* world) {
  static keeper k;
  start_keeping(&k, 1, 0);
  k.o.free_packets = &k.box;
  inject(world, 3);
  EXPECT(k.o.calls >= 1 && k.ended == 0);
  k.o.free_packets = NULL;
  inject(world, 3);
  EXPECT(k.ended == 1 && k.reason == AN_TERM_VIOLATION);
  an_domainDestroy(k.owner);
}

static void nobody_to_ask(arena* world) {
  static keeper k;
  start_keeping(&k, 1, 10 * kMs);
  EXPECT(an_mempoolDestroy(k.pool) == AN_OK);
  k.pool = an_mempoolCreate(NULL, k.owner, kRoomy, NULL, NULL, kMs);
  EXPECT(an_mempoolAddDomain(k.pool, k.domain) == AN_OK);
  EXPECT(an_mempoolSetLimit(k.pool, pool_stats(k.pool).used + k.slot) == AN_OK);
  inject(world, 3);
  EXPECT(k.ended == 0 && pool_stats(k.pool).overflows == 1);
  arena_advance(world, 2 * kMs);
  EXPECT(k.ended == 1 && k.reason == AN_TERM_VIOLATION);
  an_domainDestroy(k.owner);
}

static void lower_limit(arena* world) {
  const size_t page = page_size();
  overflow o = {0};
  an_Domain owner = plain_domain();
  an_MemPool pool = an_mempoolCreate(NULL, owner, 8 * page, overflowed, &o, kMs);
  o.free_pages = an_mempoolAllocPages(pool, 6);
  EXPECT(an_mempoolSetLimit(pool, 4 * page) == AN_OK);
  EXPECT(o.calls == 0); /* never inside another call */
  arena_settle(world);
  EXPECT(o.calls == 1 && o.bytes == 2 * page && o.self == owner && pool_stats(pool).pages == 0);
  arena_advance(world, 2 * kMs);
  EXPECT(o.calls == 1 && pool_stats(pool).overflows == 1);
  an_domainDestroy(owner);
}

static void all_domains_of_the_pool_end(arena* world) {
  static keeper k;
  an_Domain sibling, cousin;
  start_keeping(&k, 4, kMs);
  sibling = domain_in(k.owner, k.pool);
  cousin = domain_in(sibling, k.pool);
  EXPECT(an_mempoolSetLimit(k.pool, 1) == AN_OK);
  arena_settle(world);
  arena_advance(world, 2 * kMs);
  EXPECT(k.o.calls == 1 && k.ended == 1 && k.reason == AN_TERM_VIOLATION);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(sibling));
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(cousin));
  EXPECT(pool_stats(k.pool).domains == 0);
  an_domainDestroy(k.owner);
}

static void joining_overflows(arena* world) {
  overflow o = {0};
  an_Domain owner = plain_domain();
  an_MemPool pool = an_mempoolCreate(NULL, owner, 1, overflowed, &o, 10 * kMs);
  o.raise_to = kRoomy;
  EXPECT(an_mempoolAddDomain(pool, owner) == AN_OK);
  arena_settle(world);
  EXPECT(o.calls == 1);
  arena_advance(world, 20 * kMs);
  EXPECT(an_domainGetMemPool(owner) == pool);
  an_domainDestroy(owner);
}

static void overflow_destroys_the_pool(arena* world) {
  static keeper k;
  start_keeping(&k, 1, kMs);
  k.o.destroy_pool = 1;
  inject(world, 5);
  EXPECT(k.o.calls == 1 && k.ended == 0);
  EXPECT_NULL(AN_ENOENT, an_domainGetMemPool(k.domain));
  arena_advance(world, 5 * kMs);
  EXPECT(k.ended == 0 && k.o.calls == 1);
  an_domainDestroy(k.owner);
}

static void overflow_destroys_domains(arena* world) {
  static keeper k;
  start_keeping(&k, 1, 0);
  k.o.destroy_domain = k.domain;
  inject(world, 5);
  EXPECT(k.o.calls == 1 && k.ended == 1 && k.reason == AN_TERM_DESTROYED);
  EXPECT(pool_stats(k.pool).used == 0);
  an_domainDestroy(k.owner);
  start_keeping(&k, 1, 0); /* the owner, and the pool with it */
  k.o.destroy_domain = k.owner;
  inject(world, 5);
  EXPECT(k.o.calls == 1 && k.ended == 1 && k.reason == AN_TERM_ANCESTOR);
  arena_advance(world, kMs);
  EXPECT_STATUS(AN_EDEAD, an_mempoolDestroy(k.pool));
}

static void ends_with_its_domain(arena* world) {
  an_Domain owner = plain_domain(), child;
  an_MemPool pool = plain_pool(owner, kRoomy);
  an_Heap heap = an_heapCreate(NULL, pool);
  (void)world;
  child = domain_in(owner, pool);
  EXPECT(an_packetAlloc(child, 10) != NULL && an_heapAlloc(heap, 10) != NULL);
  EXPECT(an_mempoolAllocPages(pool, 2) != NULL && an_mempoolAddDomain(pool, owner) == AN_OK);
  EXPECT(an_domainDestroy(owner) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_mempoolDestroy(pool));
  EXPECT_NULL(AN_EDEAD, an_heapAlloc(heap, 1));
}

static void destroyed_before_its_domains(arena* world) {
  an_Domain owner = plain_domain(), child;
  an_MemPool pool = plain_pool(owner, kRoomy);
  an_Packet p;
  (void)world;
  child = domain_in(owner, pool);
  p = an_packetAlloc(child, 10);
  EXPECT(an_mempoolDestroy(pool) == AN_OK);
  EXPECT_NULL(AN_ENOENT, an_domainGetMemPool(child));
  EXPECT(an_packetFree(p) == AN_OK && an_packetAlloc(child, 10) != NULL);
  EXPECT(domain_adds_up(child));
  an_domainDestroy(owner);
}

typedef struct on_worker {
  an_Domain domain;
  an_MemPool pool;
  int create, destroy, add, pages, free, stats;
} on_worker;
static void call_on_worker(void* arg) {
  on_worker* w = (on_worker*)arg;
  an_MemPoolStats s = {sizeof s};
  void* pages = an_mempoolAllocPages(w->pool, 1);
  w->pages = pages != NULL ? AN_OK : an_errno();
  w->free = an_mempoolFreePages(w->pool, pages);
  w->stats = an_mempoolGetStats(w->pool, &s);
  w->create = plain_pool(w->domain, kRoomy) != NULL ? AN_OK : an_errno();
  w->add = an_mempoolAddDomain(w->pool, w->domain);
  w->destroy = an_mempoolDestroy(w->pool);
}
static void from_the_worker(arena* world) {
  static on_worker w;
  w.domain = plain_domain();
  w.pool = plain_pool(w.domain, kRoomy);
  w.stats = -1;
  EXPECT(an_eventSchedule(NULL, w.domain, 0, 0, call_on_worker, &w) != NULL);
  arena_settle(world);
  EXPECT(w.pages == AN_OK && w.free == AN_OK && w.stats == AN_OK);
  EXPECT(w.create == AN_ENOSYS && w.add == AN_ENOSYS && w.destroy == AN_ENOSYS);
  an_domainDestroy(w.domain);
}

static void from_a_strange_thread(arena* world) {
  on_worker w = {0};
  (void)world;
  w.domain = plain_domain();
  w.pool = plain_pool(w.domain, kRoomy);
  arena_elsewhere(call_on_worker, &w);
  EXPECT(w.pages == AN_ENOSYS && w.free == AN_ENOSYS && w.stats == AN_ENOSYS);
  EXPECT(w.create == AN_ENOSYS && w.add == AN_ENOSYS && w.destroy == AN_ENOSYS);
  EXPECT(pool_stats(w.pool).used == 0);
  an_domainDestroy(w.domain);
}

const check memory_checks[] = {
    {"memory: a pool is created and destroyed", created_and_destroyed},
    {"memory: dead and forged handles", dead_and_forged},
    {"memory: wrong arguments", wrong_arguments},
    {"memory: explicit memory", explicit_memory},
    {"memory: pages, and wrong ones", pages},
    {"memory: pages beyond the limit", pages_beyond_the_limit},
    {"memory: a domain is made in a pool", domain_made_in_a_pool},
    {"memory: domains join and leave", joins_and_leaves},
    {"memory: implicit objects are charged", objects_are_charged},
    {"memory: objects beyond the limit are refused", objects_beyond_the_limit},
    {"memory: packets are charged, piece by piece", packets_are_charged},
    {"memory: packets beyond the limit are refused", packets_beyond_the_limit},
    {"memory: an overflow is given back", overflow_is_given_back},
    {"memory: an overflow that is not given back ends the domain", overflow_is_not_given_back},
    {"memory: an overflow is given back in time", overflow_given_back_in_time},
    {"memory: no grace", no_grace},
    {"memory: nobody to ask", nobody_to_ask},
    {"memory: a lower limit overflows", lower_limit},
    {"memory: all domains of the pool end", all_domains_of_the_pool_end},
    {"memory: a domain that joins overflows", joining_overflows},
    {"memory: the overflow function destroys the pool", overflow_destroys_the_pool},
    {"memory: the overflow function destroys domains", overflow_destroys_domains},
    {"memory: a pool ends with its domain", ends_with_its_domain},
    {"memory: a pool is destroyed before its domains", destroyed_before_its_domains},
    {"memory: calls from the worker", from_the_worker},
    {"memory: calls from a strange thread", from_a_strange_thread},
    {NULL, NULL},
};
