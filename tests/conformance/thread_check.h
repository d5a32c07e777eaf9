/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of threads share. */
#ifndef WEFT_TESTS_CONFORMANCE_THREAD_CHECK_H
#define WEFT_TESTS_CONFORMANCE_THREAD_CHECK_H

#include <stdatomic.h>

#include "tests/conformance/check.h"

#define kMs ((uint64_t)1000000)

static inline an_Thread spawn(an_Domain d, an_ThreadFunc f, void* arg) {
  return an_threadSpawn(NULL, d, f, arg);
}
static inline int join(an_Thread t) { return an_threadJoin(t, NULL); }
static inline an_ThreadPoolStats pool_stats(an_Domain d) {
  an_ThreadPoolStats s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  EXPECT(an_threadpoolGetStats(d, &s) == AN_OK);
  return s;
}
/* The control thread serves until the flag has that value; not for ever. */
static inline int wait_for(atomic_int* flag, int value) {
  int i;
  for (i = 0; i < 100000 && atomic_load(flag) != value; i++) {
    an_threadYield();
    an_threadSleep(kMs / 10);
  }
  return atomic_load(flag) == value;
}

static inline void* returns_its_argument(void* arg) { return arg; }

#endif /* WEFT_TESTS_CONFORMANCE_THREAD_CHECK_H */
