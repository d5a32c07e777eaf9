/* SPDX-License-Identifier: Apache-2.0 */
/* Demux keys in the words of protocols: what each takes, what wins, what is refused. */
#include "tests/conformance/check.h"
#include "tests/conformance/datagram.h"

/* A domain with two channels on one chain: all that the chain leaves, and what the key takes of it. */
typedef struct pair {
  an_Domain domain;
  an_DemuxKey key;
  inbox all, some;
} pair;
static pair* begin(void) {
  static pair p;
  memset(&p, 0, sizeof p);
  p.domain = plain_domain();
  p.key = an_demuxkeyCreate(NULL, p.domain);
  return &p;
}
static void open_both(pair* p, const char* chain, const char* addresses) {
  EXPECT(an_inchanCreate(NULL, p->domain, NULL, chain, addresses, NULL, keep_one, &p->all) != NULL);
  EXPECT(an_inchanCreate(NULL, p->domain, p->key, chain, addresses, NULL, keep_one, &p->some) != NULL);
}
static void expect_counts(arena* world, pair* p, size_t some, size_t all) {
  arena_settle(world);
  EXPECT(p->some.count == some);
  EXPECT(p->all.count == all);
  an_domainDestroy(p->domain);
}

static void ip4_narrows(arena* world) {
  pair* p = begin();
  EXPECT(an_demuxkeyAddIPv4(p->key, "10.0.0.0/24", "10.0.9.9", 17) == AN_OK);
  open_both(p, "a", NULL);
  inject_datagram(world, "a", "10.0.0.7", 1, "10.0.9.9", 2, "mine");
  inject_datagram(world, "a", "10.0.1.7", 1, "10.0.9.9", 2, "other source");
  inject_datagram(world, "a", "10.0.0.7", 1, "10.0.9.8", 2, "other destination");
  inject_ip(world, "a", 6, "10.0.0.7", "10.0.9.9", "other protocol", 14);
  arena_inject(world, "a", "\105", 1);
  expect_counts(world, p, 1, 4);
}

static void ip4_takes_anything(arena* world) {
  pair* p = begin();
  EXPECT(an_demuxkeyAddIPv4(p->key, NULL, NULL, AN_ANY) == AN_OK);
  open_both(p, "a", NULL);
  inject_datagram(world, "a", "10.0.0.7", 1, "10.0.9.9", 2, "any");
  arena_inject(world, "a", "\001 a capsule that is as long as a header", 39);
  expect_counts(world, p, 1, 1);
}

static void ip6_narrows(arena* world) {
  unsigned char header[48] = {0x60, 0, 0, 0, 0, 8, 17, 64};
  pair* p = begin();
  header[8] = header[24] = 0x20;
  header[9] = header[25] = 0x01;
  header[23] = 7;
  header[39] = 9;
  EXPECT(an_demuxkeyAddIPv6(p->key, "2001::/16", "2001::9", 17) == AN_OK);
  open_both(p, "a", NULL);
  arena_inject(world, "a", header, sizeof header);
  header[39] = 8;
  arena_inject(world, "a", header, sizeof header);
  header[39] = 9;
  header[6] = 6;
  arena_inject(world, "a", header, sizeof header);
  header[6] = 17;
  arena_inject(world, "a", header, 39);
  expect_counts(world, p, 1, 3);
}

static void udp_narrows(arena* world) {
  pair* p = begin();
  EXPECT(an_demuxkeyAddUDP(p->key, AN_ANY, 7) == AN_OK);
  open_both(p, "a/ip", "(proto=17)");
  inject_datagram(world, "a", "10.0.0.7", 1, "10.0.0.1", 7, "mine");
  inject_datagram(world, "a", "10.0.0.7", 7, "10.0.0.1", 8, "other port");
  arena_settle(world);
  REQUIRE(p->some.count == 1);
  EXPECT(an_packetGetLength(p->some.packets[0]) == 8 + 4); /* with the header that was compared */
  expect_counts(world, p, 1, 1);
}

static void udp_takes_both_ports(arena* world) {
  pair* p = begin();
  EXPECT(an_demuxkeyAddUDP(p->key, 0x1234, 0xfedc) == AN_OK);
  open_both(p, "a/ip", "(proto=17)");
  inject_datagram(world, "a", "10.0.0.7", 0x1234, "10.0.0.1", 0xfedc, "mine");
  inject_datagram(world, "a", "10.0.0.7", 0xfedc, "10.0.0.1", 0x1234, "turned round");
  expect_counts(world, p, 1, 1);
}

