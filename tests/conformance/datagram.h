/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 packets and UDP datagrams for checks: made, injected, and read again. */
#ifndef WEFT_TESTS_CONFORMANCE_DATAGRAM_H
#define WEFT_TESTS_CONFORMANCE_DATAGRAM_H

#include <arpa/inet.h>

#include "tests/conformance/check.h"

enum { IP_HEADER = 20, UDP_HEADER = 8 };

static inline void put16(unsigned char* at, unsigned value) {
  at[0] = (unsigned char)(value >> 8);
  at[1] = (unsigned char)value;
}
static inline unsigned get16(const unsigned char* at) { return (unsigned)at[0] << 8 | at[1]; }

/* RFC 1071. */
static inline unsigned internet_checksum(const unsigned char* at, size_t length) {
  uint32_t sum = 0;
  size_t i;
  for (i = 0; i < length; i += 2) sum += get16(at + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/* A piece of an IPv4 packet, from byte `offset` of what it carries on. */
static inline void inject_piece(arena* world, const char* port, int protocol, const char* source,
                                const char* destination, const void* payload, size_t length, unsigned offset,
                                int more) {
  unsigned char p[2048] = {0x45, 0};
  put16(p + 2, (unsigned)(IP_HEADER + length));
  put16(p + 4, 77);
  put16(p + 6, (more ? 0x2000u : 0u) | offset / 8);
  p[8] = 64;
  p[9] = (unsigned char)protocol;
  EXPECT(inet_pton(AF_INET, source, p + 12) == 1 && inet_pton(AF_INET, destination, p + 16) == 1);
  put16(p + 10, internet_checksum(p, IP_HEADER));
  memcpy(p + IP_HEADER, payload, length);
  arena_inject(world, port, p, IP_HEADER + length);
}
static inline void inject_ip(arena* world, const char* port, int protocol, const char* source,
                             const char* destination, const void* payload, size_t length) {
  inject_piece(world, port, protocol, source, destination, payload, length, 0, 0);
}
static inline void inject_fragment(arena* world, const char* port, const char* source,
                                   const char* destination, const void* payload, size_t length,
                                   unsigned offset, int more) {
  inject_piece(world, port, 17, source, destination, payload, length, offset, more);
}

/* UDP without a checksum (RFC 768). */
static inline void inject_datagram_of(arena* world, const char* port, const char* source, int source_port,
                                      const char* destination, int destination_port, const void* payload,
                                      size_t length) {
  unsigned char d[1500] = {0};
  put16(d, (unsigned)source_port);
  put16(d + 2, (unsigned)destination_port);
  put16(d + 4, (unsigned)(UDP_HEADER + length));
  memcpy(d + UDP_HEADER, payload, length);
  inject_ip(world, port, 17, source, destination, d, UDP_HEADER + length);
}
static inline void inject_datagram(arena* world, const char* port, const char* source, int source_port,
                                   const char* destination, int destination_port, const char* text) {
  inject_datagram_of(world, port, source, source_port, destination, destination_port, text, strlen(text));
}

#endif /* WEFT_TESTS_CONFORMANCE_DATAGRAM_H */
