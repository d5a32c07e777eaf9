/* SPDX-License-Identifier: Apache-2.0 */
/* Packets: bytes, pieces, sharing, ownership, and the bottom of the pool. */
#include "tests/conformance/check.h"

static void alloc_is_zero(arena* world) {
  static const size_t lengths[] = {0, 1, 64, 1500, 1920, 1921, 9000, 65535};
  size_t i;
  an_Domain d = plain_domain();
  (void)world;
  for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    an_Iov iov[64];
    size_t pieces, k, j, sum = 0;
    an_Packet p = an_packetAlloc(d, lengths[i]);
    REQUIRE(p != NULL);
    EXPECT(an_packetGetLength(p) == lengths[i]);
    pieces = an_packetGetIov(p, iov, 64);
    REQUIRE(pieces <= 64);
    for (k = 0; k < pieces; k++) {
      sum += iov[k].length;
      for (j = 0; j < iov[k].length; j++) EXPECT(((const char*)iov[k].base)[j] == 0);
    }
    EXPECT(sum == lengths[i]);
    EXPECT(an_packetFree(p) == AN_OK);
  }
  EXPECT_NULL(AN_EINVAL, an_packetAlloc(d, 65536));
  EXPECT_NULL(AN_EINVAL, an_packetAlloc(d, SIZE_MAX));
  an_domainDestroy(d);
}

static void dead_packet(arena* world) {
  an_Domain d = plain_domain();
  an_Packet p = an_packetAlloc(d, 10);
  an_PacketMeta meta = {sizeof meta};
  an_Iov iov[1];
  an_PacketView view;
  char byte;
  (void)world;
  EXPECT(an_packetFree(p) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_packetFree(p));
  EXPECT_STATUS(AN_EDEAD, an_packetDrop(p, AN_DROP_TTL));
  EXPECT_NULL(AN_EDEAD, an_packetClone(p));
  EXPECT_NULL(AN_EDEAD, an_packetPush(&p, 4));
  EXPECT_STATUS(AN_EDEAD, an_packetPop(&p, 4));
  EXPECT_NULL(AN_EDEAD, an_packetAppend(p, 4));
  EXPECT_STATUS(AN_EDEAD, an_packetTrim(p, 4));
  EXPECT_NULL(AN_EDEAD, an_packetGetData(&p, 4));
  EXPECT_STATUS(AN_EDEAD, an_packetGetMeta(p, &meta));
  EXPECT(an_packetGetLength(p) == 0 && an_packetGetIov(p, iov, 1) == 0);
  EXPECT_STATUS(AN_EDEAD, an_packetRead(p, 0, 1, &byte));
  EXPECT(an_packetGetViewVec(&p, 1, &view) == 0 && an_errno() == AN_EDEAD);
  EXPECT_STATUS(AN_EINVAL, an_packetFree(NULL));
  EXPECT_NULL(AN_EINVAL, an_packetGetData(NULL, 1));
  EXPECT_NULL(AN_EINVAL, an_packetPush(NULL, 1));
  EXPECT_STATUS(AN_EINVAL, an_packetPop(NULL, 1));
  an_domainDestroy(d);
}

static void read_across_pieces(arena* world) {
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "abc");
  uint64_t piece = 0;
  char* at;
  char into[8] = "";
  (void)world;
  EXPECT(an_nodeInfo("packet_contiguous", &piece) == AN_OK);
  at = (char*)an_packetAppend(p, (size_t)piece);
  REQUIRE(at != NULL);
  memcpy(at, "defg", 4);
  EXPECT(an_packetRead(p, 1, 5, into) == AN_OK && memcmp(into, "bcdef", 6) == 0);
  EXPECT(an_packetRead(p, 4, 3, into) == AN_OK && memcmp(into, "efgef", 6) == 0);
  EXPECT(an_packetRead(p, (size_t)piece + 3, 0, into) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_packetRead(p, (size_t)piece + 3, 1, into));
  EXPECT_STATUS(AN_EINVAL, an_packetRead(p, 1, SIZE_MAX, into));
  an_packetFree(p);
  an_domainDestroy(d);
}