static void udp_waits_for_whole_packets(arena* world) {
  pair* p = begin();
  EXPECT(an_demuxkeyAddUDP(p->key, AN_ANY, 7) == AN_OK);
  open_both(p, "a/ip", "(proto=17)");
  inject_fragment(world, "a", "10.0.0.7", "10.0.0.1", "\0\1\0\7\0\20\0\0....", 8, 0, 1);
  arena_settle(world);
  EXPECT(p->some.count == 0 && p->all.count == 0);
  inject_fragment(world, "a", "10.0.0.7", "10.0.0.1", "the rest", 8, 8, 0);
  expect_counts(world, p, 1, 0);
}

static void tcp_narrows(arena* world) {
  static const unsigned char segment[20] = {0x12, 0x34, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50};
  pair* p = begin();
  EXPECT(an_demuxkeyAddTCP(p->key, 0x1234, 80) == AN_OK);
  open_both(p, "a/ip", "(proto=6)");
  inject_ip(world, "a", 6, "10.0.0.7", "10.0.0.1", segment, sizeof segment);
  inject_ip(world, "a", 6, "10.0.0.7", "10.0.0.1", segment + 1, 19);
  expect_counts(world, p, 1, 1);
}

static void anep_narrows(arena* world) {
  pair* p = begin();
  EXPECT(an_demuxkeyAddANEP(p->key, 18) == AN_OK);
  open_both(p, "a/ip/udp", "(dstport=3322)");
  inject_datagram_of(world, "a", "10.0.0.7", 1, "10.0.0.1", 3322, "\1\0\0\22\0\2\0\20........", 16);
  inject_datagram_of(world, "a", "10.0.0.7", 1, "10.0.0.1", 3322, "\1\x80\0\22\0\2\0\20........", 16);
  inject_datagram_of(world, "a", "10.0.0.7", 1, "10.0.0.1", 3322, "\1\0\0\23\0\2\0\20........", 16);
  inject_datagram_of(world, "a", "10.0.0.7", 1, "10.0.0.1", 3322, "\2\0\0\22\0\2\0\20........", 16);
  inject_datagram_of(world, "a", "10.0.0.7", 1, "10.0.0.1", 3322, "\1\0", 2);
  expect_counts(world, p, 2, 3);
}

