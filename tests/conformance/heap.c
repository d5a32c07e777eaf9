/* SPDX-License-Identifier: Apache-2.0 */
/* Heaps: blocks, their contents, wrong pointers, and where the pages go. */
#include <stddef.h>
#include <stdlib.h>

#include "tests/conformance/check.h"

typedef struct place {
  an_Domain domain;
  an_MemPool pool;
  an_Heap heap;
} place;
static place a_heap(uint64_t limit) {
  place p;
  p.domain = plain_domain();
  p.pool = an_mempoolCreate(NULL, p.domain, limit, NULL, NULL, 0);
  p.heap = an_heapCreate(NULL, p.pool);
  EXPECT(p.heap != NULL);
  return p;
}
static uint64_t pages_of(an_MemPool pool) {
  an_MemPoolStats s = {sizeof s};
  EXPECT(an_mempoolGetStats(pool, &s) == AN_OK);
  return s.pages;
}
static int all_are(const unsigned char* bytes, size_t n, unsigned char value) {
  size_t i;
  for (i = 0; i < n; i++) {
    if (bytes[i] != value) return 0;
  }
  return 1;
}

static void blocks(arena* world) {
  enum { kBlocks = 200 };
  place p = a_heap(1 << 20);
  unsigned char* block[kBlocks];
  size_t i;
  (void)world;
  for (i = 0; i < kBlocks; i++) {
    block[i] = (unsigned char*)an_heapAlloc(p.heap, i + 1);
    REQUIRE(block[i] != NULL);
    EXPECT((uintptr_t)block[i] % _Alignof(max_align_t) == 0);
    memset(block[i], (int)i, i + 1);
  }
  for (i = 0; i < kBlocks; i++) EXPECT(all_are(block[i], i + 1, (unsigned char)i));
  EXPECT(pages_of(p.pool) >= kBlocks * kBlocks / 2);
  for (i = 0; i < kBlocks; i++) EXPECT(an_heapFree(p.heap, block[(i * 77) % kBlocks]) == AN_OK);
  EXPECT(an_heapDestroy(p.heap) == AN_OK && pages_of(p.pool) == 0);
  an_domainDestroy(p.domain);
}

static void sizes_at_the_ends(arena* world) {
  place p = a_heap(1 << 20);
  void *a = an_heapAlloc(p.heap, 0), *b = an_heapAlloc(p.heap, 0);
  (void)world;
  EXPECT(a != NULL && b != NULL && a != b);
  EXPECT_NULL(AN_ENOMEM, an_heapAlloc(p.heap, SIZE_MAX));
  EXPECT_NULL(AN_ENOMEM, an_heapRealloc(p.heap, a, SIZE_MAX));
  EXPECT(an_heapFree(p.heap, NULL) == AN_OK);
  EXPECT(an_heapFree(p.heap, a) == AN_OK && an_heapFree(p.heap, b) == AN_OK);
  an_domainDestroy(p.domain);
}

static void reallocated(arena* world) {
  place p = a_heap(8 << 20);
  unsigned char* block = (unsigned char*)an_heapRealloc(p.heap, NULL, 10);
  size_t size = 10, next;
  (void)world;
  REQUIRE(block != NULL);
  memset(block, 7, 10);
  for (next = 10; next < (1 << 20); next = next * 3 / 2) {
    size = next;
    block = (unsigned char*)an_heapRealloc(p.heap, block, size);
    REQUIRE(block != NULL);
    EXPECT(all_are(block, 10, 7));
    memset(block + 10, 8, size - 10);
  }
  for (; size > 20; size /= 3) {
    block = (unsigned char*)an_heapRealloc(p.heap, block, size);
    REQUIRE(block != NULL);
    EXPECT(all_are(block, 10, 7) && all_are(block + 10, size - 10, 8));
  }
  EXPECT(an_heapFree(p.heap, block) == AN_OK);
  an_domainDestroy(p.domain);
}

