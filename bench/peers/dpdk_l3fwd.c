/* SPDX-License-Identifier: Apache-2.0
 *
 * DPDK's l3fwd (longest prefix match), in memory: bursts of mbufs from an array, checks
 * of RFC 1812 with the header checksum, rte_lpm, TTL, MACs, a tx buffer for each port.
 *
 *   dpdk_l3fwd FRAME PAGES ROUTES PATHS PACKETS fixed|fresh [OBJECTS]
 *
 * With OBJECTS, each packet carries a capsule of one of so many code objects, and DPDK's
 * rte_bpf evaluates it, compiled: found by the name in the capsule, it compares the
 * destination with the node's own address, and calls a function that sends.
 *
 * As bench_cut_through: prints "ready"; for each line read, one slice's
 * "NS_PER_PACKET CALIBRATION".
 */
#include <rte_bpf.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_lpm.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/capsule_frames.h"

enum { kIpHeaders = 14 + 20 }; /* a capsule stands right on IP */

enum { kBurst = 32, kPorts = 16, kPrefetchAhead = 8, kSliceNs = 500000 };

struct tx_buffer {
  uint32_t count;
  struct rte_mbuf* packets[kBurst];
};

static struct tx_buffer buffers[kPorts];
static struct rte_ether_hdr headers[kPorts]; /* of what leaves each port */
static struct rte_mbuf **sent, **received;
static uint32_t sent_count;
static struct rte_lpm* lpm;

/* --- capsules ------------------------------------------------------------------------------ */

struct object {
  uint8_t name[kCodeName];
  uint64_t (*run)(void*);
};
static struct object* objects; /* a table of hashed slots */
static uint32_t slots;
static uint8_t (*names)[kCodeName];
static uint64_t sent_to[2]; /* what the program that ran last said */

static uint64_t send_capsule(uint64_t word_0, uint64_t word_1, uint64_t a, uint64_t b, uint64_t c) {
  (void)a, (void)b, (void)c;
  sent_to[0] = word_0;
  sent_to[1] = word_1;
  return 1;
}

static uint32_t slot_of(const uint8_t* name) {
  uint32_t i;
  memcpy(&i, name + 1, sizeof i);
  return i & (slots - 1);
}

static inline const struct object* find_object(const uint8_t* name) {
  for (uint32_t i = slot_of(name);; i = (i + 1) & (slots - 1)) {
    if (memcmp(objects[i].name, name, kCodeName) == 0) return &objects[i];
    if (objects[i].run == NULL) return NULL;
  }
}

static uint64_t (*load_program(uint32_t number))(void*) {
  uint8_t here[16];
  uint64_t word[2];
  write_node(here, 255);
  memcpy(word, here, sizeof word);
  const struct ebpf_insn text[] = {
      {.code = BPF_LDX | BPF_MEM | EBPF_DW, .dst_reg = 2, .src_reg = 1, .off = kCapsuleHeader + 8},
      {.code = BPF_LDX | BPF_MEM | EBPF_DW, .dst_reg = 1, .src_reg = 1, .off = kCapsuleHeader},
      {.code = BPF_LD | BPF_IMM | EBPF_DW, .dst_reg = 3, .imm = (int32_t)word[0]},
      {.imm = (int32_t)(word[0] >> 32)},
      {.code = BPF_JMP | EBPF_JNE | BPF_X, .dst_reg = 1, .src_reg = 3, .off = 6},
      {.code = BPF_LD | BPF_IMM | EBPF_DW, .dst_reg = 3, .imm = (int32_t)word[1]},
      {.imm = (int32_t)(word[1] >> 32)},
      {.code = BPF_JMP | EBPF_JNE | BPF_X, .dst_reg = 2, .src_reg = 3, .off = 3},
      {.code = EBPF_ALU64 | EBPF_MOV | BPF_K, .dst_reg = 0, .imm = 0}, /* for this node */
      {.code = EBPF_ALU64 | EBPF_MOV | BPF_K, .dst_reg = 3, .imm = (int32_t)number},
      {.code = BPF_JMP | EBPF_EXIT},
      {.code = BPF_JMP | EBPF_CALL, .imm = 0},
      {.code = BPF_JMP | EBPF_EXIT},
  };
  const struct rte_bpf_arg word_argument = {.type = RTE_BPF_ARG_RAW, .size = 8};
  const struct rte_bpf_xsym symbol = {
      .name = "send",
      .type = RTE_BPF_XTYPE_FUNC,
      .func = {
          .val = send_capsule, .nb_args = 2, .args = {word_argument, word_argument}, .ret = word_argument}};
  const struct rte_bpf_prm parameters = {.ins = text,
                                         .nb_ins = RTE_DIM(text),
                                         .xsym = &symbol,
                                         .nb_xsym = 1,
                                         .prog_arg = {.type = RTE_BPF_ARG_PTR, .size = kCapsuleHeader + 16}};
  struct rte_bpf* loaded = rte_bpf_load(&parameters);
  struct rte_bpf_jit jit = {0};
  if (loaded == NULL || rte_bpf_get_jit(loaded, &jit) != 0 || jit.func == NULL) {
    fprintf(stderr, "dpdk_l3fwd: rte_bpf does not compile the program: %s\n", rte_strerror(rte_errno));
    exit(1);
  }
  return (uint64_t(*)(void*))jit.func;
}

