/* SPDX-License-Identifier: Apache-2.0 */
/* Packets over the caller's memory: nothing is copied, and it comes back once. */
#include <stdlib.h>

#include "tests/conformance/check.h"

static void released(void* arg) { ++*(int*)arg; }

/* A node that copies has released the memory by then. */
static int copies(void) {
  uint64_t value = 99;
  EXPECT(an_nodeInfo("attach_copies", &value) == AN_OK && value <= 1);
  return value == 1;
}

static char text[] = "foreign bytes";
enum { kText = sizeof text - 1 };

static an_Packet attach(an_Domain d, int writable, int* count) {
  return an_packetAttach(NULL, d, text, kText, writable, released, count);
}

static void not_copied(arena* world) {
  int count = 0;
  an_Iov iov[4];
  an_Domain d = plain_domain();
  an_Packet p = attach(d, 0, &count);
  (void)world;
  REQUIRE(p != NULL);
  EXPECT(an_packetGetLength(p) == kText && holds_text(p, text));
  EXPECT(an_packetGetIov(p, iov, 4) == 1 && iov[0].length == kText);
  EXPECT(copies() || iov[0].base == text);
  EXPECT(stats_of(d).packets_made == 1 && stats_of(d).packets_held == 1 && count == copies());
  EXPECT(an_packetFree(p) == AN_OK && count == 1 && domain_adds_up(d));
  EXPECT_STATUS(AN_EDEAD, an_packetFree(p));
  an_domainDestroy(d);
  EXPECT(count == 1);
}

static void last_user_lets_go(arena* world) {
  int count = 0;
  an_Domain d = plain_domain();
  an_Packet p = attach(d, 1, &count), q = an_packetClone(p), r = an_packetClone(q);
  (void)world;
  REQUIRE(q != NULL && r != NULL);
  an_packetFree(p);
  an_packetFree(r);
  EXPECT(count == copies() && holds_text(q, text));
  an_packetFree(q);
  EXPECT(count == 1);
  an_domainDestroy(d);
}

static void read_only(arena* world) {
  int count = 0;
  char* at;
  an_PacketView view;
  an_Domain d = plain_domain();
  an_Packet p = attach(d, 0, &count);
  (void)world;
  EXPECT(an_packetGetViewVec(&p, 1, &view) == 1 && (copies() || !view.writable));
  at = (char*)an_packetGetData(&p, kText);
  REQUIRE(at != NULL);
  EXPECT(at != text && count == 1); /* all of it was copied */
  at[0] = 'F';
  EXPECT(text[0] == 'f' && holds_text(p, "Foreign bytes"));
  an_packetFree(p);
  EXPECT(count == 1);
  an_domainDestroy(d);
}

static void writable(arena* world) {
  int count = 0;
  char bytes[] = "foreign bytes";
  char* at;
  an_Domain d = plain_domain();
  an_Packet p = an_packetAttach(NULL, d, bytes, kText, 1, released, &count), q;
  (void)world;
  at = (char*)an_packetGetData(&p, 4);
  EXPECT(copies() || at == bytes);
  q = an_packetClone(p);
  at = (char*)an_packetGetData(&q, 4); /* shared now: copied before it is written */
  EXPECT(at != NULL && at != bytes);
  an_packetFree(p);
  EXPECT(count == copies()); /* what was not copied of q is still there */
  an_packetFree(q);
  EXPECT(count == 1);
  an_domainDestroy(d);
}

static void sent(arena* world) {
  int count = 0;
  char got[64];
  an_Domain d = plain_domain();
  an_OutChan out = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_Packet p = attach(d, 0, &count);
  void* header = an_packetPush(&p, 4);
  REQUIRE(header != NULL);
  memcpy(header, "head", 4);
  EXPECT(holds_text(p, "headforeign bytes"));
  EXPECT(an_outchanSend(out, p) == AN_OK);
  arena_settle(world);
  EXPECT(count == copies()); /* it is on the wire */
  EXPECT(arena_take(world, "b", got, sizeof got) == kText + 4 &&
         memcmp(got, "headforeign bytes", kText + 4) == 0);
  EXPECT(count == 1 && domain_adds_up(d));
  an_domainDestroy(d);
}

static void domain_ends_first(arena* world) {
  static int held, on_the_wire;
  char got[64];
  an_Domain d = plain_domain();
  an_OutChan out = an_outchanCreate(NULL, d, "b", NULL, NULL);
  held = on_the_wire = 0;
  EXPECT(attach(d, 0, &held) != NULL);
  EXPECT(an_outchanSend(out, attach(d, 0, &on_the_wire)) == AN_OK);
  arena_settle(world);
  an_domainDestroy(d);
  EXPECT(held == 1 && on_the_wire == copies()); /* it outlives the domain */
  EXPECT(arena_take(world, "b", got, sizeof got) == kText && on_the_wire == 1);
}

