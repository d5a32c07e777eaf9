/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: who is recognised, and that each gets what it may have and nothing more. */
#include <stdlib.h>

#include "tests/conformance/identities.h"
#include "tests/conformance/thread_check.h"

static an_Cred show(const char* certificate, const char* key) {
  an_CredSpecData s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.kind = AN_CRED_X509;
  s.certificate = certificate;
  s.key = key;
  return an_credCreate(NULL, &s);
}
static an_Cred local(void) {
  an_CredSpecData s;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.kind = AN_CRED_LOCAL;
  return an_credCreate(NULL, &s);
}
static an_Domain domain_of(an_Cred c) {
  return an_domainCreate(NULL, NULL, c, NULL, NULL, NULL, NULL, NULL, NULL);
}
static an_CredInfo info_of(an_Cred c) {
  an_CredInfo i;
  memset(&i, 0, sizeof i);
  i.size = sizeof i;
  EXPECT(an_credCheck(c, &i) == AN_OK);
  return i;
}
static void free_all(inbox* box) {
  size_t i;
  for (i = 0; i < box->count; i++) an_packetFree(box->packets[i]);
  box->count = 0;
}
static int taken(arena* world, const char* port) {
  char bytes[4];
  int n = 0;
  while (arena_take(world, port, bytes, sizeof bytes) > 0) n++;
  return n;
}

static void recognises_the_user(arena* world) {
  an_Cred c = local();
  (void)world;
  REQUIRE(c != NULL);
  EXPECT(strcmp(info_of(c).principal, "user") == 0);
  EXPECT(an_credCheck(c, NULL) == AN_OK);
  EXPECT(an_credDestroy(c) == AN_OK);
  EXPECT_STATUS(AN_EDEAD, an_credDestroy(c));
  EXPECT_STATUS(AN_EDEAD, an_credCheck(c, NULL));
}

static void recognises_certificates(arena* world) {
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY); /* Ed25519, issued */
  an_Cred carol = show(CAROL_CERTIFICATE, CAROL_KEY); /* ECDSA, issued */
  an_Cred bob = show(BOB_CERTIFICATE, BOB_KEY);       /* RSA, this very certificate */
  (void)world;
  REQUIRE(alice != NULL && carol != NULL && bob != NULL);
  EXPECT(strcmp(info_of(alice).principal, "alice") == 0);
  EXPECT(strcmp(info_of(carol).principal, "carol") == 0);
  EXPECT(strcmp(info_of(bob).principal, "bob") == 0);
  EXPECT(info_of(alice).domains == 2 && info_of(alice).domains_used == 0);
  EXPECT(an_credDestroy(alice) == AN_OK && an_credDestroy(carol) == AN_OK); /* bob's goes with the node */
}

static void certificate_alone_proves_nothing(arena* world) {
  (void)world;
  EXPECT_NULL(AN_EPERM, show(ALICE_CERTIFICATE, MALLORY_KEY));
  EXPECT(strstr(an_errtext(), "signature") != NULL);
  EXPECT_NULL(AN_EPERM, show(ALICE_CERTIFICATE, CAROL_KEY));
  EXPECT_NULL(AN_EPERM, show(BOB_CERTIFICATE, ALICE_KEY));
  EXPECT_NULL(AN_EINVAL, show(ALICE_CERTIFICATE, NULL));
  EXPECT_NULL(AN_EINVAL, show(ALICE_CERTIFICATE, ""));
  EXPECT_NULL(AN_EINVAL, show(ALICE_CERTIFICATE, ALICE_CERTIFICATE));
}

