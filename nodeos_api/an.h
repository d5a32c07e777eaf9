/* SPDX-License-Identifier: Apache-2.0 */
/*
 * an.h: the NodeOS API.  What an execution environment (EE) may ask of its node.
 *
 * Sources: the AN NodeOS interface as described in "Snow on Silk", sections 2 and
 * 3.1.  The signature of an_inchanCreate is the original's; the other names follow
 * its style.
 *
 * Objects (an_Domain, an_InChan, ...) are opaque and live from create to destroy.
 *   A handle that is dead gives AN_EDEAD, one that never was gives AN_EINVAL;
 *   neither crashes.  (Snow on Silk, section 2.2.)
 * Specifications (an_NetSpec, ...) are visible and live for one call: the node
 *   reads them, and neither changes nor keeps them.  Each begins with its size,
 *   `spec.size = sizeof spec`, so that it can grow.
 * Memory is implicit or explicit.  The first argument of every create is `mem`:
 *   NULL, and the node allocates and frees; or at least an_sizeof(kind) bytes of
 *   the caller's, aligned as by malloc, which destroy tears down and does not free.
 *   (Section 2.4.)
 * Errors: a create returns NULL on failure, other calls return a status, 0 for
 *   success.  an_errno() and an_errtext() say what failed last on this thread.
 * Threads: an EE's code runs in three places.
 *   - Its *functions for packets and time* (deliver functions, events) run on the
 *     worker of its paths, one at a time, to their end: they must not block.
 *   - Its *threads* (an_threadSpawn) run beside all that, and may block.
 *   - Everything else, its init, termination and overflow functions included, runs on
 *     the node's control thread.
 *   Calls marked [control] are made on the control thread; from a deliver function or
 *   an event they fail with AN_ENOSYS, since whoever creates waits for the worker.
 *   (an_nodeInfo("create_on_worker") says whether this node differs.)
 *   Calls marked [any] are made at once on whichever of these threads asks.
 *   All other calls come from both; from the control thread they wait for the
 *   worker to stand between rounds, which takes microseconds, not nanoseconds.
 *   From a thread of a domain every call that is not [any] is handed to the control
 *   thread, in the domain's name, and waited for: tens of microseconds, more while the
 *   control thread is busy.  Once the domain has ended, each fails with AN_EDEAD.
 *   Any other thread gets AN_ENOSYS.
 *
 * This header is C11 and C++.  Names that begin with an_ or AN_ are its own.
 */
#ifndef WEFT_NODEOS_API_AN_H
#define WEFT_NODEOS_API_AN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AN_VERSION 1

/* Enumerations are as wide as int in both languages, and hold any int: a number that is none
 * of theirs is refused, where it is looked at, with AN_EINVAL. */
#ifdef __cplusplus
#define AN_INT : int
#else
#define AN_INT
#endif

/* ---- Objects and statuses ---------------------------------------------------- */

typedef struct an_DomainObject* an_Domain;
typedef struct an_InChanObject* an_InChan;
typedef struct an_OutChanObject* an_OutChan;
typedef struct an_CutChanObject* an_CutChan;
typedef struct an_DemuxKeyObject* an_DemuxKey;
typedef struct an_EventObject* an_Event;
typedef struct an_SendAddrObject* an_SendAddr;
typedef struct an_PacketObject* an_Packet;
typedef struct an_FileObject* an_File;
typedef struct an_DirObject* an_Dir;
/* In the signature of an_domainCreate from the beginning, so that it never changes. */
typedef struct an_CredObject* an_Cred;
typedef struct an_MemPoolObject* an_MemPool;
typedef const struct an_ThreadPoolSpecData* an_ThreadPoolSpec;
typedef struct an_HeapObject* an_Heap;
typedef struct an_ThreadObject* an_Thread;
typedef struct an_MutexObject* an_Mutex;
typedef struct an_CondObject* an_Cond;

typedef enum an_Kind AN_INT {
  AN_DOMAIN = 1,
  AN_INCHAN,
  AN_OUTCHAN,
  AN_CUTCHAN,
  AN_DEMUXKEY,
  AN_EVENT,
  AN_FILE,
  AN_DIR,
  AN_MEMPOOL,
  AN_HEAP,
  AN_THREAD,
  AN_MUTEX,
  AN_COND,
  AN_ATTACHED, /* what an_packetAttach needs; it has no handle */
  AN_CRED,
  AN_SENDADDR
} an_Kind;

typedef enum an_Status AN_INT {
  AN_OK = 0,
  AN_EINVAL,     /* an argument is wrong, or never was a handle */
  AN_ENOMEM,     /* memory, or the packet pool, is exhausted */
  AN_EPERM,      /* the credentials do not allow it */
  AN_EADMIT,     /* the reservation does not fit what is left */
  AN_EEXIST,     /* the demux key, or the name, is taken */
  AN_ENOENT,     /* no such thing */
  AN_EPROTSPEC,  /* the protocol chain is wrong; the text says where */
  AN_EADDRSPEC,  /* the addresses are wrong; the text says where */
  AN_EQFULL,     /* the queue is full; what did not fit is still the caller's */
  AN_EBANDWIDTH, /* over the channel's rate */
  AN_ELIMIT,     /* a configured bound is reached */
  AN_EDEAD,      /* the object was destroyed, or its domain ended */
  AN_ETIMEDOUT,
  AN_EIO,    /* the system refused */
  AN_ENOSYS, /* this node does not offer it, or not here */
  AN_EBUSY   /* somebody has it */
} an_Status;

/* The status of the last call that failed on this thread; AN_OK if none did. */
int an_errno(void);
/* The same as a sentence: "eth0/ipp: column 6: no module 'ipp', did you mean 'ip'?"
 * Never NULL; valid until the next failure on this thread. */
const char* an_errtext(void);
/* The name of a status: "AN_EPROTSPEC"; "?" for a number that is none. */
const char* an_statusName(int status);

/* Bytes that an object of that kind needs; 0 for a number that is no kind. */
size_t an_sizeof(an_Kind kind);

/* ---- Domains ----------------------------------------------------------------- */

/* Why a domain ended. */
typedef enum an_TermReason AN_INT {
  AN_TERM_DESTROYED = 1, /* an_domainDestroy was called on it */
  AN_TERM_ANCESTOR,      /* an ancestor ended */
  AN_TERM_NODE,          /* the node stops */
  AN_TERM_VIOLATION      /* it used more than it may: memory, or the worker's time */
} an_TermReason;

/* Called once in the new domain, before an_domainCreate returns.  Anything but 0
 * refuses the domain: it is taken down again, and creation fails with that status. */
typedef int (*an_DomainInitFunc)(an_Domain self, void* arg);
/* Called once when the domain has ended, in its parent: nothing of the domain runs
 * any more, its channels are closed and its packets given back.  `ended` is a dead
 * handle, good for comparing.  If the parent ends too, all that is true of it already, but
 * it keeps its memory pools, mutexes and conditions until this has returned. */
typedef void (*an_DomainTermFunc)(an_Domain ended, an_TermReason reason, void* arg);

