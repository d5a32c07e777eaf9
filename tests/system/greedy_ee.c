/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An EE that takes without end what its first argument names, for limits_test.py.  It says in the log
 * how much it got and what it was refused with, and goes on asking as long as it lives.
 *
 *   packets                 holds all that it can, frees them, and again
 *   hoard PROT ADDR         keeps all that comes
 *   send PROT ADDR          until the channel refuses
 *   send-rated PROT ADDR    the same through a channel that may send 8 Mbit/s
 *   queue PROT              hands packets to incoming channels of its own, which rest
 *   threads                 of its domain, which compute; then of the C library
 *   domains-threads         of one domain after the other
 *   domains                 that lie side by side
 *   domains-deep            as deep as they nest, again and again
 *   escape                  domains that are not below its own
 *   channels PROT ADDR      outgoing ones
 *   calls                   of the control thread's time, from all the threads that it may have
 *   descriptors
 *   pool                    pages of a memory pool, of which it then gives nothing back
 *   memory                  of the system
 *   compute                 the worker's time
 *   files MINE OTHER        writes MINE until it is refused; says what it sees, and tries to open OTHER
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nodeos_api/an_ee.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MILLISECOND UINT64_C(1000000)
#define MOST 100000 /* at one go */
#define QUEUES 16
#define POOL 4096 /* packets of the node */

static struct {
  an_Domain domain;
  an_OutChan out;
  const char *prot, *addr;
  int said;
} greedy;

static void say(const char* what, uint64_t got, const char* refusal) {
  char line[512];
  snprintf(line, sizeof line, "greedy: %s: %" PRIu64 ", then %s", what, got, refusal);
  an_log(greedy.domain, AN_LOG_INFO, line);
}
/* The first time. */
static void say_once(const char* what, uint64_t got) {
  if (!greedy.said) say(what, got, an_statusName(an_errno()));
  greedy.said = 1;
}

static void take_packets(void* arg) {
  static an_Packet held[MOST];
  size_t n = 0;
  (void)arg;
  while (n < MOST && (held[n] = an_packetAlloc(greedy.domain, 100)) != NULL) n++;
  say_once("packets", n);
  while (n > 0) an_packetFree(held[--n]);
}

static void send_packets(void* arg) {
  size_t n = 0;
  (void)arg;
  for (; n < MOST; n++) {
    an_Packet packet = an_packetAlloc(greedy.domain, 1000);
    if (packet == NULL) return; /* all are on their way */
    if (an_outchanSend(greedy.out, packet) == AN_OK) continue;
    an_packetFree(packet);
    say_once("sent", n);
    return;
  }
}

static void keep(void* arg, an_Packet packet) {
  (void)arg;
  (void)packet;
}

static int hoard(void) {
  return an_inchanCreate(NULL, greedy.domain, NULL, greedy.prot, greedy.addr, NULL, keep, NULL) != NULL
             ? AN_OK
             : an_errno();
}

static an_InChan open_queue(uint32_t packets, unsigned port) {
  const an_NetSpecData net = {.size = sizeof net, .queue_packets = packets};
  char addr[32];
  snprintf(addr, sizeof addr, "(dstport=%u)", port);
  an_InChan in = an_inchanCreate(NULL, greedy.domain, NULL, greedy.prot, addr, &net, keep, NULL);
  if (in != NULL) an_inchanSuspend(in);
  return in;
}

static struct {
  an_InChan all[QUEUES];
  size_t now;
  uint64_t handed;
} queues;

/* Hands on what it can to one, and when that is full to the next. */
static void fill_queues(void* arg) {
  (void)arg;
  for (size_t n = 0; n < MOST && queues.now < QUEUES; n++) {
    an_Packet packet = an_packetAlloc(greedy.domain, 100);
    if (packet == NULL) break; /* all of its own are on their way */
    if (an_inchanHandoff(queues.all[queues.now], packet) == AN_OK) {
      queues.handed++;
      continue;
    }
    if (queues.now++ == 0) say("the first queue", queues.handed, an_statusName(an_errno()));
    an_packetFree(packet);
  }
  if (queues.now > 0) say_once("all queues", queues.handed);
}
static int fill_without_end(void) {
  const unsigned port = 20000;
  an_InChan in = open_queue(65536, port);
  say("longest queue", in != NULL, an_statusName(an_errno()));
  for (unsigned i = 0; i < QUEUES; i++) {
    if ((queues.all[i] = open_queue(POOL / 8, port + i)) == NULL) return an_errno();
  }
  return an_eventSchedule(NULL, greedy.domain, MILLISECOND, MILLISECOND, fill_queues, NULL) != NULL
             ? AN_OK
             : an_errno();
}