static void strangers_are_nobody(arena* world) {
  (void)world;
  EXPECT_NULL(AN_EPERM, show(MALLORY_CERTIFICATE, MALLORY_KEY)); /* alice's name, another authority */
  EXPECT_NULL(AN_EPERM, show(EXPIRED_CERTIFICATE, EXPIRED_KEY));
  EXPECT(strstr(an_errtext(), "expired") != NULL);
  EXPECT_NULL(AN_EPERM, show(UNSIGNING_CERTIFICATE, UNSIGNING_KEY));
  EXPECT(strstr(an_errtext(), "key usage") != NULL);
  EXPECT_NULL(AN_EPERM, show(WEAK_CERTIFICATE, WEAK_KEY));
  EXPECT(strstr(an_errtext(), "weak") != NULL);
  EXPECT_NULL(AN_EINVAL, show("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ALICE_KEY));
  EXPECT_NULL(AN_EINVAL, show("", ALICE_KEY));
}

static void wrong_specs(arena* world) {
  an_CredSpecData s;
  (void)world;
  memset(&s, 0, sizeof s);
  EXPECT_NULL(AN_EINVAL, an_credCreate(NULL, NULL));
  EXPECT_NULL(AN_EINVAL, an_credCreate(NULL, &s));
  s.size = sizeof s;
  EXPECT_NULL(AN_EINVAL, an_credCreate(NULL, &s)); /* of no kind */
  s.kind = 99;
  EXPECT_NULL(AN_EINVAL, an_credCreate(NULL, &s));
  EXPECT_STATUS(AN_EINVAL, an_credDestroy(NULL));
  EXPECT_STATUS(AN_EINVAL, an_credCheck(NULL, NULL));
}

static void explicit_memory(arena* world) {
  void* mem = malloc(an_sizeof(AN_CRED));
  an_CredSpecData s;
  an_Cred c;
  an_CredInfo none;
  (void)world;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.kind = AN_CRED_LOCAL;
  c = an_credCreate(mem, &s);
  EXPECT(c != NULL);
  none.size = 0;
  EXPECT_STATUS(AN_EINVAL, an_credCheck(c, &none));
  EXPECT(an_credDestroy(c) == AN_OK);
  memset(mem, 0xff, an_sizeof(AN_CRED));
  EXPECT_STATUS(AN_EDEAD, an_credDestroy(c));
  free(mem);
}

static void domains_are_bounded(arena* world) {
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY);
  an_Domain first = domain_of(alice), second;
  (void)world;
  REQUIRE(first != NULL);
  second = an_domainCreate(NULL, first, NULL, NULL, NULL, NULL, NULL, NULL, NULL); /* draws on the same */
  EXPECT(second != NULL && info_of(alice).domains_used == 2);
  EXPECT_NULL(AN_ELIMIT, domain_of(alice));
  EXPECT(strstr(an_errtext(), "'alice'") != NULL);
  EXPECT_NULL(AN_ELIMIT, an_domainCreate(NULL, second, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  EXPECT(plain_domain() != NULL); /* the node's own */
  EXPECT(an_domainDestroy(first) == AN_OK && info_of(alice).domains_used == 0);
  EXPECT(an_credDestroy(alice) == AN_OK);
}

static void outlives_its_credential(arena* world) {
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY);
  an_Domain d = domain_of(alice);
  (void)world;
  EXPECT(an_credDestroy(alice) == AN_OK);
  EXPECT_NULL(AN_EDEAD, domain_of(alice));
  EXPECT_NULL(AN_EPERM, an_inchanCreate(NULL, d, NULL, "b", NULL, NULL, keep_one, NULL)); /* still bounded */
  EXPECT_NULL(AN_EINVAL, domain_of((an_Cred)(void*)d));
  EXPECT(an_domainDestroy(d) == AN_OK);
}

static void opens_what_it_may(arena* world) {
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY);
  an_Domain d = domain_of(alice);
  (void)world;
  EXPECT(an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7000)", NULL, keep_one, NULL) != NULL);
  EXPECT(an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7999, src=10.0.0.7)", NULL, keep_one, NULL) !=
         NULL);
  EXPECT_NULL(AN_EPERM, an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=8000)", NULL, keep_one, NULL));
  EXPECT(strstr(an_errtext(), "'alice'") != NULL && strstr(an_errtext(), "a/ip/udp (dstport=8000)") != NULL);
  EXPECT(strstr(an_errtext(), "7000-7999") != NULL);
  EXPECT_NULL(AN_EPERM,
              an_inchanCreate(NULL, d, NULL, "a/ip/udp", NULL, NULL, keep_one, NULL)); /* any port */
  EXPECT_NULL(AN_EPERM, an_inchanCreate(NULL, d, NULL, "b/ip/udp", "(dstport=7001)", NULL, keep_one, NULL));
  EXPECT_NULL(AN_EPERM, an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, NULL));
  EXPECT_NULL(AN_EPERM, an_outchanCreate(NULL, d, "a", NULL, NULL));
  EXPECT_NULL(AN_EPERM, an_cutchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7002)", NULL, "b", NULL, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, "a/nonsense", NULL, NULL, keep_one, NULL));
  EXPECT(stats_of(d).channels == 2 && info_of(alice).channels_used == 2);
  EXPECT(an_domainDestroy(d) == AN_OK && info_of(alice).channels_used == 0);
}