static void views(arena* world) {
  an_Domain d = plain_domain();
  uint64_t piece = 0;
  an_Packet p[4];
  an_PacketView v[4];
  (void)world;
  p[0] = text_packet(d, "first");
  p[1] = text_packet(d, "second");
  p[2] = an_packetClone(p[1]);
  p[3] = text_packet(d, "gone");
  REQUIRE(p[2] != NULL);
  an_packetFree(p[3]);
  EXPECT(an_nodeInfo("packet_contiguous", &piece) == AN_OK);
  EXPECT(an_packetAppend(p[0], (size_t)piece) != NULL);
  EXPECT(an_packetGetViewVec(p, 3, v) == 3);
  EXPECT(v[0].length == piece + 5 && v[0].front_length == 5 && v[0].writable);
  EXPECT(memcmp(v[0].front, "first", 5) == 0 && v[0].front == an_packetGetData(&p[0], 5));
  EXPECT(v[1].length == 6 && v[1].front_length == 6 && v[1].front == v[2].front);
  EXPECT(!v[1].writable && !v[2].writable);
  EXPECT(an_packetGetViewVec(p, 4, v) == 3 && an_errno() == AN_EDEAD);
  EXPECT(an_packetGetViewVec(p, 0, v) == 0);
  an_packetFree(p[1]);
  EXPECT(an_packetGetViewVec(&p[2], 1, v) == 1 && memcmp(v[0].front, "second", 6) == 0);
  an_packetFree(p[2]);
  an_packetFree(p[0]);
  an_domainDestroy(d);
}

static void nowhere_to_write(arena* world) {
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "bytes");
  an_PacketView view;
  (void)world;
  EXPECT(an_packetGetViewVec(NULL, 3, &view) == 0 && strstr(an_errtext(), "no packets") != NULL);
  EXPECT(an_packetGetIov(p, NULL, 8) == 0 && strstr(an_errtext(), "a place") != NULL);
  EXPECT(an_packetGetIov(p, NULL, 0) == 1); /* how many pieces there are */
  EXPECT_STATUS(AN_EINVAL, an_packetGetMeta(p, NULL));
  EXPECT_STATUS(AN_EINVAL, an_packetRead(p, 0, 5, NULL));
  EXPECT(an_packetRead(p, 5, 0, NULL) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_packetTrim(p, 0));
  EXPECT(an_packetGetViewVec(&p, 1, NULL) == 0 && strstr(an_errtext(), "a place") != NULL);
  EXPECT(an_packetGetViewVec(NULL, 0, NULL) == 0);
  EXPECT(holds_text(p, "bytes"));
  an_packetFree(p);
  an_domainDestroy(d);
}

static void no_packet(arena* world) {
  an_Domain d = plain_domain();
  an_PacketMeta meta = {sizeof meta};
  an_Packet none = NULL;
  an_PacketView view;
  an_Iov iov;
  char byte;
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_packetDrop(NULL, AN_DROP_TTL));
  EXPECT_NULL(AN_EINVAL, an_packetClone(NULL));
  EXPECT_NULL(AN_EINVAL, an_packetPush(&none, 1));
  EXPECT_STATUS(AN_EINVAL, an_packetPop(&none, 1));
  EXPECT_NULL(AN_EINVAL, an_packetAppend(NULL, 1));
  EXPECT_STATUS(AN_EINVAL, an_packetTrim(NULL, 1));
  EXPECT_NULL(AN_EINVAL, an_packetGetData(&none, 1));
  EXPECT(an_packetGetLength(NULL) == 0 && an_errno() == AN_EINVAL);
  EXPECT(an_packetGetIov(NULL, &iov, 1) == 0 && an_errno() == AN_EINVAL);
  EXPECT_STATUS(AN_EINVAL, an_packetRead(NULL, 0, 1, &byte));
  EXPECT(an_packetGetViewVec(&none, 1, &view) == 0 && an_errno() == AN_EINVAL);
  EXPECT_STATUS(AN_EINVAL, an_packetGetMeta(NULL, &meta));
  an_domainDestroy(d);
}

