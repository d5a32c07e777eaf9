/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NAT44 as an EE, between two devices that carry bare IP packets.
 *
 *   [ee.nat]
 *   load = "/usr/lib/weft/nat_ee.so"
 *   args = ["inside", "outside", "192.0.2.1"]    two partners, and the address outside
 *
 * README.md says what it does, and what it does not.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <nodeos_api/an_ee.h>
#include <stdio.h>
#include <sys/random.h>

#include "translate.h"

#define SECOND UINT64_C(1000000000)

static struct {
  an_Domain domain;
  an_OutChan inside, outside;
  uint64_t verdicts[NAT_VERDICTS];
  uint64_t queue_full;
  nat translator;
} ee;

/* Why the node is to say that a packet was lost. */
static an_DropReason reason_of(nat_verdict verdict) {
  switch (verdict) {
    case NAT_MALFORMED:
      return AN_DROP_MALFORMED;
    case NAT_TTL:
      return AN_DROP_TTL;
    case NAT_NO_MAPPING:
    case NAT_UNKNOWN:
    case NAT_FRAGMENT:
      return AN_DROP_NO_NEIGHBOUR;
    case NAT_FULL:
      return AN_DROP_QUEUE_FULL;
    default:
      return AN_DROP_DISCARD;
  }
}

static void handle(an_Packet packet, nat_verdict (*translate)(nat*, uint8_t*, size_t, uint64_t)) {
  const size_t length = an_packetGetLength(packet);
  uint8_t* const front = an_packetGetData(&packet, length < NAT_FRONT ? length : NAT_FRONT);
  nat_verdict verdict = NAT_MALFORMED;
  if (front == NULL) {
    an_packetDrop(packet, AN_DROP_NO_PACKET);
    return;
  }
  verdict = translate(&ee.translator, front, length, an_timeGet(AN_TIME_MONOTONIC));
  ee.verdicts[verdict]++;
  if (verdict > NAT_TO_INSIDE) {
    an_packetDrop(packet, reason_of(verdict));
  } else if (an_outchanSend(verdict == NAT_TO_OUTSIDE ? ee.outside : ee.inside, packet) != AN_OK) {
    ee.queue_full++;
    an_packetDrop(packet, AN_DROP_QUEUE_FULL);
  }
}

static void from_inside(void* arg, an_Packet* packets, size_t count) {
  size_t i;
  (void)arg;
  for (i = 0; i < count; i++) handle(packets[i], nat_from_inside);
}
static void from_outside(void* arg, an_Packet* packets, size_t count) {
  size_t i;
  (void)arg;
  for (i = 0; i < count; i++) handle(packets[i], nat_from_outside);
}

/* Each second a sixteenth of the mappings is looked through. */
static void expire(void* arg) {
  (void)arg;
  nat_table_expire(&ee.translator.table, NAT_MAPPINGS / 16, an_timeGet(AN_TIME_MONOTONIC));
}

static void report(void) {
  const uint64_t* const v = ee.verdicts;
  char line[256];
  snprintf(line, sizeof line,
           "%" PRIu32 " mappings; %" PRIu64 " out, %" PRIu64 " in; lost: %" PRIu64 " malformed, %" PRIu64
           " ttl, %" PRIu64 " table full, %" PRIu64 " no mapping, %" PRIu64 " fragments, %" PRIu64
           " unknown, %" PRIu64 " queue full",
           ee.translator.table.count, v[NAT_TO_OUTSIDE], v[NAT_TO_INSIDE], v[NAT_MALFORMED], v[NAT_TTL],
           v[NAT_FULL], v[NAT_NO_MAPPING], v[NAT_FRAGMENT], v[NAT_UNKNOWN], ee.queue_full);
  an_log(ee.domain, AN_LOG_INFO, line);
}
static void tick(void* arg) {
  (void)arg;
  report();
}

/* Both ends of a device. */
static int open_side(const char* device, an_ChanRecvVecFunc receive, an_OutChan* out) {
  an_InChan in;
  *out = an_outchanCreate(NULL, ee.domain, device, NULL, NULL);
  if (*out == NULL) return an_errno();
  in = an_inchanCreate(NULL, ee.domain, NULL, device, NULL, NULL, NULL, NULL);
  if (in == NULL) return an_errno();
  if (an_inchanSetVector(in, receive, NULL) != AN_OK) return an_errno();
  return an_inchanResume(in);
}

int an_eeInit(an_Domain self, int argc, const char* const* argv) {
  struct in_addr address;
  uint32_t seed;
  size_t i;
  ee.domain = self;
  if (argc != 4 || inet_pton(AF_INET, argv[3], &address) != 1) {
    an_log(self, AN_LOG_ERROR, "the arguments of a NAT are: inside device, outside device, outside address");
    return AN_EINVAL;
  }
  for (i = 0; i < NAT_VERDICTS; i++) ee.verdicts[i] = 0;
  ee.queue_full = 0;
  ee.translator.outside = ntohl(address.s_addr);
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) return AN_EIO;
  nat_table_init(&ee.translator.table, seed);
  if (an_eventSchedule(NULL, self, SECOND, SECOND, expire, NULL) == NULL) return an_errno();
  if (an_eventSchedule(NULL, self, 60 * SECOND, 60 * SECOND, tick, NULL) == NULL) return an_errno();
  if (open_side(argv[1], from_inside, &ee.inside) != AN_OK) return an_errno();
  return open_side(argv[2], from_outside, &ee.outside);
}

void an_eeExit(an_Domain self) {
  (void)self;
  report();
}
