/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translates single IPv4 packets between an inside and one outside address: UDP, TCP, ICMP
 * queries, and ICMP errors with the packet that they carry (RFC 4787, 5382, 5508).
 * Checksums are adjusted, not computed anew (RFC 1624): what was wrong stays wrong.
 *
 * Threads: one.  Nothing here knows of an EE.
 */
#ifndef WEFT_EXAMPLES_NAT_EE_TRANSLATE_H
#define WEFT_EXAMPLES_NAT_EE_TRANSLATE_H

#include <stddef.h>

#include "table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As many bytes from the front of a packet are all that is ever looked at: an IP header, that
 * of an ICMP error, the IP header that it carries, and eight bytes of that. */
#define NAT_FRONT 136u

typedef enum nat_verdict {
  NAT_TO_OUTSIDE,
  NAT_TO_INSIDE,
  NAT_MALFORMED,  /* no IPv4 packet, or one that contradicts itself */
  NAT_TTL,        /* its time to live is over */
  NAT_FULL,       /* no mapping is free */
  NAT_NO_MAPPING, /* nobody inside has asked for it */
  NAT_FRAGMENT,   /* a later fragment: it has no port */
  NAT_UNKNOWN,    /* a protocol that is not translated */
  NAT_VERDICTS
} nat_verdict;

typedef struct nat {
  uint32_t outside; /* its address, host order */
  nat_table table;
} nat;

/* A packet of `length` bytes, of which the first (NAT_FRONT, or all) lie at `bytes`; they are
 * rewritten if it may go on.  From the inside it goes outside, or, to the outside address
 * of another one inside, back (hairpinning, RFC 4787 REQ-9). */
nat_verdict nat_from_inside(nat* n, uint8_t* bytes, size_t length, uint64_t now_ns);
nat_verdict nat_from_outside(nat* n, uint8_t* bytes, size_t length, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