static int open_channel(const an_NetSpecData* net) {
  greedy.out = an_outchanCreate(NULL, greedy.domain, greedy.prot, greedy.addr, net);
  return greedy.out != NULL ? AN_OK : an_errno();
}

static int send_without_end(uint64_t rate_bits) {
  const an_NetSpecData net = {.size = sizeof net, .queue_packets = 256, .rate_bits = rate_bits};
  const int status = open_channel(&net);
  if (status != AN_OK) return status;
  return an_eventSchedule(NULL, greedy.domain, MILLISECOND, MILLISECOND, send_packets, NULL) != NULL
             ? AN_OK
             : an_errno();
}

static void* compute(void* arg) {
  while (an_threadTestCancel() == AN_OK) {
  }
  return arg;
}
static void* rest(void* arg) {
  for (;;) pause();
  return arg;
}

static int spawn_threads(void) {
  uint64_t n = 0;
  pthread_t thread;
  int error = 0;
  while (n < MOST && an_threadSpawn(NULL, greedy.domain, compute, NULL) != NULL) n++;
  say_once("threads of the domain", n);
  for (n = 0; n < MOST && error == 0; n++) error = pthread_create(&thread, NULL, rest, NULL);
  say("threads of the C library", n - 1, strerrorname_np(error));
  return AN_OK;
}