static void channels_are_bounded(arena* world) {
  static const char* const ports[] = {"(dstport=7000)", "(dstport=7001)", "(dstport=7002)", "(dstport=7003)"};
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY);
  an_Domain d = domain_of(alice);
  an_InChan last = NULL;
  int i;
  (void)world;
  for (i = 0; i < 4; i++) {
    last = an_inchanCreate(NULL, d, NULL, "a/ip/udp", ports[i], NULL, keep_one, NULL);
    EXPECT(last != NULL);
  }
  EXPECT_NULL(AN_ELIMIT, an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7004)", NULL, keep_one, NULL));
  EXPECT(an_inchanDestroy(last) == AN_OK);
  EXPECT_NULL(AN_EEXIST, an_inchanCreate(NULL, d, NULL, "a/ip/udp", ports[0], NULL, keep_one, NULL));
  EXPECT(info_of(alice).channels_used == 3); /* what failed took nothing */
  EXPECT(an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7004)", NULL, keep_one, NULL) != NULL);
  an_domainDestroy(d);
}

static void* waits(void* flag) {
  while (atomic_load((atomic_int*)flag) == 0 && an_threadSleep(kMs) == AN_OK) {
  }
  return NULL;
}
static int threads_come_to(an_Cred c, uint32_t used) {
  int i;
  for (i = 0; i < 5000 && info_of(c).threads_used != used; i++) an_threadSleep(kMs);
  return info_of(c).threads_used == used;
}
static void threads_are_bounded(arena* world) {
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY); /* 3 threads */
  an_Domain d = domain_of(alice), other = domain_of(alice), own = plain_domain();
  atomic_int go = 0;
  an_Thread two[2], last;
  (void)world;
  two[0] = spawn(d, waits, &go);
  two[1] = spawn(d, waits, &go);
  last = spawn(other, waits, &go);
  EXPECT(two[0] != NULL && two[1] != NULL && last != NULL);
  EXPECT(info_of(alice).threads == 3 && info_of(alice).threads_used == 3);
  EXPECT_NULL(AN_ELIMIT, spawn(other, waits, &go));
  EXPECT(strstr(an_errtext(), "'alice' has all the 3 threads") != NULL);
  EXPECT_NULL(AN_ELIMIT, spawn(d, waits, &go));
  EXPECT(join(spawn(own, returns_its_argument, NULL)) == AN_OK); /* not alice's */
  atomic_store(&go, 1);
  EXPECT(join(two[0]) == AN_OK && info_of(alice).threads_used == 2);
  EXPECT(an_threadDetach(two[1]) == AN_OK && threads_come_to(alice, 1)); /* with its return, unseen */
  EXPECT(join(spawn(other, returns_its_argument, NULL)) == AN_OK);
  EXPECT(an_domainDestroy(other) == AN_OK && info_of(alice).threads_used == 0);
  an_domainDestroy(d);
  an_domainDestroy(own);
}

static atomic_int stubborn_may_go;
static void* is_stubborn(void* arg) {
  while (atomic_load(&stubborn_may_go) == 0) {
  }
  return arg;
}
static void threads_left_behind_count(arena* world) {
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY);
  an_Domain d = domain_of(alice);
  (void)world;
  atomic_store(&stubborn_may_go, 0);
  EXPECT(spawn(d, is_stubborn, NULL) != NULL);
  EXPECT(an_domainDestroy(d) == AN_OK && info_of(alice).threads_used == 1);
  atomic_store(&stubborn_may_go, 1);
  EXPECT(threads_come_to(alice, 0));
}

