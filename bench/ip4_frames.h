/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weft and its peers are given by bench/cut_through.py: the same routes, the same
 * frames, the same clock, so that only the forwarding differs.
 *
 * Routes are /24s spread evenly over the unicast space.  A frame is Ethernet, IPv4 and
 * UDP to some host behind one of them.  Between passes every frame is made anew, and
 * that time is not counted.
 */
#ifndef WEFT_BENCH_IP4_FRAMES_H
#define WEFT_BENCH_IP4_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

enum {
  kFirst24 = 0x010000,  /* 1.0.0.0/24 */
  kBehind24 = 0xdf0000, /* 223.0.0.0/24 */
  kLoopback24 = 0x7f0000,
  kHeaders = 14 + 20 + 8,
  kMaxFrame = 1500,
};

static const uint8_t kRouterMac[6] = {2, 0, 0, 0, 0, 1}; /* of the port that all come in at */
static const uint8_t kSenderMac[6] = {2, 0, 0, 0, 1, 1};

/* The first 24 bits of route `i` of `routes`. */
static inline uint32_t route_prefix24(uint32_t i, uint32_t routes) {
  const uint32_t at = kFirst24 + (uint32_t)((uint64_t)i * (kBehind24 - kFirst24 - 0x10000) / routes);
  return at < kLoopback24 ? at : at + 0x10000;
}

/* xorshift64*: the same sequence for every forwarder. */
static inline uint32_t next_random(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (uint32_t)((*state * 0x2545f4914f6cdd1dull) >> 32);
}

static inline uint16_t ip4_checksum(const uint8_t* ip) {
  uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2) {
    uint16_t word;
    memcpy(&word, ip + i, 2);
    sum += word;
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

/* Writes the headers of a frame of `length` bytes to a host behind a random route. */
static inline void write_frame(uint8_t* frame, uint32_t length, uint32_t routes, uint64_t* random) {
  const uint32_t to =
      route_prefix24(next_random(random) % routes, routes) << 8 | (1 + next_random(random) % 250);
  const uint32_t ip_length = length - 14, udp_length = ip_length - 20;
  uint8_t headers[kHeaders] = {0};
  memcpy(headers, kRouterMac, 6);
  memcpy(headers + 6, kSenderMac, 6);
  headers[12] = 8;
  uint8_t* ip = headers + 14;
  ip[0] = 0x45;
  ip[2] = (uint8_t)(ip_length >> 8);
  ip[3] = (uint8_t)ip_length;
  ip[8] = 64;
  ip[9] = 17;
  const uint8_t addresses[8] = {
      198, 18, 0, 2, (uint8_t)(to >> 24), (uint8_t)(to >> 16), (uint8_t)(to >> 8), (uint8_t)to};
  memcpy(ip + 12, addresses, 8);
  const uint16_t sum = ip4_checksum(ip);
  memcpy(ip + 10, &sum, 2);
  ip[20] = 0x0f; /* 4000 -> 7 */
  ip[21] = 0xa0;
  ip[23] = 7;
  ip[24] = (uint8_t)(udp_length >> 8);
  ip[25] = (uint8_t)udp_length;
  memcpy(frame, headers, sizeof headers);
}

static inline double monotonic_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Cycles of the time stamp counter in a nanosecond. */
static inline double tsc_per_ns(void) {
  const double start = monotonic_ns();
  const uint64_t from = __rdtsc();
  while (monotonic_ns() - start < 2e7) {
  }
  return (double)(__rdtsc() - from) / (monotonic_ns() - start);
}

/* How long a piece of work takes that fills the CPU's execution units: longer when a
 * sibling thread or the hypervisor takes some of them. */
static inline uint64_t calibration_cycles(void) {
  uint64_t a = 1, b = 2, c = 3, d = 4;
  const uint64_t from = __rdtsc();
  for (int i = 0; i < 4000; ++i) {
    a += b ^ (uint64_t)i, b += c | 1, c += d ^ a, d += 7;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    a ^= 5, b ^= 6, c ^= 7, d ^= 8;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
  }
  return __rdtsc() - from;
}

#endif
