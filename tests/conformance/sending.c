/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to prepared addresses, from hand to hand, and from channel to channel. */
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/conformance/check.h"
#include "tests/conformance/datagram.h"

static unsigned char out[2048];

static void free_all(inbox* box) {
  size_t i;
  for (i = 0; i < box->count; i++) an_packetFree(box->packets[i]);
  box->count = 0;
}

/* ---- SendTo ---- */

/* The datagram that left by `port`, to there. */
static void expect_datagram(arena* world, const char* port, const char* source, unsigned source_port,
                            const char* destination, unsigned destination_port, const char* text) {
  unsigned char address[4];
  const size_t length = arena_take(world, port, out, sizeof out);
  REQUIRE(length == IP_HEADER + UDP_HEADER + strlen(text));
  EXPECT(inet_pton(AF_INET, source, address) == 1 && memcmp(out + 12, address, 4) == 0);
  EXPECT(inet_pton(AF_INET, destination, address) == 1 && memcmp(out + 16, address, 4) == 0);
  EXPECT(internet_checksum(out, IP_HEADER) == 0);
  EXPECT(get16(out + IP_HEADER) == source_port && get16(out + IP_HEADER + 2) == destination_port);
  EXPECT(memcmp(out + IP_HEADER + UDP_HEADER, text, strlen(text)) == 0);
}

static void sends_to(arena* world) {
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b/ip/udp", "(dstport=4000)", NULL);
  an_SendAddr two = an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstport=7)");
  an_SendAddr three = an_sendaddrCreate(NULL, c, "(dst=10.0.1.3, dstport=9)");
  REQUIRE(c != NULL && two != NULL && three != NULL);
  EXPECT(an_outchanSendTo(c, text_packet(d, "to two"), two) == AN_OK);
  EXPECT(an_outchanSendTo(c, text_packet(d, "to three"), three) == AN_OK);
  EXPECT(an_outchanSendTo(c, text_packet(d, "two again"), two) == AN_OK);
  arena_settle(world);
  expect_datagram(world, "b", "10.0.1.1", 4000, "10.0.1.2", 7, "to two");
  expect_datagram(world, "b", "10.0.1.1", 4000, "10.0.1.3", 9, "to three");
  expect_datagram(world, "b", "10.0.1.1", 4000, "10.0.1.2", 7, "two again");
  EXPECT(stats_of(d).packets_sent == 3 && domain_adds_up(d));
  an_domainDestroy(d);
}

static void sends_to_without_ports(arena* world) {
  unsigned char address[4];
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b/ip", "(proto=99)", NULL);
  an_SendAddr to = an_sendaddrCreate(NULL, c, "(dst=10.0.1.2)");
  REQUIRE(to != NULL);
  EXPECT(an_outchanSendTo(c, text_packet(d, "bare"), to) == AN_OK);
  arena_settle(world);
  EXPECT(arena_take(world, "b", out, sizeof out) == IP_HEADER + 4 && out[9] == 99);
  EXPECT(inet_pton(AF_INET, "10.0.1.2", address) == 1 && memcmp(out + 16, address, 4) == 0);
  an_domainDestroy(d);
}

static void sends_shared_bytes_to(arena* world) {
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b/ip/udp", "(dstport=4000)", NULL);
  an_SendAddr to = an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstport=7)");
  an_Packet p = text_packet(d, "shared"), clone = an_packetClone(p);
  EXPECT(an_outchanSendTo(c, clone, to) == AN_OK);
  arena_settle(world);
  expect_datagram(world, "b", "10.0.1.1", 4000, "10.0.1.2", 7, "shared");
  EXPECT(holds_text(p, "shared")); /* untouched */
  an_domainDestroy(d);
}

