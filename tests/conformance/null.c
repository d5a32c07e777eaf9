/* SPDX-License-Identifier: Apache-2.0 */
/* NULL where something is wanted: every call says so, and none crashes.  (Of packets: packet.c) */
#include "tests/conformance/check.h"

static void domains(arena* world) {
  an_Domain d = plain_domain(), child;
  an_ThreadPoolSpecData no_size = {0};
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_domainDestroy(NULL));
  EXPECT_NULL(AN_EINVAL, an_domainParent(NULL));
  EXPECT_STATUS(AN_EINVAL, an_domainChildren(d, &child, 1, NULL));
  EXPECT_STATUS(AN_EINVAL, an_domainSuspend(NULL));
  EXPECT_STATUS(AN_EINVAL, an_domainResume(NULL));
  EXPECT_STATUS(AN_EINVAL, an_domainGetStats(d, NULL));
  EXPECT_NULL(AN_EINVAL, an_domainGetMemPool(NULL));
  EXPECT_STATUS(AN_EINVAL, an_threadpoolGetSpec(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_threadpoolSetSpec(d, &no_size));
  EXPECT_STATUS(AN_EINVAL, an_threadpoolGetStats(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_log(d, AN_LOG_INFO, NULL));
  EXPECT_STATUS(AN_EINVAL, an_log(NULL, AN_LOG_INFO, "x"));
  an_domainDestroy(d);
}

static void credentials(arena* world) {
  an_CredSpecData spec = {sizeof spec, AN_CRED_X509, NULL, NULL};
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_credCreate(NULL, NULL));
  EXPECT_NULL(AN_EINVAL, an_credCreate(NULL, &spec));
  spec.certificate = "";
  EXPECT_NULL(AN_EINVAL, an_credCreate(NULL, &spec));
  EXPECT_STATUS(AN_EINVAL, an_credDestroy(NULL));
  EXPECT_STATUS(AN_EINVAL, an_credCheck(NULL, NULL));
}

static void demux_keys(arena* world) {
  an_Domain d = plain_domain();
  an_DemuxKey key = an_demuxkeyCreate(NULL, d);
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_demuxkeyCreate(NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, 0, 4, NULL, NULL));
  EXPECT(strstr(an_errtext(), "needs a value") != NULL);
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(key, 0, 4, NULL, "mask"));
  EXPECT_STATUS(AN_EINVAL, an_demuxkeyAddTuple(NULL, 0, 4, "four", NULL));
  EXPECT(an_demuxkeyAddTuple(key, 0, 4, "four", NULL) == AN_OK);
  EXPECT(an_demuxkeyAddIPv4(key, NULL, NULL, AN_ANY) == AN_OK); /* any address */
  an_domainDestroy(d);
}