/*
 * [control] Makes a domain: what its channels, packets and events are charged to, and
 * what they end with.  It is made below the domain that calls (an_domainSelf), or one of its
 * descendants: `parent` NULL means the domain that calls, and outside of any (main() of a process
 * of its own) the root domain of the process's node.  Domains nest at most 64 deep, of which an
 * EE's topmost is the first.
 * `cred` says whose limits the domain has (below); NULL: its parent's.  It may be destroyed
 * afterwards.  `threads` NULL: the node's defaults; see an_threadpoolSetSpec.  `mempool` NULL:
 * the node's memory; else a pool of an ancestor's.  `initfn` and `termfn` may be NULL.
 * Errors: AN_EINVAL (memory that is misaligned; a NULL parent where the process has
 * no node, or more than one; what an_threadpoolSetSpec refuses), AN_EPERM (the parent is
 * neither the domain that calls nor below it; the pool is not an ancestor's; the credential has
 * expired), AN_EDEAD (also: the domain that calls has ended), AN_ELIMIT (also: nested too deep; the
 * principal has all the domains that it may have), AN_ENOSYS, what initfn returns.
 * Domains form a tree that limits how long they last, and nothing else.
 * Source: Snow on Silk 2.1, 2.2.
 */
an_Domain an_domainCreate(void* mem, an_Domain parent, an_Cred cred, an_ThreadPoolSpec threads,
                          an_MemPool mempool, an_DomainInitFunc initfn, void* initarg,
                          an_DomainTermFunc termfn, void* termarg);
/* [control] Ends the domain: first its descendants, youngest first, then itself.  Its
 * threads are told and waited for (see an_threadTestCancel); its channels, events, demux
 * keys, memory pools, mutexes, conditions and packets are given back.  A domain may end
 * itself and its descendants, nothing else.
 * Errors: AN_EPERM (not the caller's to end), AN_EDEAD, AN_EINVAL (it or a descendant is
 * still in its init function: return a status instead; or a descendant is just ending, and
 * its termination functions have not returned). */
int an_domainDestroy(an_Domain d);
/* [any] The domain whose code is running on this thread; NULL outside of any.  When it has ended
 * meanwhile: NULL, and for a thread of its own (an_threadSpawn) the dead handle. */
an_Domain an_domainSelf(void);
/* The parent; NULL for a root domain (an_errno() is then AN_ENOENT), and, for whoever is called in
 * a domain, also for the topmost of an EE: what is above that is not the EE's. */
an_Domain an_domainParent(an_Domain d);

/* Writes at most `max` children, oldest first, and how many there are; `children` may be NULL
 * if `max` is 0.  Errors: AN_EINVAL, AN_EDEAD. */
int an_domainChildren(an_Domain d, an_Domain* children, size_t max, size_t* count);

/*
 * Nothing of the domain runs until Resume: no deliver function and no event, nor does a
 * packet pass its channels, cut-through ones included.  Packets wait in its channels' queues,
 * and those that do not fit are dropped before any work is spent on them.  Events that fall
 * due happen once, at Resume.  Its descendants go on: domains form a tree that limits how
 * long they last, and nothing else.  A function that is running comes to its end.
 * A domain may suspend itself and its descendants, and resume its descendants.
 * Errors: AN_EPERM (not the caller's; a root domain), AN_EDEAD, AN_EINVAL.
 */
int an_domainSuspend(an_Domain d);
int an_domainResume(an_Domain d);

/* Why a packet was let go.  The node counts them for the domain, and shows them. */
typedef enum an_DropReason AN_INT {
  AN_DROP_DISCARD = 0,    /* no longer wanted: an_packetFree */
  AN_DROP_CONSUMED,       /* it reached whom it was for */
  AN_DROP_CLOSED,         /* the domain ended while it held the packet */
  AN_DROP_MALFORMED,      /* not a capsule of this version */
  AN_DROP_TTL,            /* its TTL reached zero */
  AN_DROP_NO_NEIGHBOUR,   /* no link towards that node */
  AN_DROP_CODE_UNKNOWN,   /* no code object of that name */
  AN_DROP_CODE_FAULT,     /* the code object faulted */
  AN_DROP_QUEUE_FULL,     /* an outgoing channel did not take it */
  AN_DROP_NO_PACKET,      /* the pool had no packet left to continue in */
  AN_DROP_CODE_BUDGET,    /* the code object used up its budget */
  AN_DROP_CODE_REFUSED,   /* the code object asked for what is not its */
  AN_DROP_NO_APPLICATION, /* for an application that is not there */
  AN_DROP_LIMIT,          /* over the memory that the domain's principal may have */
  AN_DROP_REASONS
} an_DropReason;

/* At every moment: received + made = sent + the sum of dropped + held. */
typedef struct an_DomainStats {
  size_t size;
  uint64_t packets_received; /* through its incoming channels */
  uint64_t packets_made;     /* an_packetAlloc, an_packetClone */
  uint64_t packets_sent;     /* taken by its outgoing channels */
  uint64_t packets_held;     /* in its hands now */
  uint64_t cycles;           /* of the CPU's cycle counter: of its events, and, by sample, channels */
  uint64_t bits;             /* that its channels carried */
  uint64_t children;
  uint64_t channels;
  uint64_t events;          /* scheduled now */
  uint64_t demux_keys;      /* and other objects that are no channels */
  uint64_t packets_waiting; /* in the queues of its channels; not held by it yet, or any more */
  uint64_t suspended;       /* 1: it is */
  uint64_t dropped[AN_DROP_REASONS];
} an_DomainStats;

/* Fills as much of `stats` as stats->size has room for.  Errors: AN_EINVAL, AN_EDEAD. */
int an_domainGetStats(an_Domain d, an_DomainStats* stats);

/* ---- Credentials ---------------------------------------------------------------- */

/*
 * What a domain may have follows from who made it, as the node's config says for each
 * principal: memory, bandwidth, domains, channels, threads, priority, and the path texts that it
 * may open.  All its domains draw on the same account, and so do their descendants that show no
 * credential of their own.  Domains whose ancestors showed none are the node's own, without
 * bounds.
 *
 * Bounds and what is said when they are reached:
 *   domains, channels   create fails: AN_ELIMIT
 *   threads             an_threadSpawn fails: AN_ELIMIT; a process of its own counts by itself
 *   paths, priority     create fails: AN_EPERM, with the principal and the path
 *   bandwidth           the rates of outgoing and cut-through channels are reserved: create
 *                       fails with AN_EADMIT when they do not fit what is left; and all that
 *                       its outgoing channels send keeps to it: AN_EBANDWIDTH
 *   memory              places in its channels' queues are reserved: AN_EADMIT; packets that
 *                       its domains hold count too: Alloc, Clone, Push and Append fail with
 *                       AN_ELIMIT, and what comes in is dropped (AN_DROP_LIMIT)
 */
typedef enum an_CredKind AN_INT {
  AN_CRED_LOCAL = 1, /* the user of this process, as the system knows it */
  AN_CRED_X509       /* a certificate, and the proof that its key is here */
} an_CredKind;

typedef struct an_CredSpecData {
  size_t size;
  uint32_t kind;           /* an_CredKind */
  const char* certificate; /* PEM, at most 64 KiB (RFC 7468) */
  const char* key;         /* PEM, without a pass phrase; does not leave the process */
} an_CredSpecData;
typedef const an_CredSpecData* an_CredSpec;