static void push_and_pop(arena* world) {
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "body");
  void* at = an_packetPush(&p, 5);
  (void)world;
  REQUIRE(at != NULL);
  memcpy(at, "head-", 5);
  EXPECT(holds_text(p, "head-body"));
  EXPECT(an_packetPop(&p, 3) == AN_OK && holds_text(p, "d-body"));
  EXPECT(an_packetPop(&p, 6) == AN_OK && an_packetGetLength(p) == 0);
  EXPECT_STATUS(AN_EINVAL, an_packetPop(&p, 1));
  EXPECT_STATUS(AN_EINVAL, an_packetPop(&p, SIZE_MAX));
  EXPECT(an_packetPop(&p, 0) == AN_OK);
  an_packetFree(p);
  an_domainDestroy(d);
}

static void push_beyond_headroom(arena* world) {
  uint64_t room = 0;
  char* at;
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "end");
  (void)world;
  EXPECT(an_nodeInfo("packet_headroom", &room) == AN_OK && room > 0);
  at = (char*)an_packetPush(&p, (size_t)room + 100);
  REQUIRE(at != NULL);
  memset(at, 'x', (size_t)room + 100);
  EXPECT(an_packetGetLength(p) == room + 103);
  EXPECT(an_packetPop(&p, (size_t)room + 99) == AN_OK);
  EXPECT(holds_text(p, "xend"));
  EXPECT(an_packetPop(&p, 1) == AN_OK && holds_text(p, "end")); /* a whole piece goes */
  EXPECT_NULL(AN_EINVAL, an_packetPush(&p, 100000));
  EXPECT(holds_text(p, "end"));
  an_packetFree(p);
  an_domainDestroy(d);
}

static void append_and_trim(arena* world) {
  uint64_t piece = 0;
  void* at;
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "one");
  (void)world;
  at = an_packetAppend(p, 3);
  REQUIRE(at != NULL);
  memcpy(at, "two", 3);
  EXPECT(holds_text(p, "onetwo"));
  EXPECT(an_packetTrim(p, 4) == AN_OK && holds_text(p, "onet"));
  EXPECT_STATUS(AN_EINVAL, an_packetTrim(p, 5));
  EXPECT_STATUS(AN_EINVAL, an_packetTrim(p, 0));
  EXPECT(an_nodeInfo("packet_contiguous", &piece) == AN_OK);
  EXPECT(an_packetAppend(p, (size_t)piece) != NULL && an_packetGetLength(p) == piece + 4);
  EXPECT(an_packetGetIov(p, NULL, 0) == 2);
  EXPECT_NULL(AN_EINVAL, an_packetAppend(p, (size_t)piece + 1));
  EXPECT(an_packetTrim(p, 2) == AN_OK && holds_text(p, "on"));
  an_packetFree(p);
  an_domainDestroy(d);
}

static void length_is_bounded(arena* world) {
  uint64_t piece = 0;
  size_t length = 0;
  an_Domain d = plain_domain();
  an_Packet p = an_packetAlloc(d, 0);
  (void)world;
  an_nodeInfo("packet_contiguous", &piece);
  while (an_packetAppend(p, (size_t)piece) != NULL) length += (size_t)piece;
  EXPECT(an_errno() == AN_EINVAL && length <= 65535 && length + piece > 65535);
  EXPECT(an_packetTrim(p, 1) == AN_OK);
  for (length = 1; an_packetPush(&p, (size_t)piece) != NULL && length <= 65535;) length += (size_t)piece;
  EXPECT(an_errno() == AN_EINVAL && length <= 65535 && length + piece > 65535);
  EXPECT(an_packetGetLength(p) == length);
  an_packetFree(p);
  p = an_packetAlloc(d, 65535);
  REQUIRE(p != NULL);
  EXPECT_NULL(AN_EINVAL, an_packetPush(&p, 1)); /* there is headroom */
  EXPECT(an_packetPop(&p, 1) == AN_OK && an_packetPush(&p, 1) != NULL);
  an_packetFree(p);
  an_domainDestroy(d);
}