static void realloc_that_fails(arena* world) {
  place p = a_heap(1 << 20);
  unsigned char* block = (unsigned char*)an_heapAlloc(p.heap, 1000);
  (void)world;
  REQUIRE(block != NULL);
  memset(block, 9, 1000);
  EXPECT_NULL(AN_ELIMIT, an_heapRealloc(p.heap, block, 2 << 20));
  EXPECT(all_are(block, 1000, 9) && an_heapFree(p.heap, block) == AN_OK);
  an_domainDestroy(p.domain);
}

static void wrong_pointers(arena* world) {
  place p = a_heap(1 << 20), q;
  char on_stack[64];
  char* block = (char*)an_heapAlloc(p.heap, 100);
  char *other, *pages = (char*)an_mempoolAllocPages(p.pool, 1);
  (void)world;
  q = a_heap(1 << 20);
  other = (char*)an_heapAlloc(q.heap, 100);
  memset(block, 0x77, 100);
  EXPECT_STATUS(AN_EINVAL, an_heapFree(p.heap, other));
  EXPECT_STATUS(AN_EINVAL, an_heapFree(p.heap, on_stack));
  EXPECT_STATUS(AN_EINVAL, an_heapFree(p.heap, pages + 64));
  EXPECT_STATUS(AN_EINVAL, an_heapFree(p.heap, block + 1));
  EXPECT_STATUS(AN_EINVAL, an_heapFree(p.heap, block + 32));
  EXPECT_STATUS(AN_EINVAL, an_heapFree(p.heap, (void*)(uintptr_t)16));
  EXPECT_NULL(AN_EINVAL, an_heapRealloc(p.heap, other, 10));
  EXPECT_NULL(AN_EINVAL, an_heapRealloc(p.heap, block + 16, 10));
  EXPECT(an_heapFree(p.heap, block) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_heapFree(p.heap, block));
  EXPECT(an_heapFree(q.heap, other) == AN_OK);
  an_domainDestroy(p.domain);
  an_domainDestroy(q.domain);
}

static void limit(arena* world) {
  enum { kMost = 1000 };
  place p = a_heap(200000);
  void* block[kMost];
  size_t n = 0;
  (void)world;
  while (n < kMost && (block[n] = an_heapAlloc(p.heap, 1000)) != NULL) n++;
  EXPECT(an_errno() == AN_ELIMIT && n > 150 && n < 200);
  EXPECT(pages_of(p.pool) <= 200000);
  while (n > 0) EXPECT(an_heapFree(p.heap, block[--n]) == AN_OK);
  EXPECT(an_heapAlloc(p.heap, 100000) != NULL); /* what was freed is there again */
  an_domainDestroy(p.domain);
}

static void empty_pages_go_back(arena* world) {
  place p = a_heap(64 << 20);
  void *large, *small = an_heapAlloc(p.heap, 100);
  const uint64_t before = pages_of(p.pool);
  (void)world;
  large = an_heapAlloc(p.heap, 10 << 20);
  EXPECT(large != NULL && pages_of(p.pool) >= before + (10 << 20));
  memset(large, 1, 10 << 20);
  EXPECT(an_heapFree(p.heap, large) == AN_OK && pages_of(p.pool) == before);
  EXPECT(an_heapFree(p.heap, small) == AN_OK && pages_of(p.pool) <= before);
  EXPECT(an_heapDestroy(p.heap) == AN_OK && pages_of(p.pool) == 0);
  an_domainDestroy(p.domain);
}