/*
 * [control] Shows who the caller is.  With a certificate the node gives a nonce of 32 bytes
 * that it makes for this one time, and the key signs it, together with the node's name and
 * the certificate's hash (nodeos_api/certificate.h): a certificate alone proves nothing.
 * Keys are Ed25519, Ed448, or of ECDSA or RSA with 112 bits of strength at least.
 * Errors: AN_EPERM (no principal of this node; not the certificate's key; not valid now; not
 * issued by whom the config names; a weak key), AN_EINVAL (no certificate, or no key), AN_ELIMIT.
 * Sources: Snow on Silk 2.3 (credentials as objects); RFC 5280.
 */
an_Cred an_credCreate(void* mem, an_CredSpec spec);
/* [control] Domains that were made with it stay as they are. */
int an_credDestroy(an_Cred c);

/* 0: no bound. */
typedef struct an_CredInfo {
  size_t size;
  char principal[64];                          /* its name in the config */
  uint64_t memory, memory_used;                /* bytes */
  uint64_t bandwidth_bits, bandwidth_reserved; /* bits per second */
  uint32_t domains, domains_used;
  uint32_t channels, channels_used;
  uint32_t priority;
  uint32_t threads, threads_used;
  uint32_t reserved; /* 0 */
} an_CredInfo;
/* [control] Whether the credential is still good, and, if `info` is not NULL, of whom and for
 * what: fills as much as info->size has room for.  Errors: AN_EPERM (its certificate has
 * expired), AN_EINVAL, AN_EDEAD. */
int an_credCheck(an_Cred c, an_CredInfo* info);

/* ---- Demultiplexing keys ------------------------------------------------------ */

/* [control] An empty key.  Belongs to the domain; may be used for many channels.
 * Errors: as an_domainCreate. */
an_DemuxKey an_demuxkeyCreate(void* mem, an_Domain d);
/* [control] Channels that were made with it stay as they are. */
int an_demuxkeyDestroy(an_DemuxKey key);
/*
 * [control] Adds a condition: `length` bytes at `offset` of what the channel's chain
 * leaves of a packet, ANDed with `mask`, equal `value`.  NULL for mask: all bits.
 * Errors: AN_EINVAL (no value, length 0 or above 64, offset + length above 256, a value bit
 * outside the mask), AN_ELIMIT (more than 8 tuples), AN_EDEAD.
 */
int an_demuxkeyAddTuple(an_DemuxKey key, size_t offset, size_t length, const void* value, const void* mask);

/* For the calls below: whatever stands there. */
#define AN_ANY (-1)

/*
 * [control] Conditions in the words of a protocol: each is one tuple over the header of that
 * protocol, which the channel's chain must leave at the front of packets.
 *
 *   call      for a chain that leaves      such as
 *   AddIPv4   IPv4 packets                 "tun0"; "eth0/eth"
 *   AddIPv6   IPv6 packets                 "tun0"; "eth0/eth"
 *   AddUDP    UDP datagrams                "eth0/ip" with "(proto=17)"; "eth0/ip6" likewise
 *   AddTCP    TCP segments                 "eth0/ip" with "(proto=6)"; "eth0/ip6" likewise
 *   AddANEP   ANEP packets                 "eth0/ip/udp" with "(dstport=3322)"
 *
 * `src` and `dst` are addresses or prefixes as text, "10.0.0.0/8", "2001:db8::1"; NULL for
 * any.  Numbers may be AN_ANY.  `protocol` and `next_header` are 0 to 255: that of IPv6 is
 * the one in its own header, no extension is passed over.  Ports and ANEP types are 0 to
 * 65535; ANEP packets are of version 1.  A packet whose header is not whole does not match,
 * nor does a fragment match UDP or TCP.
 *
 * Of two keys that match a packet the one with more bits wins; two of equally many bits that
 * some packet could match are refused, AN_EEXIST, when the second channel is made.
 * A channel whose chain leaves no UDP or TCP refuses a key of AddUDP or AddTCP, AN_EINVAL.
 *
 * Errors: AN_EINVAL (a number out of range; UDP and TCP in one key), AN_EADDRSPEC (not an
 * address, or bits set behind its prefix), AN_ELIMIT (more than 8 tuples), AN_EDEAD.
 * Sources: Snow on Silk 2.1; RFC 791 3.1, RFC 8200 3, RFC 768, RFC 9293 3.1; Alexander et al.,
 * Active Network Encapsulation Protocol (1997).
 */
int an_demuxkeyAddIPv4(an_DemuxKey key, const char* src, const char* dst, int protocol);
int an_demuxkeyAddIPv6(an_DemuxKey key, const char* src, const char* dst, int next_header);
int an_demuxkeyAddUDP(an_DemuxKey key, int srcport, int dstport);
int an_demuxkeyAddTCP(an_DemuxKey key, int srcport, int dstport);
int an_demuxkeyAddANEP(an_DemuxKey key, int type);

/* ---- Channels ----------------------------------------------------------------- */

/* What goes when a queue is full. */
typedef enum an_DropPolicy AN_INT {
  AN_DROPPOLICY_TAIL = 0, /* what comes: an_outchanSend then says AN_EQFULL */
  AN_DROPPOLICY_HEAD      /* what has waited longest */
} an_DropPolicy;

/*
 * What a channel may take of the node.  `size` says how many of the fields there are; zeros
 * are the defaults.
 *
 * The rate is a token bucket in the terms of the Tspec of RFC 2212 and RFC 2215 (r, b, p, m,
 * M), and conforms as there: over any time T at most M + min(pT, rT + b - M) bytes, where a
 * packet counts as m bytes at least.  Bytes are those that the EE sees, without the headers
 * of the channel's chain on an outgoing channel, with all of them on an incoming one.
 *   outgoing     what is over the rate is refused: AN_EBANDWIDTH
 *   incoming     it is dropped before any work is spent on it (policed, RFC 2475 2.3.3.4)
 *   cut-through  `innet` polices; `outnet` shapes: what is over the rate waits in the queue
 */
typedef struct an_NetSpecData {
  size_t size;
  uint32_t queue_packets; /* of each end queue of the path, at most 65536; 0: the node's default */
  uint64_t queue_bytes;   /* likewise */
  uint32_t drop_policy;   /* an_DropPolicy */
  uint32_t priority;      /* 0 .. 7: a channel is served when none above it has packets */
  uint64_t rate_bits;     /* r: bits per second, at most 10^12; 0: no bound, and none of the rest */
  uint64_t burst_bytes;   /* b: at most 2^31, at least M; 0: what r gives in 10 ms, at least M */
  uint64_t peak_bits;     /* p: bits per second, at least r; 0: no bound */
  uint32_t min_unit;      /* m: bytes, at most M */
  uint32_t max_packet;    /* M: bytes, at most 65535; 0: as large as the burst allows */
} an_NetSpecData;
typedef const an_NetSpecData* an_NetSpec; /* NULL: the defaults */

/* Gets one packet, which is now the domain's: to keep, send, or free. */
typedef void (*an_ChanRecvFunc)(void* arg, an_Packet packet);
/* The same for `count` packets (1 .. 64) at once.  The array is the function's to
 * overwrite, and ends with the call. */
typedef void (*an_ChanRecvVecFunc)(void* arg, an_Packet* packets, size_t count);
struct an_PacketView;
/* The same, and how each of them lies: what an_packetGetViewVec(packets, count, views) would
 * say.  The views end with the call too. */
typedef void (*an_ChanRecvViewsFunc)(void* arg, an_Packet* packets, const struct an_PacketView* views,
                                     size_t count);