static void clone_shares(arena* world) {
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "shared bytes"), q = an_packetClone(p);
  an_Iov a, b;
  char* at;
  (void)world;
  REQUIRE(q != NULL);
  EXPECT(an_packetGetIov(p, &a, 1) == 1 && an_packetGetIov(q, &b, 1) == 1 && a.base == b.base);
  at = (char*)an_packetGetData(&q, 6); /* un-shares what it gives */
  REQUIRE(at != NULL);
  memcpy(at, "SHARED", 6);
  EXPECT(holds_text(p, "shared bytes") && holds_text(q, "SHARED bytes"));
  EXPECT(an_packetFree(p) == AN_OK);
  EXPECT(holds_text(q, "SHARED bytes"));
  EXPECT(an_packetFree(q) == AN_OK);
  EXPECT(domain_adds_up(d) && stats_of(d).packets_made == 2);
  an_domainDestroy(d);
}

static void push_on_a_clone(arena* world) {
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "body"), q = an_packetClone(p);
  void* at = an_packetPush(&q, 2);
  (void)world;
  REQUIRE(at != NULL);
  memcpy(at, "q:", 2);
  at = an_packetPush(&p, 2);
  REQUIRE(at != NULL);
  memcpy(at, "p:", 2);
  EXPECT(holds_text(p, "p:body") && holds_text(q, "q:body"));
  an_packetFree(q);
  EXPECT(holds_text(p, "p:body"));
  an_packetFree(p);
  an_domainDestroy(d);
}

static void append_on_a_clone(arena* world) {
  an_Domain d = plain_domain();
  an_Packet p = text_packet(d, "body"), q = an_packetClone(p);
  void* at = an_packetAppend(q, 2);
  (void)world;
  REQUIRE(at != NULL);
  memcpy(at, "-q", 2);
  at = an_packetAppend(p, 2);
  REQUIRE(at != NULL);
  memcpy(at, "-p", 2);
  EXPECT(holds_text(p, "body-p") && holds_text(q, "body-q"));
  an_packetFree(p);
  an_packetFree(q);
  an_domainDestroy(d);
}

static void data_across_pieces(arena* world) {
  char* at;
  an_Domain d = plain_domain();
  an_Packet p = an_packetAlloc(d, 3000);
  (void)world;
  at = (char*)an_packetGetData(&p, 1920);
  REQUIRE(at != NULL);
  memset(at, 'a', 1920);
  EXPECT(an_packetPop(&p, 1910) == AN_OK);
  at = (char*)an_packetGetData(&p, 20); /* ten bytes on each side of the seam */
  REQUIRE(at != NULL);
  EXPECT(memcmp(at, "aaaaaaaaaa\0\0\0\0\0\0\0\0\0", 20) == 0);
  EXPECT(an_packetGetLength(p) == 1090);
  EXPECT_NULL(AN_EINVAL, an_packetGetData(&p, 1091));
  EXPECT_NULL(AN_EINVAL, an_packetGetData(&p, SIZE_MAX));
  EXPECT(an_packetGetLength(p) == 1090);
  an_packetFree(p);
  an_domainDestroy(d);
}

