/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mappings of a NAT: which inside endpoint is known by which outside port.
 *
 * Endpoint-independent: one inside address and port has one outside port, whomever it
 * speaks to (RFC 4787 REQ-1).  No outside port is shared (REQ-3).  Bounded: nothing is
 * allocated, and when all mappings are in use there are no new ones.
 *
 * Threads: one.
 */
#ifndef WEFT_EXAMPLES_NAT_EE_TABLE_H
#define WEFT_EXAMPLES_NAT_EE_TABLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NAT_MAPPINGS 16384u
#define NAT_BUCKETS 16384u
#define NAT_NONE UINT16_MAX

typedef enum nat_protocol { NAT_UDP, NAT_TCP, NAT_ICMP, NAT_PROTOCOLS } nat_protocol;

typedef struct nat_mapping {
  uint32_t address; /* inside, host order */
  uint16_t port;    /* inside: a port, or the identifier of an ICMP query */
  uint16_t outside; /* the port or identifier that stands for it */
  uint8_t protocol; /* nat_protocol */
  uint8_t used;
  uint8_t answered;  /* TCP: the other side has spoken */
  uint8_t closing;   /* TCP: a FIN or RST has been seen */
  uint16_t next;     /* in its bucket; NAT_NONE: none */
  uint64_t until_ns; /* when it is over, if nothing refreshes it */
} nat_mapping;

typedef struct nat_table {
  nat_mapping mappings[NAT_MAPPINGS];
  uint16_t buckets[NAT_BUCKETS];          /* by inside endpoint */
  uint16_t outside[NAT_PROTOCOLS][65536]; /* by outside port */
  uint16_t free;                          /* the first that is not in use */
  uint16_t scanned;                       /* where expiry goes on */
  uint32_t count;
  uint32_t seed;      /* of the hash, so that collisions cannot be foreseen */
  uint32_t next_port; /* where a free port is looked for; cannot be foreseen either */
} nat_table;

void nat_table_init(nat_table* table, uint32_t seed);

/* The mapping of an inside endpoint; a new one if there is none.  NULL: all mappings, or
 * all ports, are in use.  The port stays the same where it is free. */
nat_mapping* nat_table_from_inside(nat_table* table, nat_protocol protocol, uint32_t address, uint16_t port,
                                   uint64_t now_ns);
/* The mapping of an inside endpoint, or NULL. */
nat_mapping* nat_table_find_inside(nat_table* table, nat_protocol protocol, uint32_t address, uint16_t port,
                                   uint64_t now_ns);
/* The mapping of an outside port, or NULL. */
nat_mapping* nat_table_find_outside(nat_table* table, nat_protocol protocol, uint16_t port, uint64_t now_ns);

/* Forgets those whose time is over, among the next `count`. */
void nat_table_expire(nat_table* table, uint32_t count, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