/*
 * [control] Opens the path `protspec addrspec` for packets that come in.
 * `protspec` is a chain, a device and the protocols on it: "eth0/ip/udp".  `addrspec`
 * holds what the protocols are told: "(dstport=3322)"; NULL or "" for nothing.
 * `dmxKey` NULL: every packet that the chain leaves.
 * `deliverfunc` NULL: the channel starts suspended, for an_inchanSetVector.
 * Errors: AN_EPROTSPEC and AN_EADDRSPEC (with the column in the path text), AN_EEXIST
 * (another channel has the same key), AN_EINVAL, AN_EDEAD, AN_ELIMIT, AN_EADMIT (longer queues
 * than its principal, or a process of its own, may have), AN_EPERM (its principal may not open
 * that path, or not at that priority), AN_ENOSYS.
 * Source: Snow on Silk 2.5.
 */
an_InChan an_inchanCreate(void* mem, an_Domain d, an_DemuxKey dmxKey, const char* protspec,
                          const char* addrspec, an_NetSpec netspec, an_ChanRecvFunc deliverfunc,
                          void* deliverarg);
/* [control] Closes it; what was queued is dropped.  Packets that the domain holds stay. */
int an_inchanDestroy(an_InChan c);
/* Delivers vectors from now on.  Errors: AN_EINVAL (a NULL function), AN_EDEAD. */
int an_inchanSetVector(an_InChan c, an_ChanRecvVecFunc deliverfunc, void* deliverarg);
/* The same, with views. */
int an_inchanSetViews(an_InChan c, an_ChanRecvViewsFunc deliverfunc, void* deliverarg);
/*
 * Puts a packet that the caller's domain holds into a channel, behind what waits there: its
 * deliver function gets it as it is, in the name of the channel's domain, which may be the
 * same one, an ancestor or a descendant of it.  No protocol of the chain sees it.  The
 * deliver function is never called from within this call.  On success it counts as sent by
 * the one domain and, when it is delivered, as received by the other; on failure it is still
 * the caller's.  Of a suspended channel it waits.
 * Errors: AN_EQFULL, AN_EPERM (a channel of a strange domain), AN_EINVAL, AN_EDEAD.
 */
int an_inchanHandoff(an_InChan c, an_Packet packet);
/* Nothing is delivered until Resume.  Packets wait in the channel's queue; those that
 * do not fit are dropped before any work is spent on them. */
int an_inchanSuspend(an_InChan c);
/* Errors: AN_EINVAL (the channel has no deliver function), AN_EDEAD. */
int an_inchanResume(an_InChan c);

/*
 * [control] Opens the path `protspec addrspec` for packets that go out.  It takes no
 * packets that come in.  Errors: as an_inchanCreate, but for AN_EEXIST.
 */
an_OutChan an_outchanCreate(void* mem, an_Domain d, const char* protspec, const char* addrspec,
                            an_NetSpec netspec);
int an_outchanDestroy(an_OutChan c); /* [control] what is queued is dropped */
/* Sends a packet that the channel's domain holds.  On success it is no longer the
 * caller's; on failure it still is.  Where the path's addresses leave something open, a
 * packet that is given back as it came returns to its sender.  Errors: AN_EQFULL, AN_EBANDWIDTH, AN_EINVAL
 * (not a packet of this domain), AN_EDEAD. */
int an_outchanSend(an_OutChan c, an_Packet packet);
/* Sends packets from the front of an array of any length, in order.  Returns how many
 * were taken; if fewer than `count`, an_errno() says why, and the rest is still the
 * caller's.  Errors: as an_outchanSend. */
size_t an_outchanSendVec(an_OutChan c, an_Packet* packets, size_t count);

/*
 * [control] An address that packets can be sent to, prepared for one channel: no text is read
 * for a packet.  `addrspec`, "(dst=10.0.0.2, dstport=7)", speaks of packets as they go out;
 * the modules of the channel's chain interpret it, and it says what the channel's own
 * addresses leave open: `dst`, `src` (ip, ip6), `dstport`, `srcport` (udp).  What neither
 * says of the source, the node chooses.  Ends with its channel.
 * Errors: AN_EADDRSPEC (with the column in "CHAIN addrspec"), AN_EINVAL, AN_EDEAD, AN_ELIMIT.
 */
an_SendAddr an_sendaddrCreate(void* mem, an_OutChan c, const char* addrspec);
int an_sendaddrDestroy(an_SendAddr to); /* [control] */
/* Sends to that address.  Errors: as an_outchanSend; AN_EINVAL (an address of another
 * channel), AN_ENOMEM (its bytes are shared, and the pool is empty). */
int an_outchanSendTo(an_OutChan c, an_Packet packet, an_SendAddr to);

/*
 * [control] Opens a cut-through path: what comes in on the first chain goes out on the
 * second, and no code of the domain runs.  Errors: as an_inchanCreate.
 * Source: Snow on Silk 2.1.
 */
an_CutChan an_cutchanCreate(void* mem, an_Domain d, an_DemuxKey dmxKey, const char* inprot,
                            const char* inaddr, an_NetSpec innet, const char* outprot, const char* outaddr,
                            an_NetSpec outnet);
/*
 * [control] Makes one of two channels of one domain: what comes in by `in` goes out by `out`,
 * and the deliver function is not called.  What `out` does not take, for its queue or its
 * rate, waits in `in`.  A channel that was suspended for want of a function begins.
 * While it lasts, nothing can be sent by `out`.  It ends with either channel, or by Destroy:
 * then both are as they were.  Its statistics begin with what `in` and `out` hold now.
 * Errors: AN_EINVAL (channels of two domains; one that is connected already), AN_EDEAD,
 * AN_ELIMIT.
 * Source: Snow on Silk 2.1: cut-through channels "can also be constructed by concatenating
 * the two".
 */
an_CutChan an_cutchanConnect(void* mem, an_InChan in, an_OutChan out);
int an_cutchanDestroy(an_CutChan c); /* [control] */

/* At every moment: in + made = out + dropped + held. */
typedef struct an_ChanStats {
  size_t size;
  uint64_t packets_in, bytes_in;   /* accepted by the channel, at either end */
  uint64_t packets_out, bytes_out; /* handed on */
  uint64_t packets_made;           /* by the protocols on the way */
  uint64_t packets_dropped;        /* for all reasons */
  uint64_t packets_queue_full;     /* of these, for want of room in its queues */
  uint64_t packets_held;           /* queued, or kept by a protocol */
  uint64_t cycles;
  uint64_t packets_rate_limited; /* of the dropped: over the rate of an incoming channel */
  uint64_t packets_refused;      /* that Send refused with AN_EQFULL or AN_EBANDWIDTH */
  uint64_t suspended;            /* 1: it, or its domain, is */
} an_ChanStats;

/* Each fills as much of `stats` as stats->size has room for.  Errors: AN_EINVAL, AN_EDEAD. */
int an_inchanGetStats(an_InChan c, an_ChanStats* stats);
int an_outchanGetStats(an_OutChan c, an_ChanStats* stats);
int an_cutchanGetStats(an_CutChan c, an_ChanStats* stats);

/* ---- Packets ------------------------------------------------------------------ */

