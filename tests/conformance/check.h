/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the checks of the suite share.  A check is a function; EXPECT notes what failed
 * and goes on, REQUIRE leaves the check.
 */
#ifndef WEFT_TESTS_CONFORMANCE_CHECK_H
#define WEFT_TESTS_CONFORMANCE_CHECK_H

#include <string.h>

#include "nodeos_api/an.h"
#include "tests/conformance/arena.h"

typedef struct check {
  const char* name;
  void (*run)(arena* world);
  const char* needs; /* a feature of an_nodeInfo() without which it is skipped, visibly; NULL: none */
} check;

/* One table for each file of checks; ends with a NULL name. */
extern const check domain_checks[];
extern const check channel_checks[];
extern const check demuxkey_checks[];
extern const check credential_checks[];
extern const check ending_checks[];
extern const check netspec_checks[];
extern const check sending_checks[];
extern const check suspend_checks[];
extern const check null_checks[];
extern const check packet_checks[];
extern const check event_checks[];
extern const check file_checks[];
extern const check file_root_checks[];
extern const check file_quota_checks[];
extern const check node_checks[];
extern const check attach_checks[];
extern const check memory_checks[];
extern const check heap_checks[];
extern const check thread_checks[];
extern const check thread_pool_checks[];
extern const check sync_checks[];
extern const check snow_checks[]; /* over Snow only */

void check_failed(const char* file, int line, const char* expression);

#define EXPECT(condition)                                           \
  do {                                                              \
    if (!(condition)) check_failed(__FILE__, __LINE__, #condition); \
  } while (0)
#define REQUIRE(condition)                          \
  do {                                              \
    if (!(condition)) {                             \
      check_failed(__FILE__, __LINE__, #condition); \
      return;                                       \
    }                                               \
  } while (0)
/* The call fails with `status`, and says why. */
#define EXPECT_STATUS(status, call) \
  EXPECT((call) == (status) && an_errno() == (status) && *an_errtext() != '\0')
#define EXPECT_NULL(status, call) EXPECT((call) == NULL && an_errno() == (status) && *an_errtext() != '\0')

/* Whether the node has the feature. */
static inline int offers(const char* feature) {
  uint64_t value = 0;
  return an_nodeInfo(feature, &value) == AN_OK && value != 0;
}

/* A domain with nothing special. */
static inline an_Domain plain_domain(void) {
  return an_domainCreate(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}

/* What a channel delivered, kept by the domain. */
typedef struct inbox {
  an_Packet packets[256];
  size_t count;
  size_t calls;
} inbox;
static inline void keep_one(void* arg, an_Packet p) {
  inbox* box = (inbox*)arg;
  box->calls++;
  if (box->count < 256) {
    box->packets[box->count++] = p;
  } else {
    an_packetFree(p);
  }
}
static inline void keep_vector(void* arg, an_Packet* packets, size_t n) {
  inbox* box = (inbox*)arg;
  size_t i;
  box->calls++;
  for (i = 0; i < n; i++) {
    if (box->count < 256) {
      box->packets[box->count++] = packets[i];
    } else {
      an_packetFree(packets[i]);
    }
  }
}

/* Whether the packet holds exactly `text`. */
static inline int holds_text(an_Packet p, const char* text) {
  an_Iov iov[8];
  size_t pieces = an_packetGetIov(p, iov, 8), i, at = 0;
  if (an_packetGetLength(p) != strlen(text)) return 0;
  for (i = 0; i < pieces && i < 8; i++) {
    if (memcmp(text + at, iov[i].base, iov[i].length) != 0) return 0;
    at += iov[i].length;
  }
  return at == strlen(text);
}

/* A packet of the domain with that text. */
static inline an_Packet text_packet(an_Domain d, const char* text) {
  an_Packet p = an_packetAlloc(d, 0);
  void* at = p != NULL ? an_packetAppend(p, strlen(text)) : NULL;
  if (at != NULL) memcpy(at, text, strlen(text));
  return p;
}

static inline an_DomainStats stats_of(an_Domain d) {
  an_DomainStats s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  an_domainGetStats(d, &s);
  return s;
}

/* received + made = sent + dropped + held */
static inline int domain_adds_up(an_Domain d) {
  an_DomainStats s = stats_of(d);
  uint64_t dropped = 0;
  size_t i;
  for (i = 0; i < AN_DROP_REASONS; i++) dropped += s.dropped[i];
  return s.packets_received + s.packets_made == s.packets_sent + dropped + s.packets_held;
}

#endif /* WEFT_TESTS_CONFORMANCE_CHECK_H */