static void fixed_ends_stay(arena* world) {
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b/ip/udp", "(src=10.0.1.0/24, srcport=7, dstport=4000)", NULL);
  an_SendAddr to;
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.2.2)")); /* not in the prefix */
  EXPECT(strstr(an_errtext(), "10.0.1.0/24") != NULL);
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstport=8)"));
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, srcport=4001)"));
  to = an_sendaddrCreate(NULL, c, "(dst=10.0.1.2)");
  REQUIRE(to != NULL);
  EXPECT(an_outchanSendTo(c, text_packet(d, "x"), to) == AN_OK);
  arena_settle(world);
  expect_datagram(world, "b", "10.0.1.1", 4000, "10.0.1.2", 7, "x");
  an_domainDestroy(d);
}

static void wrong_send_addresses(arena* world) {
  an_Domain d = plain_domain();
  an_OutChan c = an_outchanCreate(NULL, d, "b/ip/udp", "(dstport=4000)", NULL);
  an_OutChan bare = an_outchanCreate(NULL, d, "b", NULL, NULL);
  (void)world;
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2)")); /* which port? */
  EXPECT_NULL(AN_EPROTSPEC, an_sendaddrCreate(NULL, c, "/pan (dst=10.0.1.2)"));
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.0/24, dstport=7)"));
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=224.0.0.1, dstport=7)"));
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstport=70000)"));
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstport=7, src=10.0.1.9)"));
  EXPECT(strstr(an_errtext(), "no address of this node") != NULL);
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstport=7, ttl=3)"));
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstprot=7)"));
  EXPECT(strstr(an_errtext(), "column 25") != NULL && strstr(an_errtext(), "'dstport'") != NULL);
  EXPECT_NULL(AN_EADDRSPEC, an_sendaddrCreate(NULL, bare, ""));
  EXPECT_NULL(AN_EINVAL, an_sendaddrCreate(NULL, c, NULL));
  EXPECT_NULL(AN_EINVAL, an_sendaddrCreate(NULL, NULL, "(dst=10.0.1.2)"));
  an_domainDestroy(d);
  EXPECT_NULL(AN_EDEAD, an_sendaddrCreate(NULL, c, "(dst=10.0.1.2)"));
}

static void sends_to_what_it_may(arena* world) {
  void* mem = malloc(an_sizeof(AN_SENDADDR));
  an_NetSpecData tight;
  an_Domain d = plain_domain(), other = plain_domain();
  an_OutChan c, second = an_outchanCreate(NULL, d, "b/ip/udp", "(dstport=4001)", NULL);
  an_SendAddr to, of_second = an_sendaddrCreate(NULL, second, "(dst=10.0.1.2, dstport=7)");
  an_Packet p = text_packet(d, "mine"), strange = text_packet(other, "not mine");
  memset(&tight, 0, sizeof tight);
  tight.size = sizeof tight;
  tight.queue_packets = 1;
  c = an_outchanCreate(NULL, d, "b/ip/udp", "(dstport=4000)", &tight);
  to = an_sendaddrCreate(mem, c, "(dst=10.0.1.2, dstport=7)");
  EXPECT_STATUS(AN_EINVAL, an_outchanSendTo(c, p, of_second));
  EXPECT_STATUS(AN_EINVAL, an_outchanSendTo(c, p, NULL));
  EXPECT_STATUS(AN_EINVAL, an_outchanSendTo(c, strange, to));
  EXPECT_STATUS(AN_EINVAL, an_outchanSendTo(c, NULL, to));
  EXPECT(an_domainSuspend(d) == AN_OK);
  EXPECT(an_outchanSendTo(c, an_packetClone(p), to) == AN_OK);
  EXPECT_STATUS(AN_EQFULL, an_outchanSendTo(c, p, to));
  EXPECT(holds_text(p, "mine")); /* still the caller's, and as it was */
  EXPECT(an_domainResume(d) == AN_OK);
  EXPECT(an_sendaddrDestroy(to) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_sendaddrDestroy(to));
  EXPECT_STATUS(AN_EDEAD, an_outchanSendTo(c, p, to));
  EXPECT(an_outchanDestroy(second) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_sendaddrDestroy(of_second)); /* with its channel */
  arena_settle(world);
  EXPECT(domain_adds_up(d));
  an_domainDestroy(d);
  an_domainDestroy(other);
  free(mem);
}