static void bandwidth_is_reserved(arena* world) {
  an_Cred carol = show(CAROL_CERTIFICATE, CAROL_KEY); /* 80000 bit/s */
  an_Domain d = domain_of(carol);
  an_NetSpecData s;
  an_OutChan c;
  (void)world;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.rate_bits = 50000;
  c = an_outchanCreate(NULL, d, "b", NULL, &s);
  EXPECT(c != NULL && info_of(carol).bandwidth_reserved == 50000);
  EXPECT_NULL(AN_EADMIT, an_outchanCreate(NULL, d, "b", NULL, &s));
  EXPECT(strstr(an_errtext(), "30000 bit/s left") != NULL);
  s.rate_bits = 30000;
  EXPECT(an_outchanCreate(NULL, d, "b", NULL, &s) != NULL);
  EXPECT(an_outchanDestroy(c) == AN_OK && info_of(carol).bandwidth_reserved == 30000);
  EXPECT_NULL(AN_EADMIT,
              an_cutchanCreate(NULL, d, NULL, "a", NULL, NULL, "b", NULL, NULL)); /* without a rate */
  EXPECT(an_cutchanCreate(NULL, d, NULL, "a", NULL, NULL, "b", NULL, &s) != NULL);
  an_domainDestroy(d);
  EXPECT(info_of(carol).bandwidth_reserved == 0);
}

static void sends_no_more_than_its_bandwidth(arena* world) {
  an_Cred carol = show(CAROL_CERTIFICATE, CAROL_KEY); /* 10000 bytes/s; at once 131070 bytes */
  an_Domain d = domain_of(carol), other = plain_domain();
  an_OutChan one = an_outchanCreate(NULL, d, "b", NULL, NULL),
             two = an_outchanCreate(NULL, d, "b", NULL, NULL);
  an_OutChan neighbour = an_outchanCreate(NULL, other, "b", NULL, NULL);
  int i, sent = 0, refused = 0;
  REQUIRE(one != NULL && two != NULL);
  for (i = 0; i < 400; i++) { /* without end, by turns */
    an_Packet p = an_packetAlloc(d, 1000);
    const int status = an_outchanSend(i % 2 != 0 ? one : two, p);
    if (status == AN_OK) {
      sent++;
    } else {
      EXPECT(status == AN_EBANDWIDTH);
      refused++;
      an_packetFree(p);
    }
    arena_settle(world);
    EXPECT(an_outchanSend(neighbour, an_packetAlloc(other, 1000)) == AN_OK); /* goes on as it was */
    arena_settle(world);
    taken(world, "b");
  }
  EXPECT(sent == 131 && refused == 269);
  arena_advance(world, 1000000000);
  for (sent = 0; sent < 100; sent++) {
    an_Packet p = an_packetAlloc(d, 1000);
    if (an_outchanSend(one, p) != AN_OK) {
      an_packetFree(p);
      break;
    }
  }
  EXPECT(sent == 10);
  arena_settle(world);
  EXPECT(domain_adds_up(d) && domain_adds_up(other));
  an_domainDestroy(d);
  an_domainDestroy(other);
}

static void memory_is_bounded(arena* world) {
  static inbox box, others;
  an_Cred bob = show(BOB_CERTIFICATE, BOB_KEY); /* 64 slots of packets */
  an_Domain d = domain_of(bob), other = plain_domain();
  an_Packet all[64], large;
  an_NetSpecData s;
  int i, n = 0;
  memset(&box, 0, sizeof box);
  memset(&others, 0, sizeof others);
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  EXPECT_NULL(AN_EADMIT, an_inchanCreate(NULL, d, NULL, "a", NULL, NULL, keep_one, &box)); /* 256 places */
  EXPECT(strstr(an_errtext(), "memory left") != NULL);
  s.queue_packets = 8;
  EXPECT(an_inchanCreate(NULL, d, NULL, "a", NULL, &s, keep_one, &box) != NULL);
  EXPECT(an_inchanCreate(NULL, other, NULL, "b", NULL, NULL, keep_one, &others) != NULL);
  while (n < 64 && (all[n] = an_packetAlloc(d, 10)) != NULL) n++;
  EXPECT(n == 48 && an_errno() == AN_ELIMIT); /* 64 less two queues of 8 */
  EXPECT_NULL(AN_ELIMIT, an_packetClone(all[0]));
  for (i = 0; i < 20; i++) {
    arena_inject(world, "a", "more", 4);
    arena_inject(world, "b", "other", 5);
    arena_settle(world);
  }
  EXPECT(box.count == 0 && stats_of(d).dropped[AN_DROP_LIMIT] == 20 && domain_adds_up(d));
  EXPECT(others.count == 20 && domain_adds_up(other)); /* unchanged */
  EXPECT(an_packetFree(all[--n]) == AN_OK);
  arena_inject(world, "a", "fits", 4);
  arena_settle(world);
  EXPECT(box.count == 1);
  for (i = 0; i < n; i++) an_packetFree(all[i]);
  free_all(&box);
  large = an_packetAlloc(d, 60000); /* many pieces, each counted */
  EXPECT(large != NULL && info_of(bob).memory_used > 60000);
  EXPECT_NULL(AN_ELIMIT, an_packetAlloc(d, 60000));
  EXPECT(an_packetTrim(large, 1) == AN_OK);
  large = an_packetAlloc(d, 60000);
  EXPECT(large != NULL);
  for (i = 0; i < 64 && an_packetAppend(large, 1900) != NULL; i++) continue;
  EXPECT(an_errno() == AN_ELIMIT || an_errno() == AN_EINVAL);
  free_all(&others);
  EXPECT(an_domainDestroy(d) == AN_OK && info_of(bob).memory_used == 0);
  an_domainDestroy(other);
}