static void empty_pool(arena* world) {
  static an_Packet all[ARENA_PACKETS + 1];
  size_t n = 0, i;
  an_Domain d = plain_domain();
  (void)world;
  while (n <= ARENA_PACKETS && (all[n] = an_packetAlloc(d, 1)) != NULL) n++;
  EXPECT(n == ARENA_PACKETS && an_errno() == AN_ENOMEM);
  EXPECT_NULL(AN_ENOMEM, an_packetClone(all[0]));
  EXPECT_NULL(AN_ENOMEM, an_packetPush(&all[0], 500));
  EXPECT_NULL(AN_ENOMEM, an_packetAppend(all[1], 1920));
  EXPECT(an_packetGetLength(all[0]) == 1 && an_packetGetLength(all[1]) == 1);
  for (i = 0; i < n; i++) EXPECT(an_packetFree(all[i]) == AN_OK);
  all[0] = an_packetAlloc(d, 1);
  EXPECT(all[0] != NULL && an_packetFree(all[0]) == AN_OK);
  EXPECT(domain_adds_up(d));
  an_domainDestroy(d);
}

static void failed_alloc_gives_back(arena* world) {
  an_Domain d = plain_domain();
  int i;
  an_Packet p = NULL;
  (void)world;
  for (i = 0; i < ARENA_PACKETS - 3; i++) p = an_packetAlloc(d, 1);
  EXPECT_NULL(AN_ENOMEM, an_packetAlloc(d, 65535)); /* 35 pieces do not fit in 3 */
  p = an_packetAlloc(d, 3 * 1920);
  EXPECT(p != NULL);
  EXPECT_NULL(AN_ENOMEM, an_packetClone(p));
  EXPECT(an_packetGetLength(p) == 3 * 1920);
  an_domainDestroy(d);
}

static void drop_reasons(arena* world) {
  int i;
  an_DomainStats s;
  an_Domain d = plain_domain();
  (void)world;
  for (i = 0; i < AN_DROP_REASONS; i++) {
    EXPECT(an_packetDrop(an_packetAlloc(d, 1), (an_DropReason)i) == AN_OK);
  }
  s = stats_of(d);
  for (i = 0; i < AN_DROP_REASONS; i++) EXPECT(s.dropped[i] == 1);
  EXPECT_STATUS(AN_EINVAL, an_packetDrop(NULL, AN_DROP_REASONS));
  EXPECT_STATUS(AN_EINVAL, an_packetDrop(NULL, (an_DropReason)-1));
  an_domainDestroy(d);
}

static void meta_of_a_made_packet(arena* world) {
  an_PacketMeta meta = {sizeof meta};
  an_Domain d = plain_domain();
  an_Packet p = an_packetAlloc(d, 1);
  (void)world;
  meta.channel = (an_InChan)(void*)d;
  EXPECT(an_packetGetMeta(p, &meta) == AN_OK);
  EXPECT(meta.channel == NULL && meta.port[0] == '\0');
  EXPECT_STATUS(AN_EINVAL, an_packetGetMeta(p, NULL));
  an_packetFree(p);
  an_domainDestroy(d);
}

const check packet_checks[] = {
    {"packet: a fresh one is all zero", alloc_is_zero},
    {"packet: a dead one gives AN_EDEAD in every call", dead_packet},
    {"packet: read across pieces", read_across_pieces},
    {"packet: a vector of views", views},
    {"packet: nowhere to write to", nowhere_to_write},
    {"packet: none where one is wanted", no_packet},
    {"packet: push and pop", push_and_pop},
    {"packet: push beyond the headroom", push_beyond_headroom},
    {"packet: append and trim", append_and_trim},
    {"packet: its length is bounded", length_is_bounded},
    {"packet: a clone shares bytes until one writes", clone_shares},
    {"packet: push on a clone", push_on_a_clone},
    {"packet: append on a clone", append_on_a_clone},
    {"packet: data across pieces", data_across_pieces},
    {"packet: an empty pool", empty_pool},
    {"packet: a failed alloc gives everything back", failed_alloc_gives_back},
    {"packet: drop reasons are counted", drop_reasons},
    {"packet: metadata of one that was made here", meta_of_a_made_packet},
    {NULL, NULL},
};