static void needs_the_protocol(arena* world) {
  pair* p = begin();
  (void)world;
  EXPECT(an_demuxkeyAddUDP(p->key, AN_ANY, 7) == AN_OK);
  EXPECT_NULL(AN_EINVAL, an_inchanCreate(NULL, p->domain, p->key, "a", NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EINVAL, an_inchanCreate(NULL, p->domain, p->key, "a/ip", NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EINVAL, an_inchanCreate(NULL, p->domain, p->key, "a/ip", "(proto=6)", NULL, keep_one, NULL));
  EXPECT(strstr(an_errtext(), "(proto=17)") != NULL);
  EXPECT_NULL(AN_EINVAL, an_inchanCreate(NULL, p->domain, p->key, "a/ip/udp", NULL, NULL, keep_one, NULL));
  EXPECT(stats_of(p->domain).channels == 0);
  an_domainDestroy(p->domain);
}

static void longer_wins(arena* world) {
  pair* p = begin();
  an_DemuxKey longer = an_demuxkeyCreate(NULL, p->domain);
  EXPECT(an_demuxkeyAddIPv4(p->key, NULL, "10.0.9.0/24", AN_ANY) == AN_OK);
  EXPECT(an_demuxkeyAddIPv4(longer, NULL, "10.0.9.0/25", AN_ANY) == AN_OK);
  EXPECT(an_inchanCreate(NULL, p->domain, p->key, "a", NULL, NULL, keep_one, &p->all) != NULL);
  EXPECT(an_inchanCreate(NULL, p->domain, longer, "a", NULL, NULL, keep_one, &p->some) != NULL);
  inject_datagram(world, "a", "10.0.0.7", 1, "10.0.9.9", 2, "lower half");
  inject_datagram(world, "a", "10.0.0.7", 1, "10.0.9.200", 2, "upper half");
  expect_counts(world, p, 1, 1);
}

static void equals_are_refused(arena* world) {
  pair* p = begin();
  an_DemuxKey same = an_demuxkeyCreate(NULL, p->domain), apart = an_demuxkeyCreate(NULL, p->domain),
              crossing = an_demuxkeyCreate(NULL, p->domain);
  (void)world;
  EXPECT(an_demuxkeyAddUDP(p->key, AN_ANY, 7) == AN_OK && an_demuxkeyAddUDP(same, AN_ANY, 7) == AN_OK);
  EXPECT(an_demuxkeyAddUDP(apart, AN_ANY, 8) == AN_OK && an_demuxkeyAddUDP(crossing, 7, AN_ANY) == AN_OK);
  EXPECT(an_inchanCreate(NULL, p->domain, p->key, "a/ip", "(proto=17)", NULL, keep_one, NULL) != NULL);
  EXPECT_NULL(AN_EEXIST, an_inchanCreate(NULL, p->domain, same, "a/ip", "(proto=17)", NULL, keep_one, NULL));
  EXPECT_NULL(AN_EEXIST, /* a datagram from 7 to 7 matches both, and neither is longer */
              an_inchanCreate(NULL, p->domain, crossing, "a/ip", "(proto=17)", NULL, keep_one, NULL));
  EXPECT(an_inchanCreate(NULL, p->domain, apart, "a/ip", "(proto=17)", NULL, keep_one, NULL) != NULL);
  an_domainDestroy(p->domain);
}

static void wrong_arguments(arena* world) {
  pair* p = begin();
  int i;
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddIPv4(p->key, NULL, NULL, 256));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddIPv4(p->key, NULL, NULL, -2));
  EXPECT_STATUS(AN_EADDRSPEC, an_demuxkeyAddIPv4(p->key, "10.0.0.300", NULL, AN_ANY));
  EXPECT(strstr(an_errtext(), "'10.0.0.300'") != NULL);
  EXPECT_STATUS(AN_EADDRSPEC, an_demuxkeyAddIPv4(p->key, "2001::1", NULL, AN_ANY));
  EXPECT_STATUS(AN_EADDRSPEC, an_demuxkeyAddIPv4(p->key, NULL, "10.0.0.1/8", AN_ANY));
  EXPECT_STATUS(AN_EADDRSPEC, an_demuxkeyAddIPv4(p->key, NULL, "10.0.0.0/33", AN_ANY));
  EXPECT_STATUS(AN_EADDRSPEC, an_demuxkeyAddIPv4(p->key, NULL, "", AN_ANY));
  EXPECT_STATUS(AN_EADDRSPEC, an_demuxkeyAddIPv6(p->key, "10.0.0.1", NULL, AN_ANY));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddIPv6(p->key, NULL, NULL, 256));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddUDP(p->key, 65536, AN_ANY));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTCP(p->key, AN_ANY, -2));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddANEP(p->key, 65536));
  EXPECT(an_demuxkeyAddUDP(p->key, AN_ANY, 7) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTCP(p->key, AN_ANY, 7));
  for (i = 1; i < 8; i++) EXPECT(an_demuxkeyAddANEP(p->key, i) == AN_OK);
  EXPECT_STATUS(AN_ELIMIT, an_demuxkeyAddANEP(p->key, 8));
  EXPECT_STATUS(AN_ELIMIT, an_demuxkeyAddIPv4(p->key, NULL, NULL, AN_ANY));
  an_demuxkeyDestroy(p->key);
  EXPECT_STATUS(AN_EDEAD, an_demuxkeyAddIPv4(p->key, NULL, NULL, AN_ANY));
  EXPECT_STATUS(AN_EDEAD, an_demuxkeyAddIPv6(p->key, NULL, NULL, AN_ANY));
  EXPECT_STATUS(AN_EDEAD, an_demuxkeyAddUDP(p->key, 1, 1));
  EXPECT_STATUS(AN_EDEAD, an_demuxkeyAddTCP(p->key, 1, 1));
  EXPECT_STATUS(AN_EDEAD, an_demuxkeyAddANEP(p->key, 1));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddUDP(NULL, 1, 1));
  an_domainDestroy(p->domain);
}

const check demuxkey_checks[] = {
    {"demuxkey: IPv4 addresses and protocol", ip4_narrows},
    {"demuxkey: any IPv4", ip4_takes_anything},
    {"demuxkey: IPv6 addresses and next header", ip6_narrows},
    {"demuxkey: a UDP port", udp_narrows},
    {"demuxkey: both UDP ports", udp_takes_both_ports},
    {"demuxkey: UDP that comes in fragments", udp_waits_for_whole_packets},
    {"demuxkey: TCP ports", tcp_narrows},
    {"demuxkey: an ANEP type", anep_narrows},
    {"demuxkey: a chain that does not leave the protocol", needs_the_protocol},
    {"demuxkey: the longer key wins", longer_wins},
    {"demuxkey: equally long keys that cross are refused", equals_are_refused},
    {"demuxkey: wrong arguments", wrong_arguments},
    {NULL, NULL},
};
