/* SPDX-License-Identifier: Apache-2.0
 *
 * DPDK's l3fwd (longest prefix match), in memory: bursts of mbufs from an array, checks
 * of RFC 1812 with the header checksum, rte_lpm, TTL, MACs, a tx buffer for each port.
 *
 *   dpdk_l3fwd FRAME PAGES ROUTES PATHS PACKETS fixed|fresh
 *
 * As bench_cut_through: prints "ready"; for each line read, one slice's
 * "NS_PER_PACKET CALIBRATION".
 */
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_lpm.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/ip4_frames.h"

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

static inline void forward(struct rte_mbuf* m) {
  struct rte_ether_hdr* eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr*);
  struct rte_ipv4_hdr* ip = (struct rte_ipv4_hdr*)(eth + 1);
  uint32_t hop;
  if (eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || !valid(ip, m->data_len - sizeof *eth) ||
      ip->time_to_live <= 1 || rte_lpm_lookup(lpm, rte_be_to_cpu_32(ip->dst_addr), &hop) != 0) {
    abort(); /* every frame here is one to be forwarded */
  }
  --ip->time_to_live;
  const uint32_t sum = ip->hdr_checksum + RTE_BE16(0x0100);
  ip->hdr_checksum = (uint16_t)(sum + (sum >> 16));
  memcpy(eth, &headers[hop], 12);
  transmit(hop, m);
}

static void forward_burst(struct rte_mbuf** burst, uint32_t n) {
  for (uint32_t i = 0; i < kPrefetchAhead && i < n; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst[i], void*));
  uint32_t i = 0;
  for (; i + kPrefetchAhead < n; ++i) {
    rte_prefetch0(rte_pktmbuf_mtod(burst[i + kPrefetchAhead], void*));
    forward(burst[i]);
  }
  for (; i < n; ++i) forward(burst[i]);
}

static void pass(uint32_t packets) {
  struct rte_mbuf* burst[kBurst];
  sent_count = 0;
  for (uint32_t i = 0; i < packets; i += kBurst) {
    memcpy(burst, received + i, sizeof burst); /* rte_eth_rx_burst */
    forward_burst(burst, kBurst);
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
  if (argc != 7) return 2;
  const uint32_t length = (uint32_t)atoi(argv[1]), routes = (uint32_t)atoi(argv[3]),
                 paths = (uint32_t)atoi(argv[4]);
  const uint32_t packets = (uint32_t)atoi(argv[5]);
  const int fresh = strcmp(argv[6], "fresh") == 0;
  start_eal(argv[0], strcmp(argv[2], "2M") == 0);

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
        write_frame(rte_pktmbuf_mtod(received[i], uint8_t*), length, routes, &random);
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
