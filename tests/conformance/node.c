/* SPDX-License-Identifier: Apache-2.0 */
/* The node: features, clocks, the log, errors per thread. */
#include "tests/conformance/check.h"

static void features(arena* world) {
  uint64_t value = 99;
  (void)world;
  EXPECT(an_nodeInfo("api", &value) == AN_OK && value == AN_VERSION);
  EXPECT(an_nodeInfo("vector", &value) == AN_OK && value >= 1);
  EXPECT(an_nodeInfo("packet_contiguous", &value) == AN_OK && value >= 1500);
  EXPECT(an_nodeInfo("packet_headroom", &value) == AN_OK && value >= 64);
  EXPECT(an_nodeInfo("workers", &value) == AN_OK && value >= 1);
  EXPECT(an_nodeInfo("in_process", &value) == AN_OK && value <= 1);
  EXPECT_STATUS(AN_ENOENT, an_nodeInfo("flying", &value));
  EXPECT_STATUS(AN_EINVAL, an_nodeInfo(NULL, &value));
  EXPECT_STATUS(AN_EINVAL, an_nodeInfo("api", NULL));
}

/* A call of what is not offered says so, and nothing else. */
static void offers_or_says_so(arena* world) {
  an_CredSpecData spec = {sizeof spec, AN_CRED_LOCAL};
  an_Domain d = plain_domain();
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  an_OutChan out = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_Packet p = text_packet(d, "kept");
  size_t i;
  const char* const features[] = {"credentials", "send_addresses", "handoff", "connect", "exact_queues"};
  (void)world;
  for (i = 0; i < sizeof features / sizeof *features; i++) {
    uint64_t value = 2;
    EXPECT(an_nodeInfo(features[i], &value) == AN_OK && value <= 1);
  }
  if (!offers("credentials")) {
    EXPECT_NULL(AN_ENOSYS, an_credCreate(NULL, &spec));
    EXPECT_STATUS(AN_ENOSYS, an_credCheck(NULL, NULL));
    EXPECT_STATUS(AN_ENOSYS, an_credDestroy(NULL));
    EXPECT_NULL(AN_ENOSYS,
                an_domainCreate(NULL, NULL, (an_Cred)(void*)d, NULL, NULL, NULL, NULL, NULL, NULL));
    EXPECT(an_sizeof(AN_CRED) == 0);
  }
  if (!offers("send_addresses")) {
    EXPECT_NULL(AN_ENOSYS, an_sendaddrCreate(NULL, out, "(dst=10.0.1.7)"));
    EXPECT_STATUS(AN_ENOSYS, an_outchanSendTo(out, p, NULL));
    EXPECT_STATUS(AN_ENOSYS, an_sendaddrDestroy(NULL));
    EXPECT(an_sizeof(AN_SENDADDR) == 0);
  }
  if (!offers("handoff")) EXPECT_STATUS(AN_ENOSYS, an_inchanHandoff(in, p));
  if (!offers("connect")) EXPECT_NULL(AN_ENOSYS, an_cutchanConnect(NULL, in, out));
  EXPECT(an_packetFree(p) == AN_OK); /* still the caller's */
  an_domainDestroy(d);
}

/* Without them every call on files says so, and nothing else. */
static void files_or_none(arena* world) {
  uint64_t has_files = 2;
  an_FileStat s = {sizeof s};
  an_FilesStats u = {sizeof u};
  an_Domain d = plain_domain();
  (void)world;
  EXPECT(an_nodeInfo("files", &has_files) == AN_OK && has_files <= 1);
  if (has_files == 0) {
    EXPECT_NULL(AN_ENOSYS, an_open(NULL, d, "a", AN_O_RDWR | AN_O_CREAT));
    EXPECT_NULL(AN_ENOSYS, an_opendir(NULL, d, "."));
    EXPECT_STATUS(AN_ENOSYS, an_stat(d, "a", &s));
    EXPECT_STATUS(AN_ENOSYS, an_mkdir(d, "a"));
    EXPECT_STATUS(AN_ENOSYS, an_rmdir(d, "a"));
    EXPECT_STATUS(AN_ENOSYS, an_unlink(d, "a"));
    EXPECT_STATUS(AN_ENOSYS, an_rename(d, "a", "b"));
    EXPECT_STATUS(AN_ENOSYS, an_filesGetStats(d, &u));
    EXPECT_STATUS(AN_EINVAL, an_close(NULL));
    EXPECT(an_read(NULL, NULL, 0) == -1 && an_errno() == AN_EINVAL);
  }
  an_domainDestroy(d);
}