/*
 * A packet is held by one domain, from the deliver function or from Alloc or Clone
 * until it is sent, freed or dropped.  After that its handle is dead: AN_EDEAD, until
 * the slot is used again.  Its bytes may be shared with other packets and lie in
 * several pieces.  (In this process a packet handle is not checked against invention,
 * only against reuse.)  Calls that take `an_Packet *` may have to replace the packet, and
 * then change the handle; those that make bytes writable copy what is shared, never
 * more than they were asked for.
 */

/* `length` bytes (0 .. 65535), all zero.  Errors: AN_ENOMEM (the pool is empty), AN_ELIMIT (its
 * principal may hold no more), AN_EINVAL, AN_EDEAD. */
an_Packet an_packetAlloc(an_Domain d, size_t length);
/* A packet with the same bytes, shared.  Errors: AN_ENOMEM, AN_ELIMIT, AN_EDEAD. */
an_Packet an_packetClone(an_Packet packet);
int an_packetFree(an_Packet packet);                       /* no longer wanted */
int an_packetDrop(an_Packet packet, an_DropReason reason); /* the same, and why */

/* `n` more bytes at the front; their contents are the caller's to write.  Returns the new
 * first byte; NULL: AN_ENOMEM, AN_ELIMIT, AN_EINVAL (more than fit in one piece; beyond 65535 bytes in
 * all), AN_EDEAD. */
void* an_packetPush(an_Packet* packet, size_t n);
/* `n` bytes less at the front; all of them may go.  Errors: AN_EINVAL (the packet is shorter),
 * AN_ENOMEM, AN_EDEAD. */
int an_packetPop(an_Packet* packet, size_t n);
/* `n` more bytes at the end, in one piece; theirs is the address that is returned.
 * NULL: as an_packetPush. */
void* an_packetAppend(an_Packet packet, size_t n);
/* Keeps the first `length` bytes.  Errors: AN_EINVAL (0, or longer than the packet). */
int an_packetTrim(an_Packet packet, size_t length);

/* The first `n` bytes in one piece and writable.  NULL: AN_EINVAL (the packet is shorter,
 * or n is above an_nodeInfo("packet_contiguous")), AN_ENOMEM, AN_EDEAD. */
void* an_packetGetData(an_Packet* packet, size_t n);
/* Bytes in the packet; 0, and AN_EDEAD, for a dead handle. */
size_t an_packetGetLength(an_Packet packet);

typedef struct an_Iov {
  const void* base;
  size_t length;
} an_Iov;
/* Where its bytes are, to be read: fills at most `max` pieces.  Returns how many pieces
 * there are.  `iov` may be NULL if `max` is 0.  Returns 0, with AN_EINVAL or AN_EDEAD in
 * an_errno(), where it fails. */
size_t an_packetGetIov(an_Packet packet, an_Iov* iov, size_t max);
/* Copies `n` bytes from `offset` on to `into`, however they lie.  Errors: AN_EINVAL (the packet
 * does not have them; `into` NULL for more than 0 bytes), AN_EDEAD. */
int an_packetRead(an_Packet packet, size_t offset, size_t n, void* into);

/* A packet as it lies, for EEs that care for speed.  Holds until a call changes the packet. */
typedef struct an_PacketView {
  unsigned char* front; /* its first piece; to be written only where `writable` is not 0 */
  uint32_t front_length;
  uint32_t length; /* of all its pieces */
  int writable;
} an_PacketView;
/* Views of packets from the front of an array.  Returns how many were described; if fewer than
 * `count`, an_errno() says what is wrong with the next.  Either array may be NULL if `count` is 0,
 * and else neither.  Errors: AN_EINVAL, AN_EDEAD. */
size_t an_packetGetViewVec(const an_Packet* packets, size_t count, an_PacketView* views);

typedef struct an_PacketMeta {
  size_t size;
  an_InChan channel;     /* that delivered it; NULL if it was made here */
  uint64_t timestamp_ns; /* the device's; 0 if it has none */
  char port[32];         /* the partner that it came in at, as in path texts; "" if made here */
} an_PacketMeta;
int an_packetGetMeta(an_Packet packet, an_PacketMeta* meta);

/* Takes the bytes of an attached packet back. */
typedef void (*an_ReleaseFunc)(void* arg);
/*
 * A packet over `length` (1 .. 65535) bytes of the caller's memory, which are not copied:
 * a mapped file, a cache, a buffer that is sent again and again.  `writable` 0: the node and
 * other domains read it, and copy what they must change; else they may write there too, as
 * long as no clone shares it.
 * A node in another process cannot see the memory: there the bytes are copied at once, and
 * release is called before an_packetAttach returns.  (an_nodeInfo("attach_copies"))
 * `release(arg)` is called once, when the last packet that shares the bytes was sent by its
 * device, freed or dropped, also if the domain ends first: it may outlive the domain, and the
 * EE's code and its static variables stay until then.  Until
 * then the bytes stay where they are, and are not changed.  It runs on the worker, or on the
 * control thread while the worker stands between rounds, in the middle of the node's own
 * work: it must not block, and makes no call of this interface but an_timeGet.  If the call fails, it is not
 * called. `mem` as of every create, with an_sizeof(AN_ATTACHED) bytes, which are the caller's again when
 * release is called.  NULL takes memory from the node's heap: not for every packet. Errors: AN_EINVAL (no
 * memory, no function, a length out of range, misaligned `mem`), AN_ENOMEM (the packet pool is empty),
 * AN_ELIMIT (the memory pool), AN_EDEAD.
 */
an_Packet an_packetAttach(void* mem, an_Domain d, void* bytes, size_t length, int writable,
                          an_ReleaseFunc release, void* arg);

/* ---- Memory pools -------------------------------------------------------------- */

/*
 * A memory pool joins the memory of one or more domains under one limit.  Charged to it are
 *   - pages: of an_mempoolAllocPages, and of its heaps;
 *   - what its domains have of the node: objects made with `mem` NULL, and the stacks of
 *     their threads;
 *   - packets that its domains hold: each piece of one fills a slot, whatever its length.
 * A call that asks for more than is left fails at once, with AN_ELIMIT.  What nobody asked
 * for (packets that arrive, a lower limit, a domain that joins) may take the pool over its
 * limit.  Then its overflow function is called, and if the pool is still over the limit
 * when the grace time has passed, all its domains end, with AN_TERM_VIOLATION.
 * Source: Snow on Silk 2.1; rule 7 of the NodeOS API (docs/nodeos-api.md).
 */

/* Asks for `bytes` to be given back within the grace time: packets freed, pages freed,
 * heaps or domains destroyed.  Runs on the control thread in the pool's own domain, never
 * inside another call, and may make every call, an_mempoolDestroy(pool) too. */
typedef void (*an_MemOverflowFunc)(an_MemPool pool, uint64_t bytes, void* arg);

/*
 * [control] A pool of `limit` bytes (1 or more).  It belongs to `d` and ends with it, and is
 * for d and its descendants; d itself does not join it by this.  `overflow` NULL: nobody is
 * asked.  `grace_ns` is of the node's clock; 0: until the overflow function returns, or, at
 * the latest, the worker's next round.
 * Errors: AN_EINVAL, AN_EDEAD, AN_ELIMIT.
 */
an_MemPool an_mempoolCreate(void* mem, an_Domain d, uint64_t limit, an_MemOverflowFunc overflow, void* arg,
                            uint64_t grace_ns);