static void load_objects(uint32_t count) {
  uint64_t random = 7;
  for (slots = 16; slots < 2 * count;) slots *= 2;
  objects = calloc(slots, sizeof *objects);
  names = calloc(count, sizeof *names);
  for (uint32_t n = 0; n < count; ++n) {
    names[n][0] = 1;
    for (int i = 1; i < kCodeName; ++i) names[n][i] = (uint8_t)next_random(&random);
    uint32_t at = slot_of(names[n]);
    while (objects[at].run != NULL) at = (at + 1) & (slots - 1);
    memcpy(objects[at].name, names[n], kCodeName);
    objects[at].run = load_program(n);
  }
}

/* Checks the capsule's header as a node does, evaluates it, and lowers its TTL. */
static inline void evaluate(uint8_t* capsule, uint32_t length) {
  const uint32_t its_length = rte_be_to_cpu_32(*(const uint32_t*)(capsule + 4));
  const struct object* object = find_object(capsule + kCapsuleName);
  if (capsule[0] != 1 || capsule[1] != 0 || its_length < kCapsuleHeader || its_length > length ||
      object == NULL || object->run(capsule) != 1) {
    abort();
  }
  const uint16_t ttl = rte_be_to_cpu_16(*(const uint16_t*)(capsule + 2));
  *(uint16_t*)(capsule + 2) = rte_cpu_to_be_16(ttl - 1);
}

/* --- forwarding ------------------------------------------------------------------------------ */

static void flush(struct tx_buffer* out) {
  memcpy(sent + sent_count, out->packets, out->count * sizeof out->packets[0]);
  sent_count += out->count;
  out->count = 0;
}

static inline void transmit(uint32_t port, struct rte_mbuf* m) {
  struct tx_buffer* out = &buffers[port];
  out->packets[out->count++] = m;
  if (out->count == kBurst) flush(out);
}

/* RFC 1812 section 5.2.2; l3fwd's is_valid_ipv4_pkt(), and the checksum. */
static inline int valid(const struct rte_ipv4_hdr* ip, uint32_t length) {
  if (length < sizeof *ip || ip->version_ihl != 0x45) return 0;
  if (rte_be_to_cpu_16(ip->total_length) < sizeof *ip || rte_be_to_cpu_16(ip->total_length) > length)
    return 0;
  return rte_raw_cksum(ip, sizeof *ip) == 0xffff;
}

static inline void forward(struct rte_mbuf* m, int active) {
  struct rte_ether_hdr* eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr*);
  struct rte_ipv4_hdr* ip = (struct rte_ipv4_hdr*)(eth + 1);
  uint32_t hop;
  if (eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || !valid(ip, m->data_len - sizeof *eth) ||
      ip->time_to_live <= 1 || rte_lpm_lookup(lpm, rte_be_to_cpu_32(ip->dst_addr), &hop) != 0) {
    abort(); /* every frame here is one to be forwarded */
  }
  if (active) evaluate((uint8_t*)(ip + 1), m->data_len - kIpHeaders);
  --ip->time_to_live;
  const uint32_t sum = ip->hdr_checksum + RTE_BE16(0x0100);
  ip->hdr_checksum = (uint16_t)(sum + (sum >> 16));
  memcpy(eth, &headers[hop], 12);
  transmit(hop, m);
}

static inline void prefetch(struct rte_mbuf* m, int active) {
  rte_prefetch0(rte_pktmbuf_mtod(m, void*));
  if (active) rte_prefetch0(rte_pktmbuf_mtod_offset(m, void*, 64));
}

static inline void forward_burst(struct rte_mbuf** burst, uint32_t n, int active) {
  for (uint32_t i = 0; i < kPrefetchAhead && i < n; ++i) prefetch(burst[i], active);
  uint32_t i = 0;
  for (; i + kPrefetchAhead < n; ++i) {
    prefetch(burst[i + kPrefetchAhead], active);
    forward(burst[i], active);
  }
  for (; i < n; ++i) forward(burst[i], active);
}