static void channels(arena* world) {
  an_Domain d = plain_domain();
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7)", NULL, NULL, NULL);
  an_OutChan out = an_outchanCreate(NULL, d, "a/ip/udp", NULL, NULL);
  an_CutChan cut = an_cutchanCreate(NULL, d, NULL, "a", NULL, NULL, "b", NULL, NULL);
  (void)world;
  REQUIRE(in != NULL && out != NULL && cut != NULL);
  EXPECT_NULL(AN_EPROTSPEC, an_inchanCreate(NULL, d, NULL, NULL, NULL, NULL, NULL, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_outchanCreate(NULL, d, NULL, NULL, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_cutchanCreate(NULL, d, NULL, NULL, NULL, NULL, "b", NULL, NULL));
  EXPECT_NULL(AN_EPROTSPEC, an_cutchanCreate(NULL, d, NULL, "b", NULL, NULL, NULL, NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanSetVector(in, NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanSetViews(in, NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanResume(in)); /* it has no function still */
  EXPECT_STATUS(AN_EINVAL, an_inchanGetStats(in, NULL));
  EXPECT_STATUS(AN_EINVAL, an_outchanGetStats(out, NULL));
  EXPECT_STATUS(AN_EINVAL, an_cutchanGetStats(cut, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanDestroy(NULL));
  EXPECT_STATUS(AN_EINVAL, an_outchanDestroy(NULL));
  EXPECT_STATUS(AN_EINVAL, an_cutchanDestroy(NULL));
  an_domainDestroy(d);
}

static void sending(arena* world) {
  an_Domain d = plain_domain();
  an_InChan in = an_inchanCreate(NULL, d, NULL, "a/ip/udp", "(dstport=7)", NULL, NULL, NULL);
  an_OutChan out = an_outchanCreate(NULL, d, "a/ip/udp", NULL, NULL);
  an_SendAddr to = an_sendaddrCreate(NULL, out, "(dst=10.0.0.2, dstport=7)");
  an_Packet p = an_packetAlloc(d, 1);
  an_Packet none[2] = {NULL, NULL};
  (void)world;
  REQUIRE(in != NULL && out != NULL && to != NULL && p != NULL);
  EXPECT_NULL(AN_EINVAL, an_sendaddrCreate(NULL, out, NULL));
  EXPECT_NULL(AN_EINVAL, an_sendaddrCreate(NULL, NULL, "(dst=10.0.0.2)"));
  EXPECT_STATUS(AN_EINVAL, an_outchanSend(out, NULL));
  EXPECT(an_outchanSendVec(out, NULL, 3) == 0 && strstr(an_errtext(), "no packets") != NULL);
  EXPECT(an_outchanSendVec(out, none, 2) == 0 && an_errno() == AN_EINVAL);
  EXPECT_STATUS(AN_EINVAL, an_outchanSendTo(out, NULL, to));
  EXPECT_STATUS(AN_EINVAL, an_outchanSendTo(out, p, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanHandoff(in, NULL));
  EXPECT_STATUS(AN_EINVAL, an_inchanHandoff(NULL, p));
  EXPECT_NULL(AN_EINVAL, an_cutchanConnect(NULL, NULL, out));
  EXPECT_NULL(AN_EINVAL, an_cutchanConnect(NULL, in, NULL));
  EXPECT_NULL(AN_EINVAL, an_packetAttach(NULL, d, NULL, 1, 0, NULL, NULL));
  EXPECT_NULL(AN_EINVAL, an_packetAttach(NULL, d, none, sizeof none, 0, NULL, NULL));
  EXPECT(an_packetFree(p) == AN_OK); /* nobody took it */
  an_domainDestroy(d);
}

static void memory(arena* world) {
  an_Domain d = plain_domain();
  an_MemPool pool = an_mempoolCreate(NULL, d, 1 << 20, NULL, NULL, 0);
  an_Heap heap = an_heapCreate(NULL, pool);
  (void)world;
  REQUIRE(heap != NULL);
  EXPECT_STATUS(AN_EINVAL, an_mempoolGetStats(pool, NULL));
  EXPECT_STATUS(AN_EINVAL, an_mempoolAddDomain(pool, NULL));
  EXPECT_STATUS(AN_EINVAL, an_mempoolRemoveDomain(pool, NULL));
  EXPECT_STATUS(AN_EINVAL, an_mempoolFreePages(pool, NULL));
  EXPECT_NULL(AN_EINVAL, an_heapCreate(NULL, NULL));
  EXPECT_NULL(AN_EINVAL, an_heapAlloc(NULL, 1));
  EXPECT(an_heapFree(heap, NULL) == AN_OK);
  EXPECT(an_heapRealloc(heap, NULL, 8) != NULL);
  an_domainDestroy(d);
}

static void events_and_threads(arena* world) {
  an_Domain d = plain_domain();
  an_Mutex m = an_mutexCreate(NULL, d);
  an_Cond c = an_condCreate(NULL, d);
  (void)world;
  EXPECT_NULL(AN_EINVAL, an_eventSchedule(NULL, d, 1, 0, NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_eventCancel(NULL));
  EXPECT_NULL(AN_EINVAL, an_threadSpawn(NULL, d, NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_threadJoin(NULL, NULL));
  EXPECT_STATUS(AN_EINVAL, an_threadDetach(NULL));
  EXPECT_STATUS(AN_EINVAL, an_mutexLock(NULL));
  EXPECT_STATUS(AN_EINVAL, an_mutexTryLock(NULL));
  EXPECT_STATUS(AN_EINVAL, an_mutexUnlock(NULL));
  EXPECT_STATUS(AN_EINVAL, an_condWait(NULL, m));
  EXPECT_STATUS(AN_EINVAL, an_condWait(c, NULL));
  EXPECT_STATUS(AN_EINVAL, an_condSignal(NULL));
  EXPECT_STATUS(AN_EINVAL, an_condBroadcast(NULL));
  an_domainDestroy(d);
}

static void files(arena* world) {
  an_Domain d = plain_domain();
  an_File f = an_open(NULL, d, "null", AN_O_RDWR | AN_O_CREAT);
  an_Dir dir = an_opendir(NULL, d, ".");
  an_FileStat stat = {sizeof stat};
  (void)world;
  REQUIRE(f != NULL && dir != NULL);
  EXPECT_NULL(AN_EINVAL, an_open(NULL, d, NULL, AN_O_RDONLY));
  EXPECT_NULL(AN_EINVAL, an_opendir(NULL, d, NULL));
  EXPECT(an_read(f, NULL, 1) == -1 && an_errno() == AN_EINVAL);
  EXPECT(an_write(f, NULL, 1) == -1 && an_errno() == AN_EINVAL);
  EXPECT(an_pread(f, NULL, 1, 0) == -1 && an_errno() == AN_EINVAL);
  EXPECT(an_pwrite(f, NULL, 1, 0) == -1 && an_errno() == AN_EINVAL);
  EXPECT_STATUS(AN_EINVAL, an_fstat(f, NULL));
  EXPECT_STATUS(AN_EINVAL, an_stat(d, "null", NULL));
  EXPECT_STATUS(AN_EINVAL, an_stat(d, NULL, &stat));
  EXPECT_STATUS(AN_EINVAL, an_mkdir(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_rmdir(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_unlink(d, NULL));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, NULL, "x"));
  EXPECT_STATUS(AN_EINVAL, an_rename(d, "null", NULL));
  EXPECT_STATUS(AN_EINVAL, an_readdir(dir, NULL));
  EXPECT_STATUS(AN_EINVAL, an_filesGetStats(d, NULL));
  an_domainDestroy(d);
}

static void node(arena* world) {
  uint64_t value;
  (void)world;
  EXPECT_STATUS(AN_EINVAL, an_nodeInfo(NULL, &value));
  EXPECT_STATUS(AN_EINVAL, an_nodeInfo("api", NULL));
}

const check null_checks[] = {
    {"null: domains and thread pools", domains},
    {"null: credentials", credentials, "credentials"},
    {"null: demux keys", demux_keys},
    {"null: channels", channels},
    {"null: sending", sending, "send_addresses"},
    {"null: memory", memory},
    {"null: events, threads, mutexes", events_and_threads},
    {"null: files", files, "files"},
    {"null: the node", node},
    {NULL, NULL},
};