/* [control] Its pages and heaps are unmapped; its domains have the node's memory again.
 * Errors: AN_EINVAL, AN_EDEAD. */
int an_mempoolDestroy(an_MemPool pool);
/* [control] Charges the domain to the pool, with what it has already.
 * Errors: AN_EPERM (not the pool's domain nor a descendant; the root domain), AN_EEXIST (it
 * has a pool), AN_EINVAL, AN_EDEAD. */
int an_mempoolAddDomain(an_MemPool pool, an_Domain d);
/* [control] The domain has the node's memory from now on; the pool's pages stay the pool's.
 * Errors: AN_ENOENT (not one of its domains), AN_EINVAL, AN_EDEAD. */
int an_mempoolRemoveDomain(an_MemPool pool, an_Domain d);
/* [control] Errors: AN_EINVAL (0), AN_EDEAD. */
int an_mempoolSetLimit(an_MemPool pool, uint64_t limit);
/* The pool of a domain.  NULL: AN_ENOENT (it has the node's memory), AN_EINVAL, AN_EDEAD. */
an_MemPool an_domainGetMemPool(an_Domain d);

/* Bytes, where nothing else is said.  used = pages + objects + packets. */
typedef struct an_MemPoolStats {
  size_t size;
  uint64_t limit;
  uint64_t used;
  uint64_t pages;
  uint64_t objects;   /* with the stacks of threads */
  uint64_t packets;   /* slots that packets held fill */
  uint64_t domains;   /* how many it joins */
  uint64_t refused;   /* calls that failed for its limit */
  uint64_t overflows; /* times that it went over its limit */
} an_MemPoolStats;
/* [any] Errors: AN_EINVAL, AN_EDEAD. */
int an_mempoolGetStats(an_MemPool pool, an_MemPoolStats* stats);

/* [any] `count` pages of an_nodeInfo("page_size") bytes in one piece, all zero.  They are the
 * pool's, whichever domain asked, and last until FreePages or the pool's end.  Enters the
 * kernel: not for every packet.
 * NULL: AN_ELIMIT (beyond the pool's limit), AN_ENOMEM (the system has none), AN_EINVAL
 * (none, or more than 1 TiB), AN_EDEAD. */
void* an_mempoolAllocPages(an_MemPool pool, size_t count);
/* [any] All pages of one AllocPages, named by the first.  Errors: AN_EINVAL (not such), AN_EDEAD. */
int an_mempoolFreePages(an_MemPool pool, void* pages);

/* ---- Heaps --------------------------------------------------------------------- */

/*
 * malloc over pages of a memory pool, taken as they are needed and given back when they are
 * empty.  A heap is for one thread at a time: share one under a mutex, or give each thread
 * its own.  On the worker, mind that a heap may have to enter the kernel for pages.
 */

/* [control] Belongs to the pool, and ends with it.  Errors: AN_EINVAL, AN_EDEAD, AN_ELIMIT. */
an_Heap an_heapCreate(void* mem, an_MemPool pool);
/* [control] All its blocks are gone, and its pages the pool's again. */
int an_heapDestroy(an_Heap heap);
/* [any] `size` bytes, aligned as by malloc; 0 is taken for 1.  Their contents are whatever is
 * there.  NULL: AN_ELIMIT (the pool's limit), AN_ENOMEM (the system's), AN_EINVAL, AN_EDEAD. */
void* an_heapAlloc(an_Heap heap, size_t size);
/* [any] The block with `size` bytes, here or elsewhere; what fits of its contents stays.
 * `block` NULL: as an_heapAlloc.  NULL comes back, and the block stays as it was: as
 * an_heapAlloc, and AN_EINVAL (not a block of this heap, or freed already). */
void* an_heapRealloc(an_Heap heap, void* block, size_t size);
/* [any] NULL is nothing to free.  Errors: AN_EINVAL (not a block of this heap, or freed
 * already: told by the heap's pages and by a seal in front of each block, so not for
 * certain once the memory is in use again), AN_EDEAD. */
int an_heapFree(an_Heap heap, void* block);

/* ---- Events and time ---------------------------------------------------------- */

typedef void (*an_EventFunc)(void* arg);

/*
 * Calls `f(arg)` in the domain, on the worker, `delay_ns` from now; then every `period_ns`
 * if that is not 0.  A call that comes late is not made up for.  The event of a one-shot
 * is dead from the moment that f is called.
 * Errors: AN_EINVAL, AN_EDEAD, AN_ELIMIT.  Takes a lock: not for every packet.
 */
an_Event an_eventSchedule(void* mem, an_Domain d, uint64_t delay_ns, uint64_t period_ns, an_EventFunc f,
                          void* arg);
/* When it returns, f is not running and will not be called; an event may cancel itself. */
int an_eventCancel(an_Event e);

typedef enum an_Clock AN_INT {
  AN_TIME_MONOTONIC = 1, /* the node's own clock; never goes back */
  AN_TIME_WALL           /* since 1970-01-01 UTC */
} an_Clock;
/* [any] Nanoseconds; 0, and AN_EINVAL, for a number that is no clock. */
uint64_t an_timeGet(an_Clock clock);
/* Nanoseconds between two readings that can differ. */
uint64_t an_timeGetRes(an_Clock clock);

/* ---- Files --------------------------------------------------------------------- */

/*
 * A domain sees the files beneath one folder of the node, its root, and nothing else.  The
 * domains of an EE share it: a domain has the root of its parent.
 *
 * Paths are relative to the root: "logs/today".  Bytes: 1 to 4095, a name at most 255, none
 * of them a control character (a line end in a name would deceive who reads a list).  ".."
 * and the symbolic links that the node's operator put there are followed as far as they stay
 * beneath the root; a path that leaves it, as "/etc" and ".." do, is AN_EPERM.
 *
 * The root has a quota, in bytes and in files (an_filesGetStats); what goes beyond it is
 * AN_ELIMIT, and nothing is changed then.  A file's bytes are its length, holes included.
 * Directories and links count as files of no bytes.  A file without a name counts until it is
 * closed.
 *
 * Threads: the control thread; calls of a domain's own threads are made there.  Every call
 * may wait for the disk, so from a deliver function or an event all fail with AN_ENOSYS.
 * Errors of all calls: AN_EINVAL (a handle or an argument; a name too long; a directory for a
 * file, or the reverse), AN_EDEAD, AN_ENOSYS (no files on this node: an_nodeInfo("files") is
 * 0), AN_ENOMEM, AN_EIO (the disk, or it is full).  Those of calls that take a path, too:
 * AN_ENOENT, AN_EPERM.
 * Source: Snow on Silk 2.1 (persistent storage; domain -> file name space M:1).
 */

/* What one call reads or writes, at most; an_nodeInfo("file_transfer"). */
#define AN_FILE_TRANSFER 65536

/* One of the first three, and any of the others. */
typedef enum an_OpenFlag AN_INT {
  AN_O_RDONLY = 0,
  AN_O_WRONLY = 1,
  AN_O_RDWR = 2,
  AN_O_CREAT = 4,  /* make the file if there is none */
  AN_O_EXCL = 8,   /* with AN_O_CREAT: fail with AN_EEXIST if there is one */
  AN_O_TRUNC = 16, /* to length 0; not with AN_O_RDONLY */
  AN_O_APPEND = 32 /* each an_write goes to the end */
} an_OpenFlag;

