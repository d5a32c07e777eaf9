/* SPDX-License-Identifier: Apache-2.0 */
#include "translate.h"

#define SECONDS UINT64_C(1000000000)

enum {
  UDP_TIMEOUT = 300,              /* RFC 4787 REQ-5: at least two minutes, five are recommended */
  TCP_ESTABLISHED_TIMEOUT = 7440, /* RFC 5382 REQ-5: two hours and four minutes */
  TCP_TRANSITORY_TIMEOUT = 240,   /* RFC 5382 REQ-5: four minutes */
  ICMP_TIMEOUT = 60               /* RFC 5508 REQ-1 */
};

enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
enum { ECHO_REPLY = 0, UNREACHABLE = 3, ECHO = 8, TIME_EXCEEDED = 11, PARAMETER_PROBLEM = 12 };
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4 };
enum { MIN_HEADER = 20, ICMP_HEADER = 8 };

static uint16_t get16(const uint8_t* p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t* p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }
static void put16(uint8_t* p, uint16_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

/* HC' = ~(~HC + ~m + m'): RFC 1624, equation 3. */
static void adjust(uint8_t* checksum, uint16_t from, uint16_t to) {
  uint32_t sum = (uint16_t)~get16(checksum) + (uint32_t)(uint16_t)~from + to;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  put16(checksum, (uint16_t)~sum);
}

/* Where the fields of a packet lie, that may be changed. */
typedef struct view {
  uint8_t* ip;
  uint8_t* transport;
  size_t available; /* bytes at `transport` */
  nat_protocol protocol;
  uint8_t icmp_type;
  uint8_t* checksum;  /* of the transport; NULL: out of reach, or none */
  int covers_address; /* it is over the addresses too */
  uint8_t* outer;     /* the checksum of the ICMP error around it; NULL: it is no such packet */
} view;

/* Writes two bytes, and all checksums that they go into. */
static void rewrite16(const view* v, uint8_t* at, uint16_t to, int in_ip, int in_transport) {
  const uint16_t from = get16(at);
  uint8_t* const sums[] = {in_ip ? v->ip + 10 : NULL, in_transport ? v->checksum : NULL};
  size_t i;
  for (i = 0; i < 2; i++) {
    uint16_t before;
    if (sums[i] == NULL) continue;
    before = get16(sums[i]);
    adjust(sums[i], from, to);
    /* RFC 768: a UDP checksum of zero is sent as all ones. */
    if (i == 1 && v->protocol == NAT_UDP && get16(sums[i]) == 0) put16(sums[i], 0xffff);
    if (v->outer != NULL) adjust(v->outer, before, get16(sums[i]));
  }
  put16(at, to);
  if (v->outer != NULL) adjust(v->outer, from, to);
}

static void rewrite_address(const view* v, size_t offset, uint32_t to) {
  rewrite16(v, v->ip + offset, (uint16_t)(to >> 16), 1, v->covers_address);
  rewrite16(v, v->ip + offset + 2, (uint16_t)to, 1, v->covers_address);
}

static int is_query(uint8_t type) { return type == ECHO || type == ECHO_REPLY; }
static int is_error(uint8_t type) {
  return type == UNREACHABLE || type == TIME_EXCEEDED || type == PARAMETER_PROBLEM;
}

/* Finds the transport's fields.  Returns NAT_VERDICTS if all is well. */
static nat_verdict look_at_transport(view* v) {
  uint8_t* const t = v->transport;
  v->checksum = NULL;
  v->covers_address = 1;
  switch (v->ip[9]) {
    case PROTOCOL_UDP:
      v->protocol = NAT_UDP;
      if (v->available < 8) return NAT_MALFORMED;
      if (get16(t + 6) != 0) v->checksum = t + 6; /* 0: the sender made none */
      return NAT_VERDICTS;
    case PROTOCOL_TCP:
      v->protocol = NAT_TCP;
      if (v->available < (v->outer != NULL ? 8u : 20u)) return NAT_MALFORMED;
      if (v->available >= 18) v->checksum = t + 16;
      return NAT_VERDICTS;
    case PROTOCOL_ICMP:
      v->protocol = NAT_ICMP;
      v->covers_address = 0;
      if (v->available < ICMP_HEADER) return NAT_MALFORMED;
      v->icmp_type = t[0];
      v->checksum = t + 2;
      return NAT_VERDICTS;
    default:
      return NAT_UNKNOWN;
  }
}

/* An IP header and what follows, `available` bytes of it at hand.  `outer`: as in view. */
static nat_verdict look_at(view* v, uint8_t* ip, size_t available, uint8_t* outer) {
  size_t header;
  if (available < MIN_HEADER || ip[0] >> 4 != 4) return NAT_MALFORMED;
  header = (size_t)(ip[0] & 15) * 4;
  if (header < MIN_HEADER || header > available) return NAT_MALFORMED;
  *v = (view){.ip = ip, .transport = ip + header, .available = available - header, .outer = outer};
  if ((get16(ip + 6) & 0x1fff) != 0) return NAT_FRAGMENT;
  return look_at_transport(v);
}

static nat_verdict look_at_packet(view* v, uint8_t* bytes, size_t length) {
  size_t total;
  if (length < MIN_HEADER) return NAT_MALFORMED;
  total = get16(bytes + 2);
  if (total > length) return NAT_MALFORMED;
  return look_at(v, bytes, total < NAT_FRONT ? total : NAT_FRONT, NULL);
}

/* A NAT is a router (RFC 1812 section 5.3.1). */
static int take_hop(const view* v) {
  if (v->ip[8] <= 1) return 0;
  rewrite16(v, v->ip + 8, (uint16_t)(get16(v->ip + 8) - 0x100), 1, 0);
  return 1;
}

/* Where a port, or an identifier, stands: that of the source, or that of the destination. */
static uint8_t* source_port(const view* v) { return v->transport + (v->protocol == NAT_ICMP ? 4 : 0); }
static uint8_t* destination_port(const view* v) { return v->transport + (v->protocol == NAT_ICMP ? 4 : 2); }

/* A port is in the transport's checksum, whatever it covers beside. */
static void rewrite_source(const view* v, uint32_t address, uint16_t port) {
  rewrite_address(v, 12, address);
  rewrite16(v, source_port(v), port, 0, 1);
}
static void rewrite_destination(const view* v, uint32_t address, uint16_t port) {
  rewrite_address(v, 16, address);
  rewrite16(v, destination_port(v), port, 0, 1);
}

static uint64_t lifetime(const nat_mapping* m) {
  switch (m->protocol) {
    case NAT_UDP:
      return UDP_TIMEOUT * SECONDS;
    case NAT_ICMP:
      return ICMP_TIMEOUT * SECONDS;
    default:
      return (m->answered && !m->closing ? TCP_ESTABLISHED_TIMEOUT : TCP_TRANSITORY_TIMEOUT) * SECONDS;
  }
}

/* What a TCP segment says of its connection.  A new SYN opens again what was closing. */
static void note_flags(nat_mapping* m, const view* v, int from_outside) {
  uint8_t flags;
  if (v->protocol != NAT_TCP) return;
  flags = v->transport[13];
  if (flags & (TCP_FIN | TCP_RST)) m->closing = 1;
  if (!from_outside && (flags & TCP_SYN)) m->answered = m->closing = 0;
  if (from_outside && !(flags & TCP_RST)) m->answered = 1;
}

/* The outside cannot keep a mapping alive by itself (RFC 4787 REQ-6), but TCP that both
 * sides speak is kept by either. */
static void refresh(nat_mapping* m, const view* v, int from_outside, uint64_t now_ns) {
  note_flags(m, v, from_outside);
  if (!from_outside || v->protocol == NAT_TCP) m->until_ns = now_ns + lifetime(m);
}

/* ---- ICMP errors: what they carry went the other way -------------------------- */

static int carries_a_packet(const view* v) { return v->protocol == NAT_ICMP && is_error(v->icmp_type); }

static nat_verdict look_inside_error(view* carried, const view* v) {
  const nat_verdict seen =
      look_at(carried, v->transport + ICMP_HEADER, v->available - ICMP_HEADER, v->transport + 2);
  if (seen == NAT_VERDICTS && carried->protocol == NAT_ICMP && !is_query(carried->icmp_type))
    return NAT_UNKNOWN;
  return seen;
}

/* About a packet that was sent out: its source is ours (RFC 5508 REQ-4). */
static nat_verdict error_from_outside(nat* n, const view* v, uint64_t now_ns) {
  view carried;
  const nat_mapping* m;
  const nat_verdict seen = look_inside_error(&carried, v);
  if (seen != NAT_VERDICTS) return seen;
  if (get32(carried.ip + 12) != n->outside) return NAT_NO_MAPPING;
  m = nat_table_find_outside(&n->table, carried.protocol, get16(source_port(&carried)), now_ns);
  if (m == NULL) return NAT_NO_MAPPING;
  if (!take_hop(v)) return NAT_TTL;
  rewrite_source(&carried, m->address, m->port);
  rewrite_address(v, 16, m->address);
  return NAT_TO_INSIDE;
}

/* About a packet that was let in: its destination was translated (RFC 5508 REQ-5). */
static nat_verdict error_from_inside(nat* n, const view* v, uint64_t now_ns) {
  view carried;
  const nat_mapping* m;
  const nat_verdict seen = look_inside_error(&carried, v);
  if (seen != NAT_VERDICTS) return seen;
  m = nat_table_find_inside(&n->table, carried.protocol, get32(carried.ip + 16),
                            get16(destination_port(&carried)), now_ns);
  if (m == NULL) return NAT_NO_MAPPING;
  if (!take_hop(v)) return NAT_TTL;
  rewrite_destination(&carried, n->outside, m->outside);
  rewrite_address(v, 12, n->outside);
  return NAT_TO_OUTSIDE;
}

/* ---- both directions ------------------------------------------------------------ */

static nat_verdict let_in(nat* n, const view* v, uint64_t now_ns) {
  nat_mapping* m;
  if (v->protocol == NAT_ICMP && v->icmp_type != ECHO_REPLY) return NAT_UNKNOWN;
  m = nat_table_find_outside(&n->table, v->protocol, get16(destination_port(v)), now_ns);
  if (m == NULL) return NAT_NO_MAPPING;
  refresh(m, v, 1, now_ns);
  take_hop(v);
  rewrite_destination(v, m->address, m->port);
  return NAT_TO_INSIDE;
}

nat_verdict nat_from_inside(nat* n, uint8_t* bytes, size_t length, uint64_t now_ns) {
  view v;
  nat_mapping* m;
  const nat_verdict seen = look_at_packet(&v, bytes, length);
  if (seen != NAT_VERDICTS) return seen;
  if (carries_a_packet(&v)) return error_from_inside(n, &v, now_ns);
  if (v.protocol == NAT_ICMP && v.icmp_type != ECHO) return NAT_UNKNOWN;
  if (v.ip[8] <= 1) return NAT_TTL;
  if (get32(v.ip + 16) == n->outside &&
      (v.protocol == NAT_ICMP ||
       nat_table_find_outside(&n->table, v.protocol, get16(destination_port(&v)), now_ns) == NULL))
    return NAT_NO_MAPPING;
  m = nat_table_from_inside(&n->table, v.protocol, get32(v.ip + 12), get16(source_port(&v)), now_ns);
  if (m == NULL) return NAT_FULL;
  refresh(m, &v, 0, now_ns);
  rewrite_source(&v, n->outside, m->outside);
  if (get32(v.ip + 16) == n->outside) return let_in(n, &v, now_ns);
  take_hop(&v);
  return NAT_TO_OUTSIDE;
}

nat_verdict nat_from_outside(nat* n, uint8_t* bytes, size_t length, uint64_t now_ns) {
  view v;
  const nat_verdict seen = look_at_packet(&v, bytes, length);
  if (seen != NAT_VERDICTS) return seen;
  if (get32(v.ip + 16) != n->outside) return NAT_NO_MAPPING;
  if (carries_a_packet(&v)) return error_from_outside(n, &v, now_ns);
  return v.ip[8] <= 1 ? NAT_TTL : let_in(n, &v, now_ns);
}