static void* wait_for_the_end(void* arg) {
  while (an_threadSleep(1000 * MILLISECOND) == AN_OK) {
  }
  return arg;
}
/* Until one more domain gets none. */
static int spawn_in_domains(void) {
  uint64_t n = 0, before;
  do {
    an_Domain child = an_domainCreate(NULL, greedy.domain, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    for (before = n; n < MOST && an_threadSpawn(NULL, child, wait_for_the_end, NULL) != NULL;) n++;
  } while (n < MOST && n > before);
  say_once("threads of its domains", n);
  return AN_OK;
}

static an_Domain make_domain(an_Domain parent) {
  return an_domainCreate(NULL, parent, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}
static void* make_domains(void* arg) {
  uint64_t n = 0;
  while (n < MOST && make_domain(greedy.domain) != NULL) n++;
  say_once("domains", n);
  return arg;
}
static void* make_domains_deep(void* arg) {
  uint64_t n = 0, before;
  do {
    an_Domain next = greedy.domain;
    for (before = n; n < MOST && (next = make_domain(next)) != NULL;) n++;
    if (before == 0) say("deep domains", n, an_statusName(an_errno()));
  } while (n < MOST && n > before);
  say_once("domains", n);
  return arg;
}

/* What it makes with no parent is below it, and what is above it it does not see. */
static int escape(void) {
  const an_Domain above = an_domainParent(greedy.domain), out = make_domain(NULL);
  uint64_t n = 0;
  say("domains above it", above != NULL, an_statusName(an_errno()));
  if (out == NULL) return an_errno();
  say("domains outside", an_domainParent(out) != greedy.domain, "no more");
  while (n < MOST && an_outchanCreate(NULL, out, greedy.prot, greedy.addr, NULL) != NULL) n++;
  say_once("channels", n);
  return AN_OK;
}

static void* open_channels(void* arg) {
  uint64_t n = 0;
  while (n < MOST && an_outchanCreate(NULL, greedy.domain, greedy.prot, greedy.addr, NULL) != NULL) n++;
  say_once("channels", n);
  while (an_threadTestCancel() == AN_OK) open_channel(NULL);
  return arg;
}

static void* call_without_end(void* arg) {
  an_DomainStats stats = {.size = sizeof stats};
  while (an_domainGetStats(greedy.domain, &stats) == AN_OK) {
  }
  return arg;
}
static int spawn_callers(void) {
  uint64_t n = 0;
  while (n < MOST && an_threadSpawn(NULL, greedy.domain, call_without_end, NULL) != NULL) n++;
  say("callers", n, an_statusName(an_errno()));
  return AN_OK;
}

static void* take_memory(void* arg) {
  const size_t megabyte = 1 << 20;
  uint64_t n = 0;
  for (;; n++) {
    char* bytes = malloc(megabyte);
    if (bytes == NULL) break;
    memset(bytes, 1, megabyte);
  }
  say("megabytes", n, "ENOMEM");
  return arg;
}

static int open_descriptors(void) {
  uint64_t n = 0;
  while (n < MOST && open("/dev/null", O_RDONLY) >= 0) n++;
  say("descriptors", n, strerrorname_np(errno));
  return AN_OK;
}

static void asked(an_MemPool pool, uint64_t bytes, void* arg) {
  (void)pool;
  (void)arg;
  say("bytes that the pool is over its limit", bytes, "nothing is given back");
}
static void ended(an_Domain child, an_TermReason reason, void* arg) {
  (void)child;
  (void)arg;
  say("domain ended for reason", reason, reason == AN_TERM_VIOLATION ? "violation" : "another");
}

static int overdraw_pool(void) {
  const uint64_t limit = 1 << 20;
  uint64_t n = 0;
  an_MemPool pool = an_mempoolCreate(NULL, greedy.domain, limit, asked, NULL, 10 * MILLISECOND);
  if (pool == NULL) return an_errno();
  if (an_domainCreate(NULL, greedy.domain, NULL, NULL, pool, NULL, NULL, ended, NULL) == NULL)
    return an_errno();
  while (n < MOST && an_mempoolAllocPages(pool, 1) != NULL) n++;
  say_once("pages", n);
  return an_mempoolSetLimit(pool, limit / 2);
}

static void compute_in_turns(void* arg) {
  const uint64_t until = an_timeGet(AN_TIME_MONOTONIC) + MILLISECOND;
  (void)arg;
  while (an_timeGet(AN_TIME_MONOTONIC) < until) {
  }
}

static void say_of(const char* what, const char* whose, uint64_t got, const char* refusal) {
  char line[128];
  snprintf(line, sizeof line, "%s of %s", what, whose);
  say(line, got, refusal);
}

static int keep_files(const char* mine, const char* others) {
  static const char bytes[1024];
  uint64_t n = 0, seen = 0;
  an_DirEntry entry = {.size = sizeof entry};
  an_File file = an_open(NULL, greedy.domain, mine, AN_O_WRONLY | AN_O_CREAT | AN_O_TRUNC);
  an_Dir all = an_opendir(NULL, greedy.domain, ".");
  if (file == NULL || all == NULL) return an_errno();
  while (n < MOST && an_write(file, bytes, sizeof bytes) == sizeof bytes) n += sizeof bytes;
  say_of("bytes", mine, n, an_statusName(an_errno()));
  while (an_readdir(all, &entry) == AN_OK) seen++;
  say_of("files", mine, seen, entry.name);
  seen = an_open(NULL, greedy.domain, others, AN_O_RDONLY) != NULL;
  say_of("what others have", mine, seen, an_statusName(an_errno()));
  return AN_OK;
}

static int start_thread(void* (*work)(void*)) {
  return an_threadSpawn(NULL, greedy.domain, work, NULL) != NULL ? AN_OK : an_errno();
}

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  const char* const what = argc > 1 ? argv[1] : "";
  greedy.domain = self;
  greedy.said = 0;
  greedy.prot = argc > 2 ? argv[2] : "";
  greedy.addr = argc > 3 ? argv[3] : "";
  if (strcmp(what, "packets") == 0) {
    return an_eventSchedule(NULL, self, MILLISECOND, MILLISECOND, take_packets, NULL) != NULL ? AN_OK
                                                                                              : an_errno();
  }
  if (strcmp(what, "hoard") == 0) return hoard();
  if (strcmp(what, "queue") == 0) return fill_without_end();
  if (strcmp(what, "send") == 0) return send_without_end(0);
  if (strcmp(what, "send-rated") == 0) return send_without_end(8000000);
  if (strcmp(what, "threads") == 0) return spawn_threads();
  if (strcmp(what, "domains-threads") == 0) return spawn_in_domains();
  if (strcmp(what, "calls") == 0) return spawn_callers();
  if (strcmp(what, "channels") == 0) return start_thread(open_channels);
  if (strcmp(what, "domains") == 0) return start_thread(make_domains);
  if (strcmp(what, "domains-deep") == 0) return start_thread(make_domains_deep);
  if (strcmp(what, "escape") == 0) return escape();
  if (strcmp(what, "memory") == 0) return start_thread(take_memory);
  if (strcmp(what, "descriptors") == 0) return open_descriptors();
  if (strcmp(what, "pool") == 0) return overdraw_pool();
  if (strcmp(what, "files") == 0) return keep_files(greedy.prot, greedy.addr);
  if (strcmp(what, "compute") == 0) {
    return an_eventSchedule(NULL, self, MILLISECOND, MILLISECOND, compute_in_turns, NULL) != NULL
               ? AN_OK
               : an_errno();
  }
  return AN_EINVAL;
}