static void parts_let_go(arena* world) {
  int count = 0;
  an_Domain d = plain_domain();
  an_Packet p = attach(d, 0, &count);
  (void)world;
  EXPECT(an_packetPop(&p, 8) == AN_OK && holds_text(p, "bytes") && count == copies());
  EXPECT(an_packetTrim(p, 2) == AN_OK && holds_text(p, "by") && count == copies());
  EXPECT(an_packetAppend(p, 3) != NULL && an_packetGetLength(p) == 5);
  EXPECT(an_packetPop(&p, 2) == AN_OK && an_packetGetLength(p) == 3 && count == 1);
  an_packetFree(p);
  EXPECT(count == 1);
  an_domainDestroy(d);
}

static void large(arena* world) {
  int count = 0;
  char *bytes = (char*)malloc(65535), got[4];
  an_Domain d = plain_domain();
  an_Packet p;
  (void)world;
  memset(bytes, 'x', 65535);
  bytes[65534] = 'y';
  p = an_packetAttach(NULL, d, bytes, 65535, 0, released, &count);
  REQUIRE(p != NULL);
  EXPECT(an_packetGetLength(p) == 65535);
  EXPECT(an_packetRead(p, 65531, 4, got) == AN_OK && memcmp(got, "xxxy", 4) == 0);
  an_packetFree(p);
  EXPECT(count == 1);
  an_domainDestroy(d);
  free(bytes);
}

typedef struct mine {
  void* mem;
  int count;
} mine;
static void mine_again(void* arg) {
  mine* m = (mine*)arg;
  memset(m->mem, 0xff, an_sizeof(AN_ATTACHED));
  m->count++;
}
static void explicit_memory(arena* world) {
  mine m = {0};
  int i;
  an_Domain d = plain_domain();
  (void)world;
  m.mem = malloc(an_sizeof(AN_ATTACHED));
  EXPECT(an_sizeof(AN_ATTACHED) > 0);
  for (i = 1; i <= 3; i++) { /* again and again in the same place */
    an_Packet p = an_packetAttach(m.mem, d, text, kText, 0, mine_again, &m);
    REQUIRE(p != NULL);
    EXPECT(holds_text(p, text) && m.count == i - 1 + copies());
    an_packetFree(p);
    EXPECT(m.count == i);
  }
  an_domainDestroy(d);
  free(m.mem);
}

static void wrong_arguments(arena* world) {
  int count = 0, i;
  char mem[512];
  an_Domain d = plain_domain();
  an_MemPool pool;
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_packetAttach(NULL, d, NULL, 1, 0, released, &count));
  EXPECT_NULL(AN_EINVAL, an_packetAttach(NULL, d, text, 0, 0, released, &count));
  EXPECT_NULL(AN_EINVAL, an_packetAttach(NULL, d, text, 65536, 0, released, &count));
  EXPECT_NULL(AN_EINVAL, an_packetAttach(NULL, d, text, kText, 0, NULL, NULL));
  EXPECT_NULL(AN_EINVAL,
              an_packetAttach(mem + 1 + ((uintptr_t)mem & 1), d, text, kText, 0, released, &count));
  pool = an_mempoolCreate(NULL, d, 1 << 20, NULL, NULL, UINT64_MAX);
  EXPECT(an_mempoolAddDomain(pool, d) == AN_OK && an_mempoolSetLimit(pool, 1) == AN_OK);
  EXPECT_NULL(AN_ELIMIT, attach(d, 0, &count));
  EXPECT(an_mempoolDestroy(pool) == AN_OK);
  for (i = 0; i < ARENA_PACKETS; i++) EXPECT(an_packetAlloc(d, 0) != NULL);
  EXPECT_NULL(AN_ENOMEM, attach(d, 0, &count));
  an_domainDestroy(d);
  EXPECT_NULL(AN_EDEAD, attach(d, 0, &count));
  EXPECT(count == 0);
}

const check attach_checks[] = {
    {"attach: it comes back once, and nothing is copied in the node", not_copied},
    {"attach: the last user lets go", last_user_lets_go},
    {"attach: memory that is only read", read_only},
    {"attach: memory that may be written", writable},
    {"attach: sent with a header in front", sent},
    {"attach: the domain ends first", domain_ends_first},
    {"attach: parts let go", parts_let_go},
    {"attach: as much as a packet can be", large},
    {"attach: explicit memory", explicit_memory},
    {"attach: wrong arguments, and nothing is released", wrong_arguments},
    {NULL, NULL},
};