static void send_to_keeps_to_the_rate(arena* world) {
  an_NetSpecData s;
  an_Domain d = plain_domain();
  an_OutChan c;
  an_SendAddr to;
  an_Packet p = text_packet(d, "late");
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.rate_bits = 8000;
  s.burst_bytes = 6;
  c = an_outchanCreate(NULL, d, "b/ip/udp", "(dstport=4000)", &s);
  to = an_sendaddrCreate(NULL, c, "(dst=10.0.1.2, dstport=7)");
  EXPECT(an_outchanSendTo(c, text_packet(d, "early"), to) == AN_OK);
  EXPECT_STATUS(AN_EBANDWIDTH, an_outchanSendTo(c, p, to));
  arena_advance(world, 1000000000);
  EXPECT(an_outchanSendTo(c, p, to) == AN_OK);
  arena_settle(world);
  an_domainDestroy(d);
}

/* ---- Handoff ---- */

static void hands_off(arena* world) {
  static inbox box;
  an_Domain d = plain_domain();
  an_Domain child = an_domainCreate(NULL, d, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  an_InChan c = an_inchanCreate(NULL, child, NULL, "a", NULL, NULL, keep_one, &box);
  an_ChanStats s = {sizeof s};
  memset(&box, 0, sizeof box);
  EXPECT(an_inchanHandoff(c, text_packet(d, "for the child")) == AN_OK);
  EXPECT(stats_of(d).packets_sent == 1 && stats_of(d).packets_held == 0);
  arena_settle(world);
  REQUIRE(box.count == 1);
  EXPECT(holds_text(box.packets[0], "for the child"));
  EXPECT(stats_of(child).packets_received == 1 && domain_adds_up(d) && domain_adds_up(child));
  EXPECT(an_inchanGetStats(c, &s) == AN_OK && s.packets_in == 1 && s.packets_out == 1);
  free_all(&box);
  an_domainDestroy(d);
}

static void handed_off_waits_its_turn(arena* world) {
  static inbox box;
  an_NetSpecData s;
  int i;
  an_Domain d = plain_domain();
  an_InChan c;
  an_Packet late;
  memset(&box, 0, sizeof box);
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.queue_packets = 4;
  c = an_inchanCreate(NULL, d, NULL, "a", NULL, &s, keep_one, &box);
  an_inchanSuspend(c);
  for (i = 0; i < 4; i++) EXPECT(an_inchanHandoff(c, text_packet(d, "waits")) == AN_OK);
  late = text_packet(d, "late");
  EXPECT_STATUS(AN_EQFULL, an_inchanHandoff(c, late));
  EXPECT(holds_text(late, "late"));
  arena_settle(world);
  EXPECT(box.count == 0);
  EXPECT(an_inchanResume(c) == AN_OK);
  arena_settle(world);
  EXPECT(box.count == 4 && domain_adds_up(d));
  free_all(&box);
  an_domainDestroy(d);
}

typedef struct juggler {
  an_InChan to;
  atomic_size_t handed; /* goes on while it is read */
} juggler;
static void hand_on(void* arg, an_Packet p) {
  juggler* j = (juggler*)arg;
  if (an_inchanHandoff(j->to, p) == AN_OK) {
    atomic_fetch_add(&j->handed, 1);
  } else {
    an_packetFree(p); /* the other channel has ended */
  }
}
/* Two channels that hand a packet to each other for ever do not keep the worker for themselves. */
static void endless_handoff_leaves_the_worker(arena* world) {
  static juggler a, b;
  static inbox box;
  an_Domain d = plain_domain();
  memset(&box, 0, sizeof box);
  atomic_store(&a.handed, 0);
  atomic_store(&b.handed, 0);
  b.to = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, hand_on, &a);
  a.to = an_inchanCreate(NULL, d, NULL, "a/pan", NULL, NULL, hand_on, &b);
  EXPECT(an_inchanCreate(NULL, d, NULL, "b", NULL, NULL, keep_one, &box) != NULL);
  arena_inject(world, "a", "\360ball", 5);
  arena_settle(world);
  arena_inject(world, "b", "other", 5);
  arena_settle(world);
  EXPECT(box.count == 1 && atomic_load(&a.handed) > 1 && atomic_load(&b.handed) > 1);
  free_all(&box);
  an_domainDestroy(d);
}