/*
 * Opens a regular file; never a device, pipe or socket (AN_EPERM), and never waits for one.
 * A new file is empty, and only the node's own user may read it.  The file is closed with the
 * domain at the latest.
 * Errors: AN_EEXIST, AN_ELIMIT (the quota of files; too many are open).
 */
an_File an_open(void* mem, an_Domain d, const char* path, int flags);
/* What was written is the file's, and on disk after an_fsync. */
int an_close(an_File f);

/*
 * Read and write from where the file stands, which moves on; the `p` calls from `offset`, and
 * it stays.  At most AN_FILE_TRANSFER bytes a call, so go on until all is done.  All return how
 * many bytes were moved, 0 at the end of the file, and -1 where it failed.  A write whose bytes
 * do not all fit the quota writes none; one past the end leaves a hole of zeros.
 * Errors: AN_EPERM (not opened for that), AN_EINVAL (offset below 0, or no file reaches
 * there), AN_ELIMIT.
 */
int64_t an_read(an_File f, void* into, size_t n);
int64_t an_write(an_File f, const void* from, size_t n);
int64_t an_pread(an_File f, void* into, size_t n, int64_t offset);
int64_t an_pwrite(an_File f, const void* from, size_t n, int64_t offset);

typedef enum an_Whence AN_INT { AN_SEEK_SET = 0, AN_SEEK_CUR, AN_SEEK_END } an_Whence;
/* Where it then stands, in bytes from the start; may be past the end.  -1: AN_EINVAL (before
 * the start). */
int64_t an_lseek(an_File f, int64_t offset, an_Whence whence);
/* The file's length becomes `length` bytes, by zeros or by a cut.  Errors: AN_EPERM (not opened
 * for writing), AN_ELIMIT. */
int an_ftruncate(an_File f, int64_t length);
/* Returns when what was written is on disk. */
int an_fsync(an_File f);

typedef enum an_FileType AN_INT { AN_FILE_REGULAR = 1, AN_FILE_DIRECTORY, AN_FILE_OTHER } an_FileType;
typedef struct an_FileStat {
  size_t size;
  an_FileType type;
  uint64_t length;      /* bytes; 0 unless it is regular */
  uint64_t modified_ns; /* since 1970-01-01 UTC */
} an_FileStat;
/* Fill as much of `stat` as stat->size has room for.  A link is followed. */
int an_fstat(an_File f, an_FileStat* stat);
int an_stat(an_Domain d, const char* path, an_FileStat* stat);

/* Errors: AN_EEXIST, AN_ELIMIT. */
int an_mkdir(an_Domain d, const char* path);
/* Errors: AN_EEXIST (not empty). */
int an_rmdir(an_Domain d, const char* path);
/* Takes the name away; the file too, unless it is open.  Of a link, the link. */
int an_unlink(an_Domain d, const char* path);
/* At one blow, in place of what `to` was: a file of a file, an empty directory of a directory.
 * Errors: AN_EEXIST (not empty), AN_EINVAL (into itself). */
int an_rename(an_Domain d, const char* from, const char* to);

typedef struct an_DirEntry {
  size_t size;
  an_FileType type; /* of a link: AN_FILE_OTHER */
  char name[256];
} an_DirEntry;
/* Opens a directory to list it; "." is the root.  It counts as an open file.  Errors: AN_ELIMIT. */
an_Dir an_opendir(void* mem, an_Domain d, const char* path);
/* The next entry, in no order, without "." and "..".  AN_ENOENT: there are no more.  Whether one
 * that came or went meanwhile is among them is open.  Errors: AN_EINVAL (entry->size is not
 * sizeof *entry). */
int an_readdir(an_Dir dir, an_DirEntry* entry);
int an_closedir(an_Dir dir);

typedef struct an_FilesStats {
  size_t size;
  uint64_t bytes, files; /* used, by all domains with this root */
  uint64_t open;         /* files and directories, now */
  uint64_t quota_bytes, quota_files;
  uint64_t quota_open;
} an_FilesStats;
/* Fills as much of `stats` as stats->size has room for. */
int an_filesGetStats(an_Domain d, an_FilesStats* stats);
/* ---- Thread pools --------------------------------------------------------------- */

/*
 * Each domain has one thread pool: what may run in its name, and what did.  It is no set of
 * idle threads.  What runs is
 *   - functions for packets and time: end to end on a worker, from the device through the
 *     path to the deliver function and out again, charged to the domain;
 *   - threads that the domain spawned, scheduled by the system.
 * Source: Snow on Silk 2.1, 2.4; rule 6 of the NodeOS API (docs/nodeos-api.md).
 */

/* How the worker chooses among domains.  an_nodeInfo("policy_edf") and so on say which
 * this node offers; one that it does not is refused with AN_ENOSYS. */
typedef enum an_SchedPolicy AN_INT {
  AN_SCHED_NODE = 0, /* "policy_node": the node's own; paths with work take turns */
  AN_SCHED_PRIORITY, /* "policy_priority": by `priority`, the larger first */
  AN_SCHED_EDF,      /* "policy_edf": earliest deadline first, by `period_ns` and `slice_ns` */
  AN_SCHED_WFQ,      /* "policy_wfq": by `weight` */
  AN_SCHED_BERT      /* "policy_bert": by `weight`, with deadlines, by `importance` */
} an_SchedPolicy;

typedef struct an_ThreadPoolSpecData {
  size_t size;
  an_SchedPolicy policy;
  uint32_t priority;
  uint32_t weight; /* 0: 1 */
  uint32_t importance;
  uint32_t max_threads; /* spawned and not joined, at once: 1 .. 1024; 0: 16 */
  uint64_t period_ns, slice_ns;
  /* How long the worker may be in the domain's functions at one go: for one Pvec, or one
   * event.  0: no limit; at most an hour.  See an_threadpoolSetSpec. */
  uint64_t longest_run_ns;
  size_t stack_size; /* of a spawned thread, in bytes: 64 KiB .. 64 MiB; 0: 1 MiB */
} an_ThreadPoolSpecData;

/* The pool has no life apart from its domain's, so the handle of the one is that of the other. */
typedef an_Domain an_ThreadPool;
/* NULL: AN_EINVAL, AN_EDEAD. */
an_ThreadPool an_domainGetThreadPool(an_Domain d);

/* Errors: AN_EINVAL, AN_EDEAD. */
int an_threadpoolGetSpec(an_ThreadPool pool, an_ThreadPoolSpecData* spec);
/*
 * [control] Threads that are there stay as they are.  NULL: the defaults.  Fields that the
 * policy does not name are kept, and change nothing.
 * A run beyond longest_run_ns (of the node's clock) is a violation.  The node cannot undo
 * a function in the midst of it: the worker stands still, with all other domains, until the
 * function returns.  Meanwhile the node's log says so.  When it returns, the run is counted
 * (an_ThreadPoolStats.overruns), nothing more of the domain is run on the worker, and the
 * control thread ends the domain, with AN_TERM_VIOLATION.
 * Errors: AN_ENOSYS (a policy that this node does not offer), AN_EINVAL, AN_EDEAD.
 */
int an_threadpoolSetSpec(an_ThreadPool pool, an_ThreadPoolSpec spec);

