// SPDX-License-Identifier: Apache-2.0
// Traffic for benchmarks of forwarders between two network namespaces.
//
// bench_traffic flood NETNS_A IF_A NETNS_B IF_B MACS SIZE SECONDS PID
//   sends UDP over IPv4 from A as fast as one core can, in frames of SIZE bytes, and
//   counts what arrives at IF_B.  Prints, for each slice of 20 ms: packets, nanoseconds
//   that passed, and nanoseconds that the process PID (the forwarder) ran.
// bench_traffic ping NETNS_A IF_A NETNS_B IF_B MACS SIZE COUNT
//   sends COUNT such frames, one at a time; B sends each back.  Prints the round-trip
//   times in nanoseconds, one a line.  Both ends are one thread that never sleeps, so
//   that nothing but the way between them is measured.
//
// MACS are what A and B send to, with a comma between.  A's host is 10.91.0.2, B's 10.92.0.2.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kBurst = 64, kFrameMax = 2048, kHeaders = ETH_HLEN + 20 + 8 };

static void die(const char* what) {
  fprintf(stderr, "bench_traffic: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void enter(const char* netns) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", netns);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) die(path);
  close(fd);
}

// A packet socket on `interface` of the present namespace; `mac` becomes the interface's.
static int packet_socket(const char* interface, uint8_t mac[6]) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
  int on = 1;
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  struct sockaddr_ll address = {.sll_family = AF_PACKET};
  address.sll_ifindex = (int)if_nametoindex(interface);
  struct ifreq request = {0};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (fd < 0 || bind(fd, (struct sockaddr*)&address, sizeof address) != 0 ||
      ioctl(fd, SIOCGIFHWADDR, &request) != 0) {
    die(interface);
  }
  memcpy(mac, request.ifr_hwaddr.sa_data, 6);
  return fd;
}

static void listen_to_ip(int fd, const char* interface) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
  address.sll_ifindex = (int)if_nametoindex(interface);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) die(interface);
}

static uint16_t ip_checksum(const uint8_t* header) {
  uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2) sum += (uint32_t)(header[i] << 8 | header[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t) ~(sum + (sum >> 16)));
}

static void make_frame(uint8_t* frame, size_t size, const uint8_t to[6], const uint8_t from[6],
                       const char* source, const char* destination) {
  memset(frame, 0, size);
  memcpy(frame, to, 6);
  memcpy(frame + 6, from, 6);
  frame[12] = 0x08;
  struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
  ip.tot_len = htons((uint16_t)(size - ETH_HLEN));
  ip.saddr = inet_addr(source);
  ip.daddr = inet_addr(destination);
  memcpy(frame + ETH_HLEN, &ip, sizeof ip);
  ip.check = ip_checksum(frame + ETH_HLEN);
  memcpy(frame + ETH_HLEN, &ip, sizeof ip);
  struct udphdr udp = {
      .source = htons(4000), .dest = htons(4001), .len = htons((uint16_t)(size - ETH_HLEN - 20))};
  memcpy(frame + ETH_HLEN + 20, &udp, sizeof udp);
}

// Packets that `interface` received so far, from an open /proc/net/dev.
static uint64_t received(int proc_net_dev, const char* interface) {
  char text[4096], name[IFNAMSIZ + 2];
  ssize_t n = pread(proc_net_dev, text, sizeof text - 1, 0);
  text[n < 0 ? 0 : n] = 0;
  snprintf(name, sizeof name, "%s:", interface);
  const char* at = strstr(text, name);
  unsigned long long bytes = 0, packets = 0;
  if (at == NULL || sscanf(at + strlen(name), "%llu %llu", &bytes, &packets) != 2) die("no counters");
  return packets;
}

static uint64_t cpu_ns(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) die("the forwarder ended");
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct sample {
  uint64_t packets, time, cpu;
};

static struct sample take(int proc_net_dev, const char* far, clockid_t forwarder) {
  return (struct sample){received(proc_net_dev, far), now_ns(), cpu_ns(forwarder)};
}