static void hands_off_to_relatives_only(arena* world) {
  static inbox box;
  an_Domain d = plain_domain(), other = plain_domain();
  an_InChan c = an_inchanCreate(NULL, other, NULL, "a", NULL, NULL, keep_one, &box);
  an_Packet p = text_packet(d, "mine");
  (void)world;
  EXPECT_STATUS(AN_EPERM, an_inchanHandoff(c, p));
  EXPECT_STATUS(AN_EINVAL, an_inchanHandoff(c, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanHandoff(NULL, p));
  EXPECT(an_inchanDestroy(c) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_inchanHandoff(c, p));
  EXPECT(an_packetFree(p) == AN_OK);
  an_domainDestroy(d);
  an_domainDestroy(other);
}

/* ---- Connect ---- */

static an_ChanStats cut_stats(an_CutChan c) {
  an_ChanStats s = {sizeof s};
  EXPECT(an_cutchanGetStats(c, &s) == AN_OK);
  return s;
}
static int cut_adds_up(an_CutChan c) {
  an_ChanStats s = cut_stats(c);
  return s.packets_in + s.packets_made == s.packets_out + s.packets_dropped + s.packets_held;
}

static void connects(arena* world) {
  static inbox box;
  an_Domain d = plain_domain();
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box);
  an_OutChan to = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_CutChan cut;
  an_Packet p = text_packet(d, "by hand");
  memset(&box, 0, sizeof box);
  arena_inject(world, "a", "before", 6);
  arena_settle(world);
  EXPECT(box.count == 1);
  cut = an_cutchanConnect(NULL, in, to);
  REQUIRE(cut != NULL);
  arena_inject(world, "a", "through", 7);
  arena_settle(world);
  EXPECT(box.count == 1 && stats_of(d).packets_received == 1);
  EXPECT(arena_take(world, "b", out, sizeof out) == 7 && memcmp(out, "through", 7) == 0);
  EXPECT(cut_stats(cut).packets_in == 1 && cut_stats(cut).packets_out == 1 && cut_adds_up(cut));
  EXPECT_STATUS(AN_EINVAL, an_outchanSend(to, p)); /* it is not the domain's alone now */
  EXPECT(stats_of(d).channels == 3);
  EXPECT(an_cutchanDestroy(cut) == AN_OK);
  arena_inject(world, "a", "after", 5);
  arena_settle(world);
  EXPECT(box.count == 2 && an_outchanSend(to, p) == AN_OK);
  arena_settle(world);
  EXPECT(arena_take(world, "b", out, sizeof out) == 7);
  free_all(&box);
  EXPECT(domain_adds_up(d));
  an_domainDestroy(d);
}

static void connected_needs_no_function(arena* world) {
  an_Domain d = plain_domain();
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  an_OutChan to = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_CutChan cut = an_cutchanConnect(NULL, in, to);
  arena_inject(world, "a", "1", 1);
  arena_settle(world);
  EXPECT(arena_take(world, "b", out, sizeof out) == 1);
  EXPECT(an_inchanSuspend(in) == AN_OK);
  arena_inject(world, "a", "2", 1);
  arena_settle(world);
  EXPECT(arena_take(world, "b", out, sizeof out) == 0 && cut_stats(cut).packets_held == 1);
  EXPECT(an_inchanResume(in) == AN_OK);
  arena_settle(world);
  EXPECT(arena_take(world, "b", out, sizeof out) == 1 && cut_adds_up(cut));
  EXPECT(an_cutchanDestroy(cut) == AN_OK);
  EXPECT_STATUS(AN_EINVAL, an_inchanResume(in)); /* no function, as before */
  an_domainDestroy(d);
}

