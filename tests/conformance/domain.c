/* SPDX-License-Identifier: Apache-2.0 */
/* Domains: the tree of termination, both memory models, dead handles. */
#include <stdlib.h>

#include "tests/conformance/check.h"

static void created_and_destroyed(arena* world) {
  an_Domain d = plain_domain();
  (void)world;
  REQUIRE(d != NULL);
  EXPECT(stats_of(d).children == 0 && stats_of(d).channels == 0);
  EXPECT(an_domainDestroy(d) == AN_OK);
}

static void dead_handle(arena* world) {
  an_Domain d = plain_domain();
  an_DomainStats s = {sizeof s};
  (void)world;
  an_domainDestroy(d);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(d));
  EXPECT_STATUS(AN_EDEAD, an_domainGetStats(d, &s));
  EXPECT_STATUS(AN_EDEAD, an_log(d, AN_LOG_INFO, "from beyond"));
  EXPECT_NULL(AN_EDEAD, an_domainParent(d));
  EXPECT_NULL(AN_EDEAD, an_packetAlloc(d, 10));
  EXPECT_NULL(AN_EDEAD, an_demuxkeyCreate(NULL, d));
  EXPECT_NULL(AN_EDEAD, an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EDEAD, an_domainCreate(NULL, d, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  EXPECT_NULL(AN_EDEAD, an_eventSchedule(NULL, d, 0, 0, (an_EventFunc)NULL, NULL));
}

static void dead_handle_is_not_the_next(arena* world) {
  an_Domain first = plain_domain(), second;
  (void)world;
  an_domainDestroy(first);
  second = plain_domain();
  EXPECT(first != second);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(first));
  EXPECT(an_domainDestroy(second) == AN_OK);
}

static void forged_handle(arena* world) {
  an_Domain d = plain_domain();
  uintptr_t h = (uintptr_t)d;
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_domainDestroy(NULL));
  EXPECT_STATUS(AN_EINVAL, an_domainDestroy((an_Domain)(uintptr_t)0xdeadbeef));
  EXPECT_STATUS(AN_EINVAL, an_domainDestroy((an_Domain)(h + ((uintptr_t)1 << 40))));
  EXPECT_STATUS(AN_EINVAL, an_inchanDestroy((an_InChan)(void*)d));
  EXPECT_STATUS(AN_EINVAL, an_domainDestroy((an_Domain)UINTPTR_MAX));
  an_domainDestroy(d);
}

typedef struct story {
  int inits, terms;
  an_Domain self, ended;
  an_TermReason reason;
  an_Domain in_init, in_term;
  int* order;
  int status;
} story;
static int tell_init(an_Domain self, void* arg) {
  story* s = (story*)arg;
  s->inits++;
  s->self = self;
  s->in_init = an_domainSelf();
  return s->status;
}
static void tell_term(an_Domain ended, an_TermReason reason, void* arg) {
  story* s = (story*)arg;
  s->terms = s->order != NULL ? ++*s->order : s->terms + 1;
  s->ended = ended;
  s->reason = reason;
  s->in_term = an_domainSelf();
}

static void init_and_term_are_called_once(arena* world) {
  story s = {0};
  an_Domain d = an_domainCreate(NULL, NULL, NULL, NULL, NULL, tell_init, &s, tell_term, &s);
  (void)world;
  REQUIRE(d != NULL);
  EXPECT(s.inits == 1 && s.self == d && s.in_init == d);
  EXPECT(an_domainSelf() == NULL);
  EXPECT(s.terms == 0);
  an_domainDestroy(d);
  EXPECT(s.terms == 1 && s.ended == d && s.reason == AN_TERM_DESTROYED);
  EXPECT(s.in_term == NULL);
}

static void init_refuses(arena* world) {
  story s = {0};
  (void)world;
  s.status = AN_EADMIT;
  EXPECT_NULL(AN_EADMIT, an_domainCreate(NULL, NULL, NULL, NULL, NULL, tell_init, &s, tell_term, &s));
  EXPECT(s.terms == 0);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(s.self));
  s.status = -7;
  EXPECT_NULL(AN_EINVAL, an_domainCreate(NULL, NULL, NULL, NULL, NULL, tell_init, &s, tell_term, &s));
}