static void flood(int fd, const uint8_t* frame, size_t size, int proc_net_dev, const char* far,
                  double seconds, pid_t forwarder) {
  struct iovec vec = {(void*)frame, size};
  struct mmsghdr messages[kBurst];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < kBurst; i++) {
    messages[i].msg_hdr.msg_iov = &vec;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  clockid_t clock;
  if (clock_getcpuclockid(forwarder, &clock) != 0) die("no such forwarder");
  const uint64_t slice = 20000000u, warm_up = 20000000u;
  const uint64_t begin = now_ns(), end = begin + (uint64_t)(seconds * 1e9);
  struct sample last = take(proc_net_dev, far, clock);
  for (uint64_t now; (now = now_ns()) < end;) {
    if (now >= last.time + slice) {
      const struct sample s = take(proc_net_dev, far, clock);
      if (now > begin + warm_up) {
        printf("%llu %llu %llu\n", (unsigned long long)(s.packets - last.packets),
               (unsigned long long)(s.time - last.time), (unsigned long long)(s.cpu - last.cpu));
      }
      last = s;
    }
    sendmmsg(fd, messages, kBurst, MSG_DONTWAIT);
  }
}

// Waits for a frame of `size` with `number` behind its headers.
static int await(int fd, size_t size, uint32_t number) {
  static uint8_t got[kFrameMax];
  const uint64_t patience = now_ns() + 100000000u;
  while (now_ns() < patience) {
    if (recv(fd, got, sizeof got, MSG_DONTWAIT) == (ssize_t)size && memcmp(got + kHeaders, &number, 4) == 0)
      return 1;
  }
  return 0;
}

// A packet that is lost (a forwarder that another program keeps from running) is sent again.
static void ping(int near, int far, uint8_t* there, uint8_t* back, size_t size, long count) {
  int lost = 0;
  for (uint32_t i = 0; i < (uint32_t)count;) {
    memcpy(there + kHeaders, &i, 4);
    memcpy(back + kHeaders, &i, 4);
    const uint64_t start = now_ns();
    if (send(near, there, size, 0) < 0) die("send");
    if (await(far, size, i)) {
      if (send(far, back, size, 0) < 0) die("send");
      if (await(near, size, i)) {
        printf("%llu\n", (unsigned long long)(now_ns() - start));
        i++;
        continue;
      }
    }
    if (++lost == 10) die("packets do not come back");
  }
}

static int read_mac(const char* text, uint8_t mac[6]) {
  return text != NULL &&
         sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6;
}

int main(int argc, char** argv) {
  uint8_t frame[kFrameMax], back[kFrameMax], mac_a[6], mac_b[6], to_a[6], to_b[6];
  const int flooding = argc == 10 && strcmp(argv[1], "flood") == 0;
  const int pinging = argc == 9 && strcmp(argv[1], "ping") == 0;
  if (!flooding && !pinging) {
    fprintf(stderr, "usage: see the top of bench/traffic.c\n");
    return 2;
  }
  const char* comma = strchr(argv[6], ',');
  const size_t size = strtoul(argv[7], NULL, 10);
  if (!read_mac(argv[6], to_a) || comma == NULL || !read_mac(comma + 1, to_b) || size < kHeaders + 4 ||
      size > kFrameMax) {
    fprintf(stderr, "bench_traffic: not two MACs or not a size: %s %s\n", argv[6], argv[7]);
    return 2;
  }
  enter(argv[4]);
  int far = packet_socket(argv[5], mac_b);
  int counters = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
  if (pinging) listen_to_ip(far, argv[5]);
  enter(argv[2]);
  int near = packet_socket(argv[3], mac_a);
  if (pinging) listen_to_ip(near, argv[3]);
  make_frame(frame, size, to_a, mac_a, "10.91.0.2", "10.92.0.2");
  make_frame(back, size, to_b, mac_b, "10.92.0.2", "10.91.0.2");
  if (pinging) {
    ping(near, far, frame, back, size, atol(argv[8]));
  } else {
    flood(near, frame, size, counters, argv[5], atof(argv[8]), atoi(argv[9]));
  }
  return 0;
}