static void connected_waits_for_the_rate(arena* world) {
  int i;
  an_NetSpecData s;
  an_Domain d = plain_domain();
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  an_OutChan to;
  an_CutChan cut;
  char hundred[100] = {0};
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.rate_bits = 8000;
  s.burst_bytes = 500;
  to = an_outchanCreate(NULL, d, "b", NULL, &s);
  cut = an_cutchanConnect(NULL, in, to);
  for (i = 0; i < 10; i++) arena_inject(world, "a", hundred, sizeof hundred);
  arena_settle(world);
  EXPECT(cut_stats(cut).packets_out == 5 && cut_stats(cut).packets_held == 5 && cut_adds_up(cut));
  arena_advance(world, 1000000000);
  EXPECT(cut_stats(cut).packets_out == 10 && cut_stats(cut).packets_dropped == 0 && cut_adds_up(cut));
  an_domainDestroy(d);
}

static void connection_ends_with_its_halves(arena* world) {
  void* mem = malloc(an_sizeof(AN_CUTCHAN));
  an_Domain d = plain_domain(), other = plain_domain();
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  an_OutChan to = an_outchanCreate(NULL, d, "b", NULL, NULL),
             strange = an_outchanCreate(NULL, other, "b", NULL, NULL);
  an_CutChan cut;
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_cutchanConnect(mem, in, strange));
  EXPECT_NULL(AN_EINVAL, an_cutchanConnect(mem, in, NULL));
  EXPECT_NULL(AN_EINVAL, an_cutchanConnect(mem, NULL, to));
  cut = an_cutchanConnect(mem, in, to);
  EXPECT(cut != NULL);
  EXPECT_NULL(AN_EINVAL, an_cutchanConnect(NULL, in, to));
  EXPECT(an_outchanDestroy(to) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_cutchanDestroy(cut));
  to = an_outchanCreate(NULL, d, "b", NULL, NULL);
  cut = an_cutchanConnect(mem, in, to);
  EXPECT(an_inchanDestroy(in) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_cutchanDestroy(cut));
  EXPECT_NULL(AN_EDEAD, an_cutchanConnect(mem, in, to));
  in = an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, NULL, NULL);
  EXPECT(an_cutchanConnect(mem, in, to) != NULL);
  an_domainDestroy(d); /* all three */
  an_domainDestroy(other);
  free(mem);
}

const check sending_checks[] = {
    {"sendto: each packet has its own destination", sends_to, "send_addresses"},
    {"sendto: on a chain without ports", sends_to_without_ports, "send_addresses"},
    {"sendto: shared bytes stay as they are", sends_shared_bytes_to, "send_addresses"},
    {"sendto: the channel's own addresses stay", fixed_ends_stay, "send_addresses"},
    {"sendto: wrong addresses", wrong_send_addresses, "send_addresses"},
    {"sendto: what is refused stays with the caller", sends_to_what_it_may, "send_addresses"},
    {"sendto: keeps to the channel's rate", send_to_keeps_to_the_rate, "send_addresses"},
    {"handoff: to a channel of a child", hands_off, "handoff"},
    {"handoff: waits its turn, and for room", handed_off_waits_its_turn, "handoff"},
    {"handoff: without end leaves the worker to others", endless_handoff_leaves_the_worker, "handoff"},
    {"handoff: to relatives only", hands_off_to_relatives_only, "handoff"},
    {"connect: two channels become one", connects, "connect"},
    {"connect: needs no deliver function", connected_needs_no_function, "connect"},
    {"connect: what is over the rate waits", connected_waits_for_the_rate, "connect"},
    {"connect: ends with either half", connection_ends_with_its_halves, "connect"},
    {NULL, NULL},
};