static void clocks(arena* world) {
  const uint64_t before = an_timeGet(AN_TIME_MONOTONIC);
  arena_advance(world, 1000000);
  EXPECT(an_timeGet(AN_TIME_MONOTONIC) >= before + 1000000);
  EXPECT(an_timeGet(AN_TIME_WALL) > (uint64_t)1600000000 * 1000000000);
  EXPECT(an_timeGetRes(AN_TIME_MONOTONIC) > 0 && an_timeGetRes(AN_TIME_WALL) > 0);
  EXPECT(an_timeGet((an_Clock)7) == 0 && an_errno() == AN_EINVAL);
  EXPECT(an_timeGetRes((an_Clock)0) == 0);
}

static void log_lines(arena* world) {
  int i;
  an_Domain d = plain_domain();
  (void)world;
  EXPECT(an_log(d, AN_LOG_DEBUG, "a line of the conformance suite, with %s and {}") == AN_OK);
  for (i = 0; i < 100; i++) EXPECT(an_log(d, AN_LOG_DEBUG, "many") == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_log(d, AN_LOG_INFO, NULL));
  EXPECT_STATUS(AN_EINVAL, an_log(d, (an_LogLevel)0, "x"));
  EXPECT_STATUS(AN_EINVAL, an_log(NULL, AN_LOG_INFO, "x"));
  an_domainDestroy(d);
}

static void names_of_statuses(arena* world) {
  int i;
  (void)world;
  EXPECT(strcmp(an_statusName(AN_OK), "AN_OK") == 0 && strcmp(an_statusName(AN_ENOSYS), "AN_ENOSYS") == 0);
  for (i = AN_OK; i <= AN_ENOSYS; i++) EXPECT(strncmp(an_statusName(i), "AN_", 3) == 0);
  EXPECT(strcmp(an_statusName(-1), "?") == 0 && strcmp(an_statusName(1000), "?") == 0);
}

typedef struct elsewhere {
  an_Domain domain;
  int before, create, alloc, after;
} elsewhere;
static void call_elsewhere(void* arg) {
  elsewhere* e = (elsewhere*)arg;
  e->before = an_errno();
  e->create = plain_domain() != NULL ? AN_OK : an_errno();
  e->alloc = an_packetAlloc(e->domain, 1) != NULL ? AN_OK : an_errno();
}
static void strange_thread(arena* world) {
  elsewhere e = {0};
  (void)world;
  e.domain = plain_domain();
  an_domainDestroy(NULL); /* AN_EINVAL here */
  arena_elsewhere(call_elsewhere, &e);
  EXPECT(e.before == AN_OK); /* errors are each thread's own */
  EXPECT(e.create == AN_ENOSYS && e.alloc == AN_ENOSYS);
  EXPECT(an_errno() == AN_EINVAL);
  an_domainDestroy(e.domain);
}

static void error_survives_success(arena* world) {
  an_Domain d = plain_domain();
  (void)world;
  an_domainDestroy(NULL);
  EXPECT(an_errno() == AN_EINVAL);
  EXPECT(an_packetFree(an_packetAlloc(d, 1)) == AN_OK);
  EXPECT(an_errno() == AN_EINVAL && strcmp(an_errtext(), "") != 0);
  an_domainDestroy(d);
}

static void long_error_text(arena* world) {
  static char text[5000];
  an_Domain d = plain_domain();
  (void)world;
  memset(text, 'x', sizeof text - 1);
  EXPECT_NULL(AN_EPROTSPEC, an_outchanCreate(NULL, d, text, NULL, NULL));
  EXPECT(strlen(an_errtext()) < sizeof text);
  an_domainDestroy(d);
}

const check node_checks[] = {
    {"node: offers a call, or says that it does not", offers_or_says_so},
    {"node: features", features},
    {"node: files, or none", files_or_none},
    {"node: clocks", clocks},
    {"node: log", log_lines},
    {"node: names of statuses", names_of_statuses},
    {"node: a strange thread is refused, and errors are each thread's own", strange_thread},
    {"node: a success leaves the last error alone", error_survives_success},
    {"node: a long error text is cut", long_error_text},
    {NULL, NULL},
};
