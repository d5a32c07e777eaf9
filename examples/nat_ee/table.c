/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <string.h>

/* Below 1024 are the ports of services (RFC 4787 REQ-4 keeps the ranges apart). */
#define FIRST_PORT 1024u
#define PORTS (65536u - FIRST_PORT)

static uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ x >> 16;
}

static uint16_t* bucket_of(nat_table* table, nat_protocol protocol, uint32_t address, uint16_t port) {
  const uint32_t key = mix(address ^ table->seed) ^ ((uint32_t)protocol << 16 | port);
  return &table->buckets[mix(key) % NAT_BUCKETS];
}

void nat_table_init(nat_table* table, uint32_t seed) {
  uint32_t i;
  memset(table, 0, sizeof *table);
  memset(table->buckets, 0xff, sizeof table->buckets);
  memset(table->outside, 0xff, sizeof table->outside);
  for (i = 0; i < NAT_MAPPINGS; i++) {
    table->mappings[i].next = (uint16_t)(i + 1 < NAT_MAPPINGS ? i + 1 : NAT_NONE);
  }
  table->seed = seed;
  table->next_port = mix(~seed);
}

static void forget(nat_table* table, uint16_t index) {
  nat_mapping* const m = &table->mappings[index];
  uint16_t* link = bucket_of(table, (nat_protocol)m->protocol, m->address, m->port);
  while (*link != index) link = &table->mappings[*link].next;
  *link = m->next;
  table->outside[m->protocol][m->outside] = NAT_NONE;
  m->used = 0;
  m->next = table->free;
  table->free = index;
  table->count--;
}

/* One whose time is over is as good as none. */
static nat_mapping* living(nat_table* table, uint16_t index, uint64_t now_ns) {
  if (index == NAT_NONE) return NULL;
  if (table->mappings[index].until_ns > now_ns) return &table->mappings[index];
  forget(table, index);
  return NULL;
}

nat_mapping* nat_table_find_outside(nat_table* table, nat_protocol protocol, uint16_t port, uint64_t now_ns) {
  return living(table, table->outside[protocol][port], now_ns);
}

nat_mapping* nat_table_find_inside(nat_table* table, nat_protocol protocol, uint32_t address, uint16_t port,
                                   uint64_t now_ns) {
  uint16_t index = *bucket_of(table, protocol, address, port);
  while (index != NAT_NONE) {
    const nat_mapping* const m = &table->mappings[index];
    if (m->protocol == protocol && m->address == address && m->port == port) break;
    index = m->next;
  }
  return living(table, index, now_ns);
}

/* The same port where it is free, else the next free one from a place that cannot be foreseen
 * (RFC 6056).  0: none. */
static uint16_t choose_port(nat_table* table, nat_protocol protocol, uint16_t wanted, uint64_t now_ns) {
  uint32_t i;
  if (wanted >= FIRST_PORT && nat_table_find_outside(table, protocol, wanted, now_ns) == NULL) return wanted;
  table->next_port = mix(table->next_port + 0x9e3779b9u);
  for (i = 0; i < PORTS; i++) {
    const uint16_t port = (uint16_t)(FIRST_PORT + (table->next_port + i) % PORTS);
    if (nat_table_find_outside(table, protocol, port, now_ns) == NULL) return port;
  }
  return 0;
}

nat_mapping* nat_table_from_inside(nat_table* table, nat_protocol protocol, uint32_t address, uint16_t port,
                                   uint64_t now_ns) {
  nat_mapping* m = nat_table_find_inside(table, protocol, address, port, now_ns);
  uint16_t* bucket;
  uint16_t outside, index;
  if (m != NULL) return m;
  if (table->free == NAT_NONE) nat_table_expire(table, NAT_MAPPINGS, now_ns);
  if (table->free == NAT_NONE) return NULL;
  outside = choose_port(table, protocol, port, now_ns);
  if (outside == 0) return NULL;
  index = table->free;
  m = &table->mappings[index];
  table->free = m->next;
  table->count++;
  bucket = bucket_of(table, protocol, address, port);
  *m = (nat_mapping){.address = address,
                     .port = port,
                     .outside = outside,
                     .protocol = (uint8_t)protocol,
                     .used = 1,
                     .next = *bucket,
                     .until_ns = UINT64_MAX};
  *bucket = index;
  table->outside[protocol][outside] = index;
  return m;
}

void nat_table_expire(nat_table* table, uint32_t count, uint64_t now_ns) {
  while (count-- > 0) {
    const uint16_t index = table->scanned;
    table->scanned = (uint16_t)((index + 1u) % NAT_MAPPINGS);
    if (table->mappings[index].used && table->mappings[index].until_ns <= now_ns) forget(table, index);
  }
}