static void pass(uint32_t packets) {
  struct rte_mbuf* burst[kBurst];
  sent_count = 0;
  for (uint32_t i = 0; i < packets; i += kBurst) {
    memcpy(burst, received + i, sizeof burst); /* rte_eth_rx_burst */
    if (objects == NULL) {
      forward_burst(burst, kBurst, 0);
    } else {
      forward_burst(burst, kBurst, 1);
    }
  }
  for (int port = 0; port < kPorts; ++port) flush(&buffers[port]);
}

/* rte_lpm_add() takes time that grows with the square of the routes: the table is
 * filled as it would be. */
static void add_routes(uint32_t routes, uint32_t paths) {
  for (uint32_t i = 0; i < routes; ++i) {
    struct rte_lpm_tbl_entry* entry = &lpm->tbl24[route_prefix24(i, routes)];
    entry->next_hop = i % paths;
    entry->valid = 1;
    entry->valid_group = 0;
    entry->depth = 24;
  }
}

static void start_eal(const char* program, int huge) {
  char* const on_huge[] = {(char*)program,  "--in-memory", "--no-pci", "--no-telemetry",
                           "--log-level=1", "-l1",         NULL};
  char* const on_4k[] = {(char*)program,  "--no-shconf", "--no-pci",  "--no-telemetry",
                         "--log-level=1", "-l1",         "--no-huge", "-m",
                         "512",           NULL};
  if (rte_eal_init(huge ? 6 : 9, (char**)(huge ? on_huge : on_4k)) < 0) {
    fprintf(stderr, "dpdk_l3fwd: EAL does not start: %s\n", rte_strerror(rte_errno));
    exit(1);
  }
}

int main(int argc, char** argv) {
  if (argc != 7 && argc != 8) return 2;
  const uint32_t length = (uint32_t)atoi(argv[1]), routes = (uint32_t)atoi(argv[3]),
                 paths = (uint32_t)atoi(argv[4]);
  const uint32_t packets = (uint32_t)atoi(argv[5]);
  const int fresh = strcmp(argv[6], "fresh") == 0;
  const uint32_t capsules_of = argc == 8 ? (uint32_t)atoi(argv[7]) : 0;
  start_eal(argv[0], strcmp(argv[2], "2M") == 0);
  if (capsules_of > 0) load_objects(capsules_of);

  const struct rte_lpm_config config = {.max_rules = 1024, .number_tbl8s = 256};
  lpm = rte_lpm_create("routes", 0, &config);
  struct rte_mempool* pool = rte_pktmbuf_pool_create("packets", packets, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
  received = calloc(packets, sizeof *received);
  sent = calloc(packets, sizeof *sent);
  if (lpm == NULL || pool == NULL || rte_pktmbuf_alloc_bulk(pool, received, packets) != 0) {
    fprintf(stderr, "dpdk_l3fwd: no memory for it: %s\n", rte_strerror(rte_errno));
    return 1;
  }
  add_routes(routes, paths);
  for (uint8_t port = 0; port < kPorts; ++port) {
    headers[port].dst_addr = (struct rte_ether_addr){{2, 0, 0, 2, 0, port}};
    headers[port].src_addr = (struct rte_ether_addr){{2, 0, 0, 3, 0, port}};
  }
  uint64_t random = 1;
  for (uint32_t i = 0; i < packets; ++i) {
    received[i]->data_len = (uint16_t)length;
    received[i]->pkt_len = length;
    memset(rte_pktmbuf_mtod(received[i], void*), 0, length);
  }

  const double tsc = tsc_per_ns();
  puts("ready");
  fflush(stdout);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const uint64_t calibration = calibration_cycles();
    uint64_t spent = 0, forwarded = 0;
    for (int warm = 1; (double)spent < kSliceNs * tsc; warm = 0) {
      if (!fresh) random = 1;
      for (uint32_t i = 0; i < packets; ++i) {
        uint8_t* const frame = rte_pktmbuf_mtod(received[i], uint8_t*);
        write_frame(frame, length, routes, &random);
        if (capsules_of > 0)
          write_capsule(frame + kIpHeaders, length - kIpHeaders, (const uint8_t(*)[kCodeName])names,
                        capsules_of, &random);
      }
      const uint64_t from = __rdtsc();
      pass(packets);
      if (warm) continue;
      spent += __rdtsc() - from;
      forwarded += sent_count;
    }
    printf("%.3f %lu\n", (double)spent / tsc / (double)forwarded, calibration);
    fflush(stdout);
  }
  return 0;
}
