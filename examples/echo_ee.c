/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An EE in C: answers UDP datagrams with themselves, counts them, and says every ten
 * seconds how many there were.
 *
 *   [ee.echo]
 *   load = "/usr/lib/weft/echo_ee.so"
 *   args = ["udp0/ip/udp", "(dstport=7)"]      the path that datagrams come in by
 *
 * The same source runs in a process of its own: exec = ["/usr/lib/weft/echo_ee", ...].
 * docs/write-an-ee.md builds it.
 */
#include <inttypes.h>
#include <nodeos_api/an_ee.h>
#include <stdio.h>

#define SECOND UINT64_C(1000000000)

/* One EE runs once at a time, so its state may be static.  It is set in an_eeInit, for it
 * may be started again. */
static struct {
  an_Domain domain;
  an_OutChan back;
  uint64_t echoed, refused, bytes;
} echo;

/* On the path's worker: at most 64 datagrams, ours until they are sent or freed. */
static void receive(void* arg, an_Packet* packets, size_t count) {
  size_t i, taken;
  (void)arg;
  for (i = 0; i < count; i++) echo.bytes += an_packetGetLength(packets[i]);
  /* A packet that goes back as it came returns to its sender: the path turns its
   * addresses and ports around. */
  taken = an_outchanSendVec(echo.back, packets, count);
  for (i = taken; i < count; i++) an_packetFree(packets[i]);
  echo.echoed += taken;
  echo.refused += count - taken;
}

static void report(void) {
  char line[128];
  snprintf(line, sizeof line, "echoed %" PRIu64 " datagrams of %" PRIu64 " bytes, %" PRIu64 " refused",
           echo.echoed, echo.bytes, echo.refused);
  an_log(echo.domain, AN_LOG_INFO, line);
}

/* An event: on the worker too, so it needs no lock against receive(). */
static void tick(void* arg) {
  (void)arg;
  report();
}

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  const char* const chain = argc > 1 ? argv[1] : "udp0/ip/udp";
  const char* const addresses = argc > 2 ? argv[2] : "(dstport=7)";
  an_InChan in;

  echo.domain = self;
  echo.echoed = echo.refused = echo.bytes = 0;
  echo.back = an_outchanCreate(NULL, self, chain, addresses, NULL);
  if (echo.back == NULL) return an_errno();
  /* Without a deliver function it waits, until it is told to deliver vectors. */
  in = an_inchanCreate(NULL, self, NULL, chain, addresses, NULL, NULL, NULL);
  if (in == NULL) return an_errno();
  if (an_eventSchedule(NULL, self, 10 * SECOND, 10 * SECOND, tick, NULL) == NULL) return an_errno();
  if (an_inchanSetVector(in, receive, NULL) != AN_OK) return an_errno();
  return an_inchanResume(in);
}

void an_eeExit(an_Domain self) {
  (void)self;
  report();
}