static int init_opens_and_refuses(an_Domain self, void* arg) {
  *(an_OutChan*)arg = an_outchanCreate(NULL, self, "a", NULL, NULL);
  an_packetAlloc(self, 100);
  return AN_ELIMIT;
}
static void refused_domain_leaves_nothing(arena* world) {
  an_OutChan c = NULL;
  (void)world;
  EXPECT_NULL(AN_ELIMIT,
              an_domainCreate(NULL, NULL, NULL, NULL, NULL, init_opens_and_refuses, &c, NULL, NULL));
  EXPECT_STATUS(AN_EDEAD, an_outchanDestroy(c));
}

static int init_destroys_itself(an_Domain self, void* arg) {
  *(int*)arg = an_domainDestroy(self);
  return AN_OK;
}
static void not_destroyed_while_initialising(arena* world) {
  int status = AN_OK;
  an_Domain d = an_domainCreate(NULL, NULL, NULL, NULL, NULL, init_destroys_itself, &status, NULL, NULL);
  (void)world;
  EXPECT(status == AN_EINVAL);
  EXPECT(an_domainDestroy(d) == AN_OK);
}

static void descendants_end_first(arena* world) {
  int order = 0;
  story parent = {0}, child = {0}, grandchild = {0};
  an_Domain p, c, g;
  (void)world;
  parent.order = child.order = grandchild.order = &order;
  p = an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, tell_term, &parent);
  c = an_domainCreate(NULL, p, NULL, NULL, NULL, NULL, NULL, tell_term, &child);
  g = an_domainCreate(NULL, c, NULL, NULL, NULL, NULL, NULL, tell_term, &grandchild);
  EXPECT(an_domainParent(g) == c && an_domainParent(c) == p);
  EXPECT(stats_of(p).children == 1);
  EXPECT(an_domainDestroy(p) == AN_OK);
  EXPECT(grandchild.terms == 1 && child.terms == 2 && parent.terms == 3);
  EXPECT(parent.reason == AN_TERM_DESTROYED && child.reason == AN_TERM_ANCESTOR &&
         grandchild.reason == AN_TERM_ANCESTOR);
  EXPECT(child.in_term == p && grandchild.in_term == c);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(g));
}