typedef struct an_ThreadPoolStats {
  size_t size;
  uint64_t threads;         /* spawned and not joined */
  uint64_t threads_spawned; /* ever */
  uint64_t thread_ns;       /* of the CPU, by threads that were spawned */
  uint64_t cycles;          /* of the CPU's cycle counter, by functions on the worker */
  uint64_t overruns;        /* runs beyond longest_run_ns */
} an_ThreadPoolStats;
/* [control] Errors: AN_EINVAL, AN_EDEAD. */
int an_threadpoolGetStats(an_ThreadPool pool, an_ThreadPoolStats* stats);

/* ---- Threads --------------------------------------------------------------------- */

/*
 * A thread of a domain is one of the system's.  It may block, in calls of its own too.
 * When its domain ends, it is told: whatever waits in a call of this interface returns
 * AN_EDEAD, so does every later call, and an_threadTestCancel says so to who computes.
 * The end of the domain waits for it, but for 2 seconds at most, with all that end together.  A
 * thread that has not returned by then goes on without the domain: the node's log says so, no call
 * serves it any more, and what it touches of the domain's memory is gone; the node cannot stop it,
 * as it shares the node's process.  The EE's code and its static variables stay for it.
 */
typedef void* (*an_ThreadFunc)(void* arg);

/* [control] A thread that runs f(arg), with the stack of the domain's thread pool.  The
 * handle lives until an_threadJoin, or the domain's end.
 * Errors: AN_ELIMIT (max_threads; the principal has all the threads that it may have; the memory
 * pool), AN_ENOMEM, AN_EINVAL (a NULL function), AN_EDEAD. */
an_Thread an_threadSpawn(void* mem, an_Domain d, an_ThreadFunc f, void* arg);
/* [any] The thread that calls; NULL if it is not one that a domain spawned. */
an_Thread an_threadSelf(void);
/* [any] AN_OK; AN_EDEAD when the domain of this thread has ended: return. */
int an_threadTestCancel(void);
/* Lets others run.  On the control thread: makes the calls that were handed to it.
 * Errors: AN_EDEAD, AN_ENOSYS (on the worker). */
int an_threadYield(void);
/* Waits `ns` of real time, at least.  On the control thread, which makes calls that are
 * handed to it meanwhile, it holds up the rest of the node's control.
 * Errors: AN_EDEAD (at once when the domain ends), AN_ENOSYS (on the worker). */
int an_threadSleep(uint64_t ns);
/* Ends the thread that calls, as if its function had returned `result`.  Returns only on
 * failure: AN_ENOSYS (not a thread that a domain spawned). */
int an_threadExit(void* result);
/* Waits until the thread has returned, and puts its result in *result unless that is NULL.
 * The handle is dead from then on.  On the control thread, as an_threadSleep.
 * Errors: AN_EDEAD (it was joined, or a domain ended, its or the caller's), AN_EEXIST
 * (another thread joins it), AN_EINVAL (itself; a detached one), AN_ENOSYS (on the worker). */
int an_threadJoin(an_Thread thread, void** result);
/* [control] Nobody will join it: it leaves nothing behind when it returns.
 * Errors: AN_EINVAL (detached already), AN_EDEAD. */
int an_threadDetach(an_Thread thread);

/* ---- Mutexes and conditions -------------------------------------------------------- */

/*
 * POSIX's, for threads, the control thread and, where it need not wait, the worker.  Who
 * waits longest is served first.  They belong to a domain; other domains may use them.
 * AN_EDEAD from a wait says that the object was destroyed, or the domain of the waiting
 * thread has ended; the caller then holds no mutex.
 */

/* [control] Errors: as of other creates. */
an_Mutex an_mutexCreate(void* mem, an_Domain d);
/* [control] Whoever waits for it gets AN_EDEAD. */
int an_mutexDestroy(an_Mutex m);
/* [any] but the worker, where it gives AN_ENOSYS.  On the control thread, as an_threadSleep.
 * Errors: AN_EINVAL (this thread holds it already), AN_EDEAD. */
int an_mutexLock(an_Mutex m);
/* [any] Errors: AN_EBUSY (somebody holds it, this thread too), AN_EDEAD, AN_EINVAL. */
int an_mutexTryLock(an_Mutex m);
/* [any] Errors: AN_EPERM (this thread does not hold it), AN_EDEAD, AN_EINVAL. */
int an_mutexUnlock(an_Mutex m);

/* [control] Errors: as of other creates. */
an_Cond an_condCreate(void* mem, an_Domain d);
/* [control] Whoever waits with it gets AN_EDEAD. */
int an_condDestroy(an_Cond c);
/* [any] but the worker (AN_ENOSYS).  Lets the mutex go and waits for a signal, in one step;
 * holds the mutex when it returns, but for AN_EDEAD.  It returns AN_OK only when signalled.
 * Errors: AN_EPERM (this thread does not hold the mutex), AN_EDEAD, AN_EINVAL. */
int an_condWait(an_Cond c, an_Mutex m);
/* The same for `timeout_ns` of real time at most: AN_ETIMEDOUT, and the mutex is held. */
int an_condTimedWait(an_Cond c, an_Mutex m, uint64_t timeout_ns);
/* [any] Wakes who has waited longest; nobody, if nobody waits.  Errors: AN_EDEAD, AN_EINVAL. */
int an_condSignal(an_Cond c);
/* [any] Wakes all who wait. */
int an_condBroadcast(an_Cond c);

/* ---- The node ----------------------------------------------------------------- */

/*
 * What this node offers, since not all offer the same:
 *   "api"                AN_VERSION
 *   "in_process"         1: the EE runs in the node's process
 *   "create_on_worker"   1: [control] calls may come from deliver functions
 *   "vector"             packets per vector delivery, at most
 *   "packet_contiguous"  bytes that an_packetGetData gives, at most
 *   "packet_headroom"    bytes that an_packetPush takes without copying, in a fresh packet
 *   "workers"            threads that run paths
 *   "files"              1: its domains have files
 *   "file_transfer"      bytes that one call reads or writes, at most
 *   "credentials"        1: an_credCreate
 *   "send_addresses"     1: an_sendaddrCreate and an_outchanSendTo
 *   "handoff"            1: an_inchanHandoff
 *   "connect"            1: an_cutchanConnect
 *   "exact_queues"       1: an_outchanSend knows what the channel's queue holds; 0: it may say
 *                        AN_EQFULL for what is only on its way there
 * (Where one is 0 the calls fail with AN_ENOSYS.)
 *   "attach_copies"      1: an_packetAttach copies
 *   "page_size"          bytes of a page (an_mempoolAllocPages)
 *   "policy_node", "policy_priority", "policy_edf", "policy_wfq", "policy_bert"
 *                        1: thread pools may be scheduled so
 * Errors: AN_ENOENT (no such feature), AN_EINVAL.
 */
int an_nodeInfo(const char* feature, uint64_t* value);

typedef enum an_LogLevel AN_INT { AN_LOG_DEBUG = 1, AN_LOG_INFO, AN_LOG_WARNING, AN_LOG_ERROR } an_LogLevel;
/* One line in the node's log, in the domain's name; what a terminal would obey in it is written as
 * "\x0a".  A domain that says more than 20 lines in a second loses the rest; how many is said with
 * the next.  Errors: AN_EINVAL, AN_EDEAD. */
int an_log(an_Domain d, an_LogLevel level, const char* text);

#ifdef __cplusplus
}
#endif

#endif /* WEFT_NODEOS_API_AN_H */
