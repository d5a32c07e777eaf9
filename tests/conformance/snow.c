/* SPDX-License-Identifier: Apache-2.0 */
/* an_snow.h: a process joins its node, and leaves it.  Over Snow only. */
#include <stdlib.h>

#include "nodeos_api/an_snow.h"
#include "tests/conformance/check.h"

/* What became of a domain. */
typedef struct end {
  int count;
  an_TermReason reason;
} end;
static void note_end(an_Domain d, an_TermReason reason, void* arg) {
  end* e = (end*)arg;
  (void)d;
  e->count++;
  e->reason = reason;
}
static an_Domain watched_domain(end* e) {
  e->count = 0;
  return an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, note_end, e);
}

static void outside(arena* world) {
  (void)arena_leave(world);
  EXPECT(an_snowFd() == -1);
  EXPECT_STATUS(AN_EINVAL, an_snowRun(0));
  EXPECT_STATUS(AN_EINVAL, an_snowDisconnect());
  EXPECT_STATUS(AN_ENOENT, an_snowConnect("/no/such/socket"));
  EXPECT_STATUS(AN_EINVAL, an_snowConnect(""));
  EXPECT_STATUS(AN_EINVAL,
                an_snowConnect("/a/path/of/more/than/107/bytes/...................................."
                               "................................................"));
  EXPECT(plain_domain() == NULL);
}

static void joins_and_leaves(arena* world) {
  const char* const path = arena_leave(world);
  end e;
  int spin;
  for (spin = 0; spin < 2; spin++) {
    an_snowSpin(spin);
    REQUIRE(an_snowConnect(path) == AN_OK);
    EXPECT_STATUS(AN_EEXIST, an_snowConnect(path));
    EXPECT(an_snowFd() >= 0);
    EXPECT(an_snowRun(0) == AN_OK && an_snowRun(1) == AN_OK);
    REQUIRE(watched_domain(&e) != NULL);
    EXPECT(an_snowRun(0) == AN_OK && e.count == 0);
    EXPECT(an_snowDisconnect() == AN_OK);
    EXPECT(e.count == 1 && e.reason == AN_TERM_NODE);
    EXPECT(an_snowFd() == -1);
    EXPECT_STATUS(AN_EINVAL, an_snowRun(0));
  }
  an_snowSpin(0);
}

static void is_handed_down(arena* world) {
  char number[16];
  (void)arena_leave(world);
  arena_socket(world, number, sizeof number);
  setenv(AN_SNOW_FD, number, 1);
  REQUIRE(an_snowConnect(NULL) == AN_OK);
  EXPECT(getenv(AN_SNOW_FD) == NULL);
  EXPECT(plain_domain() != NULL);
  EXPECT(an_snowDisconnect() == AN_OK);
}

static void other_thread(void* arg) {
  int* status = (int*)arg;
  status[0] = an_snowRun(0);
  status[1] = an_snowDisconnect();
}
static void is_one_threads(arena* world) {
  int status[2] = {AN_OK, AN_OK};
  REQUIRE(an_snowConnect(arena_leave(world)) == AN_OK);
  arena_elsewhere(other_thread, status);
  EXPECT(status[0] == AN_ENOSYS && status[1] == AN_ENOSYS);
  EXPECT(an_snowDisconnect() == AN_OK);
}

static void outlives_its_node(arena* world) {
  end e;
  REQUIRE(an_snowConnect(arena_leave(world)) == AN_OK);
  REQUIRE(watched_domain(&e) != NULL);
  arena_hang_up(world);
  EXPECT_STATUS(AN_EDEAD, an_snowRun(-1));
  EXPECT(e.count == 1 && e.reason == AN_TERM_NODE);
  EXPECT_STATUS(AN_EDEAD, an_snowRun(0));
  EXPECT(plain_domain() == NULL && an_errno() == AN_EDEAD);
  EXPECT(an_snowDisconnect() == AN_OK && an_snowFd() == -1);
}

const check snow_checks[] = {
    {"snow: who has not joined is told so", outside, NULL},
    {"snow: joins and leaves, and again", joins_and_leaves, NULL},
    {"snow: joins by a socket that was handed down", is_handed_down, NULL},
    {"snow: is its control thread's", is_one_threads, NULL},
    {"snow: the node goes", outlives_its_node, NULL},
    {NULL, NULL, NULL},
};