static void child_ends_alone(arena* world) {
  an_Domain p = plain_domain();
  an_Domain c = an_domainCreate(NULL, p, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  (void)world;
  EXPECT(an_domainDestroy(c) == AN_OK);
  EXPECT(stats_of(p).children == 0);
  EXPECT(an_domainDestroy(p) == AN_OK);
}

typedef struct reach {
  an_Domain parent, sibling;
  int parent_status, sibling_status;
} reach;
static int init_tries_others(an_Domain self, void* arg) {
  reach* r = (reach*)arg;
  (void)self;
  r->parent_status = an_domainDestroy(r->parent);
  r->sibling_status = an_domainDestroy(r->sibling);
  return AN_OK;
}
static void ends_itself_and_descendants_only(arena* world) {
  reach r = {0};
  (void)world;
  r.parent = plain_domain();
  r.sibling = an_domainCreate(NULL, r.parent, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  EXPECT(an_domainCreate(NULL, r.parent, NULL, NULL, NULL, init_tries_others, &r, NULL, NULL) != NULL);
  EXPECT(r.parent_status == AN_EPERM && r.sibling_status == AN_EPERM);
  an_domainDestroy(r.parent);
}

typedef struct escape {
  an_Domain above, other, child, grandchild, in_term;
  an_Status other_status, above_status;
} escape;
static void makes_one_in_term(an_Domain ended, an_TermReason reason, void* arg) {
  (void)ended;
  (void)reason;
  ((escape*)arg)->in_term = plain_domain();
}
static int init_makes_others(an_Domain self, void* arg) {
  escape* e = (escape*)arg;
  an_Domain mayfly;
  e->above = an_domainParent(self);
  e->above_status = (an_Status)an_errno();
  if (an_domainCreate(NULL, e->other, NULL, NULL, NULL, NULL, NULL, NULL, NULL) != NULL) return AN_EIO;
  e->other_status = (an_Status)an_errno();
  e->child = plain_domain();
  e->grandchild = an_domainCreate(NULL, e->child, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  mayfly = an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, makes_one_in_term, e);
  return an_domainDestroy(mayfly);
}
static void makes_others_below_itself_only(arena* world) {
  escape e = {0};
  an_Domain d, other = plain_domain();
  (void)world;
  e.other = other;
  d = an_domainCreate(NULL, NULL, NULL, NULL, NULL, init_makes_others, &e, NULL, NULL);
  REQUIRE(d != NULL);
  EXPECT(e.other_status == AN_EPERM && stats_of(other).children == 0);
  EXPECT(e.above == NULL && e.above_status == AN_ENOENT); /* it sees nothing above itself */
  EXPECT(an_domainParent(e.child) == d && an_domainParent(e.grandchild) == e.child);
  EXPECT(e.in_term != NULL && an_domainParent(e.in_term) == d);
  EXPECT(an_domainDestroy(d) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(e.child));
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(e.in_term));
  an_domainDestroy(other);
}

static void* thread_makes_others(void* arg) {
  escape* e = (escape*)arg;
  e->child = plain_domain();
  if (an_domainCreate(NULL, e->other, NULL, NULL, NULL, NULL, NULL, NULL, NULL) == NULL)
    e->other_status = (an_Status)an_errno();
  return NULL;
}
static void so_do_its_threads(arena* world) {
  escape e = {0};
  an_Domain d = plain_domain(), other = plain_domain();
  an_Thread t;
  (void)world;
  e.other = other;
  t = an_threadSpawn(NULL, d, thread_makes_others, &e);
  REQUIRE(t != NULL);
  EXPECT(an_threadJoin(t, NULL) == AN_OK);
  EXPECT(e.child != NULL && an_domainParent(e.child) == d && e.other_status == AN_EPERM);
  an_domainDestroy(d);
  an_domainDestroy(other);
}

static an_Domain self_after;
static int made_after, destroyed_after;
static void term_ends_its_parent(an_Domain ended, an_TermReason reason, void* arg) {
  (void)ended;
  (void)reason;
  EXPECT(an_domainDestroy(*(an_Domain*)arg) == AN_OK);
  self_after = an_domainSelf();
  made_after = plain_domain() != NULL ? AN_OK : an_errno();
  destroyed_after = an_domainDestroy(*(an_Domain*)arg);
}
static void code_that_outlives_its_domain(arena* world) {
  an_Domain p = plain_domain(), other = plain_domain();
  an_Domain c = an_domainCreate(NULL, p, NULL, NULL, NULL, NULL, NULL, term_ends_its_parent, &p);
  (void)world;
  self_after = other;
  EXPECT(an_domainDestroy(c) == AN_OK);
  EXPECT(self_after == NULL && made_after == AN_EDEAD && destroyed_after == AN_EDEAD);
  EXPECT(an_domainDestroy(other) == AN_OK);
}

static int depth_of(an_Domain top, an_DomainTermFunc f, void* arg, an_Domain* deepest) {
  int depth = 1;
  an_Domain next;
  for (*deepest = top; (next = an_domainCreate(NULL, *deepest, NULL, NULL, NULL, NULL, NULL, f, arg)) != NULL;
       *deepest = next)
    depth++;
  return depth;
}
static void count_term(an_Domain ended, an_TermReason reason, void* arg) {
  (void)ended;
  (void)reason;
  ++*(int*)arg;
}
static void nests_64_deep(arena* world) {
  an_Domain d = plain_domain(), deepest;
  int ended = 0;
  (void)world;
  EXPECT(depth_of(d, count_term, &ended, &deepest) == 64 && an_errno() == AN_ELIMIT);
  EXPECT_NULL(AN_ELIMIT, an_domainCreate(NULL, deepest, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  EXPECT(an_domainDestroy(d) == AN_OK && ended == 63);
}

/* Channels are closed, and memory is there, when the first termination function is called. */
typedef struct last_words {
  an_Domain parent;
  an_OutChan out;
  an_Heap heap;
  char* memory;
  int order, refused, alive;
} last_words;
static void term_of_child(an_Domain ended, an_TermReason reason, void* arg) {
  last_words* w = (last_words*)arg;
  (void)ended;
  (void)reason;
  w->order++;
  w->alive += an_domainSelf() == w->parent;
  w->alive += w->memory[0] == 'x' && an_heapFree(w->heap, w->memory) == AN_OK;
  w->refused += an_outchanDestroy(w->out) == AN_EDEAD;
  w->refused += an_domainDestroy(w->parent) == AN_EDEAD;
  w->refused += plain_domain() == NULL && an_errno() == AN_EDEAD;
  w->refused += an_packetAlloc(w->parent, 10) == NULL && an_errno() == AN_EDEAD;
}
static void parents_memory_outlives_children(arena* world) {
  last_words w = {0};
  an_Domain top = plain_domain();
  an_MemPool pool;
  (void)world;
  w.parent = an_domainCreate(NULL, top, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  w.out = an_outchanCreate(NULL, w.parent, "a", NULL, NULL);
  pool = an_mempoolCreate(NULL, w.parent, 1 << 20, NULL, NULL, 0);
  w.heap = an_heapCreate(NULL, pool);
  w.memory = (char*)an_heapAlloc(w.heap, 100);
  REQUIRE(w.memory != NULL);
  w.memory[0] = 'x';
  REQUIRE(an_domainCreate(NULL, w.parent, NULL, NULL, pool, NULL, NULL, term_of_child, &w) != NULL);
  EXPECT(an_domainDestroy(top) == AN_OK);
  EXPECT(w.order == 1 && w.alive == 2 && w.refused == 4);
}

static void root_stays(arena* world) {
  an_Domain d = plain_domain();
  an_Domain root = an_domainParent(d);
  (void)world;
  REQUIRE(root != NULL);
  EXPECT_STATUS(AN_EPERM, an_domainDestroy(root));
  EXPECT_NULL(AN_ENOENT, an_domainParent(root));
  an_domainDestroy(d);
}

static void explicit_memory(arena* world) {
  void* mem = malloc(an_sizeof(AN_DOMAIN));
  an_Domain d = an_domainCreate(mem, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  (void)world;
  EXPECT(d != NULL);
  EXPECT(an_domainDestroy(d) == AN_OK);
  memset(mem, 0xff, an_sizeof(AN_DOMAIN)); /* the caller's again */
  EXPECT_STATUS(AN_EDEAD, an_domainDestroy(d));
  free(mem);
}

static void misaligned_memory(arena* world) {
  char* mem = (char*)malloc(an_sizeof(AN_DOMAIN) + 16);
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_domainCreate(mem + 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  free(mem);
}

static void sizes(arena* world) {
  (void)world;
  EXPECT(an_sizeof(AN_DOMAIN) > 0 && an_sizeof(AN_INCHAN) > 0 && an_sizeof(AN_OUTCHAN) > 0);
  EXPECT(an_sizeof(AN_CUTCHAN) > 0 && an_sizeof(AN_DEMUXKEY) > 0 && an_sizeof(AN_EVENT) > 0);
  EXPECT(an_sizeof((an_Kind)0) == 0 && an_sizeof((an_Kind)99) == 0);
}

static void stats_grow(arena* world) {
  an_Domain d = plain_domain();
  struct {
    an_DomainStats known;
    uint64_t from_the_future;
  } larger;
  an_DomainStats smaller;
  (void)world;
  memset(&larger, 0x55, sizeof larger);
  larger.known.size = sizeof larger;
  EXPECT(an_domainGetStats(d, &larger.known) == AN_OK);
  EXPECT(larger.known.size == sizeof larger.known && larger.from_the_future == 0x5555555555555555u);
  memset(&smaller, 0x55, sizeof smaller);
  smaller.size = offsetof(an_DomainStats, packets_made);
  EXPECT(an_domainGetStats(d, &smaller) == AN_OK);
  EXPECT(smaller.packets_received == 0 && smaller.packets_made == 0x5555555555555555u);
  smaller.size = 0;
  EXPECT_STATUS(AN_EINVAL, an_domainGetStats(d, &smaller));
  EXPECT_STATUS(AN_EINVAL, an_domainGetStats(d, NULL));
  an_domainDestroy(d);
}

static void everything_comes_back(arena* world) {
  static inbox box;
  int i;
  story s = {0};
  an_Domain d = an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, tell_term, &s);
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box);
  an_OutChan out = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_CutChan cut = an_cutchanCreate(NULL, d, NULL, "b", NULL, NULL, "a", NULL, NULL);
  an_DemuxKey key = an_demuxkeyCreate(NULL, d);
  memset(&box, 0, sizeof box);
  for (i = 0; i < 20; i++) arena_inject(world, "a", "kept", 4);
  arena_settle(world);
  EXPECT(box.count == 20 && stats_of(d).packets_held == 20);
  EXPECT(an_packetAlloc(d, 5000) != NULL);
  EXPECT(stats_of(d).channels == 3);
  EXPECT(an_domainDestroy(d) == AN_OK);
  EXPECT(s.terms == 1);
  EXPECT_STATUS(AN_EDEAD, an_inchanDestroy(in));
  EXPECT_STATUS(AN_EDEAD, an_outchanDestroy(out));
  EXPECT_STATUS(AN_EDEAD, an_cutchanDestroy(cut));
  EXPECT_STATUS(AN_EDEAD, an_demuxkeyDestroy(key));
  EXPECT_STATUS(AN_EDEAD, an_packetFree(box.packets[0]));
  d = plain_domain(); /* the paths are free again */
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box) != NULL);
  an_domainDestroy(d);
}

static story node_story;
static void node_ends_its_domains(arena* world) {
  (void)world;
  memset(&node_story, 0, sizeof node_story);
  EXPECT(an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, tell_term, &node_story) != NULL);
}
static void node_has_ended_its_domains(arena* world) {
  (void)world;
  EXPECT(node_story.terms == 1 && node_story.reason == AN_TERM_NODE);
}

static void many_domains(arena* world) {
  an_Domain all[300];
  int i;
  (void)world;
  for (i = 0; i < 300; i++) {
    all[i] = plain_domain();
    REQUIRE(all[i] != NULL);
  }
  for (i = 0; i < 300; i++) EXPECT(an_domainDestroy(all[i]) == AN_OK);
  for (i = 0; i < 300; i++) EXPECT(an_domainDestroy(all[i]) == AN_EDEAD);
}

const check domain_checks[] = {
    {"domain: created and destroyed", created_and_destroyed},
    {"domain: a dead handle gives AN_EDEAD in every call", dead_handle},
    {"domain: a dead handle never becomes another's", dead_handle_is_not_the_next},
    {"domain: a forged handle gives AN_EINVAL", forged_handle},
    {"domain: init and term functions are called once, in their domains", init_and_term_are_called_once},
    {"domain: the init function may refuse", init_refuses},
    {"domain: a refused domain leaves nothing", refused_domain_leaves_nothing},
    {"domain: not destroyed while initialising", not_destroyed_while_initialising},
    {"domain: descendants end first, and hear why", descendants_end_first},
    {"domain: a child ends alone", child_ends_alone},
    {"domain: ends itself and descendants only", ends_itself_and_descendants_only},
    {"domain: makes others below itself only, and sees nothing above", makes_others_below_itself_only},
    {"domain: so do its threads", so_do_its_threads},
    {"domain: code that outlives its domain is nobody's", code_that_outlives_its_domain},
    {"domain: nests 64 deep", nests_64_deep},
    {"domain: a parent that ends keeps its memory until its children have", parents_memory_outlives_children},
    {"domain: the root stays", root_stays},
    {"domain: explicit memory", explicit_memory},
    {"domain: misaligned memory", misaligned_memory},
    {"domain: sizes of objects", sizes},
    {"domain: sized statistics", stats_grow},
    {"domain: all that it held comes back", everything_comes_back},
    {"domain: many at once", many_domains},
    {"domain: the node ends its domains (1)", node_ends_its_domains},
    {"domain: the node ends its domains (2)", node_has_ended_its_domains},
    {NULL, NULL},
};