/* Whatever is done in whatever order, no block changes another. */
static void random_work(arena* world) {
  enum { kSlots = 64, kSteps = 20000 };
  struct {
    unsigned char* at;
    size_t size;
  } slot[kSlots];
  place p = a_heap(16 << 20);
  uint32_t seed = 12345;
  int i;
  (void)world;
  memset(slot, 0, sizeof slot);
  for (i = 0; i < kSteps; i++) {
    size_t s, size;
    seed = seed * 1664525 + 1013904223;
    s = seed >> 26;
    size = (seed >> 8) % ((seed & 15) == 0 ? 100000 : 300) + 1;
    if (slot[s].at == NULL || (seed & 0x30) == 0) {
      unsigned char* at = (unsigned char*)an_heapRealloc(p.heap, slot[s].at, size);
      const size_t kept = slot[s].at == NULL ? 0 : slot[s].size < size ? slot[s].size : size;
      REQUIRE(at != NULL);
      EXPECT(all_are(at, kept, (unsigned char)s));
      memset(at, (int)s, size);
      slot[s].at = at;
      slot[s].size = size;
    } else {
      EXPECT(all_are(slot[s].at, slot[s].size, (unsigned char)s));
      EXPECT(an_heapFree(p.heap, slot[s].at) == AN_OK);
      slot[s].at = NULL;
    }
  }
  for (i = 0; i < kSlots; i++) EXPECT(an_heapFree(p.heap, slot[i].at) == AN_OK);
  EXPECT(pages_of(p.pool) <= 65536);
  an_domainDestroy(p.domain);
}

static void dead_and_forged(arena* world) {
  void* mem = malloc(an_sizeof(AN_HEAP));
  place p = a_heap(1 << 20);
  an_Heap mine = an_heapCreate(mem, p.pool);
  void* block = an_heapAlloc(mine, 10);
  (void)world;
  EXPECT(an_sizeof(AN_HEAP) > 0 && block != NULL);
  EXPECT_NULL(AN_EINVAL, an_heapCreate((char*)mem + 1, p.pool));
  EXPECT(an_heapDestroy(mine) == AN_OK);
  memset(mem, 0xff, an_sizeof(AN_HEAP));
  EXPECT_STATUS(AN_EDEAD, an_heapDestroy(mine));
  EXPECT_NULL(AN_EDEAD, an_heapAlloc(mine, 1));
  EXPECT_NULL(AN_EDEAD, an_heapRealloc(mine, block, 1));
  EXPECT_STATUS(AN_EDEAD, an_heapFree(mine, block));
  EXPECT_NULL(AN_EINVAL, an_heapAlloc((an_Heap)(void*)p.pool, 1));
  EXPECT_NULL(AN_EINVAL, an_heapCreate(NULL, NULL));
  EXPECT(an_mempoolDestroy(p.pool) == AN_OK); /* and the heap with it */
  EXPECT_STATUS(AN_EDEAD, an_heapDestroy(p.heap));
  an_domainDestroy(p.domain);
  free(mem);
}

typedef struct on_worker {
  place p;
  int create, alloc, destroy;
} on_worker;
static void call_on_worker(void* arg) {
  on_worker* w = (on_worker*)arg;
  void* block = an_heapAlloc(w->p.heap, 100);
  w->alloc = block != NULL ? an_heapFree(w->p.heap, block) : an_errno();
  w->create = an_heapCreate(NULL, w->p.pool) != NULL ? AN_OK : an_errno();
  w->destroy = an_heapDestroy(w->p.heap);
}
static void from_the_worker(arena* world) {
  static on_worker w;
  w.p = a_heap(1 << 20);
  w.alloc = -1;
  EXPECT(an_eventSchedule(NULL, w.p.domain, 0, 0, call_on_worker, &w) != NULL);
  arena_settle(world);
  EXPECT(w.alloc == AN_OK && w.create == AN_ENOSYS && w.destroy == AN_ENOSYS);
  arena_elsewhere(call_on_worker, &w);
  EXPECT(w.alloc == AN_ENOSYS && w.create == AN_ENOSYS && w.destroy == AN_ENOSYS);
  an_domainDestroy(w.p.domain);
}

const check heap_checks[] = {
    {"heap: blocks are apart and aligned", blocks},
    {"heap: sizes at the ends", sizes_at_the_ends},
    {"heap: a block grows and shrinks", reallocated},
    {"heap: a realloc that fails leaves the block", realloc_that_fails},
    {"heap: wrong pointers are told", wrong_pointers},
    {"heap: the pool's limit", limit},
    {"heap: empty pages go back", empty_pages_go_back},
    {"heap: random work", random_work},
    {"heap: dead and forged handles, explicit memory", dead_and_forged},
    {"heap: calls from the worker, and from a strange thread", from_the_worker},
    {NULL, NULL},
};