static void priority_is_bounded(arena* world) {
  an_Cred alice = show(ALICE_CERTIFICATE, ALICE_KEY);
  an_Domain d = domain_of(alice);
  an_NetSpecData s;
  (void)world;
  memset(&s, 0, sizeof s);
  s.size = sizeof s;
  s.priority = 2;
  EXPECT_NULL(AN_EPERM, an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7000)", &s, keep_one, NULL));
  s.priority = 1;
  EXPECT(an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7000)", &s, keep_one, NULL) != NULL);
  an_domainDestroy(d);
}

/* Who calls from a process of its own is known before it shows anything, and bounded. */
static void another_process_is_its_users(arena* world) {
  const int here = offers("in_process");
  an_Cred c = local();
  an_Domain d = plain_domain();
  an_InChan ungranted = an_inchanCreate(NULL, d, NULL, "b/ip/pan", NULL, NULL, keep_one, NULL);
  const int refused = ungranted == NULL && an_errno() == AN_EPERM && strstr(an_errtext(), "'user'") != NULL;
  an_CredInfo i = info_of(c);
  (void)world;
  EXPECT(here ? ungranted != NULL : refused);
  EXPECT(i.domains_used == (here ? 0 : 2)); /* that of the process, and d */
  EXPECT((i.memory_used > 0) == !here);
  EXPECT(an_domainDestroy(d) == AN_OK && info_of(c).domains_used == (here ? 0 : 1));
  EXPECT(an_credDestroy(c) == AN_OK);
}

const check credential_checks[] = {
    {"cred: the user of this process", recognises_the_user, "credentials"},
    {"cred: certificates of all kinds of keys", recognises_certificates, "credentials"},
    {"cred: a certificate alone proves nothing", certificate_alone_proves_nothing, "credentials"},
    {"cred: strangers are nobody", strangers_are_nobody, "credentials"},
    {"cred: wrong specifications", wrong_specs, "credentials"},
    {"cred: explicit memory", explicit_memory, "credentials"},
    {"cred: domains are bounded, descendants too", domains_are_bounded, "credentials"},
    {"cred: a domain outlives its credential, bounded", outlives_its_credential, "credentials"},
    {"cred: only path texts that are granted", opens_what_it_may, "credentials"},
    {"cred: channels are bounded", channels_are_bounded, "credentials"},
    {"cred: threads are bounded", threads_are_bounded, "credentials"},
    {"cred: threads that are left behind count", threads_left_behind_count, "credentials"},
    {"cred: bandwidth is reserved", bandwidth_is_reserved, "credentials"},
    {"cred: nothing is sent over the bandwidth", sends_no_more_than_its_bandwidth, "credentials"},
    {"cred: memory is bounded", memory_is_bounded, "credentials"},
    {"cred: priority is bounded", priority_is_bounded, "credentials"},
    {"cred: another process is its user's from the beginning", another_process_is_its_users, "credentials"},
    {NULL, NULL},
};
