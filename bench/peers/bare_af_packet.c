// SPDX-License-Identifier: Apache-2.0
// The peer `bare`: the simplest fast forwarder over packet sockets.  Two TPACKET_V2
// rings, MAC addresses rewritten in the frame, one sendmmsg per burst.  No checks.
//
// bare_af_packet IF0 IF1 MAC0 MAC1: a packet from one interface leaves by the other,
// to the MAC that stands for the host there.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { kFrame = 2048, kFrames = 2048, kBurst = 64, kSpins = 20000 };
struct port {
  int fd;
  char *ring, macs[12];
  unsigned at;
};

static int forward(struct port* in, struct port* out) {
  struct mmsghdr m[kBurst];
  struct iovec v[kBurst];
  struct tpacket2_hdr* h[kBurst];
  int n = 0;
  for (; n < kBurst; n++, in->at = (in->at + 1) % kFrames) {
    h[n] = (void*)(in->ring + in->at * kFrame);
    if (!(__atomic_load_n(&h[n]->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) break;
    v[n] = (struct iovec){(char*)h[n] + h[n]->tp_mac, h[n]->tp_snaplen};
    memcpy(v[n].iov_base, out->macs, 12);
    m[n].msg_hdr = (struct msghdr){.msg_iov = &v[n], .msg_iovlen = 1};
  }
  if (n > 0) sendmmsg(out->fd, m, n, MSG_DONTWAIT);
  for (int i = 0; i < n; i++) __atomic_store_n(&h[i]->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  return n;
}

int main(int argc, char** argv) {
  struct port p[2] = {0};
  for (int i = 0; i < 2 && argc == 5; i++) {
    int version = TPACKET_V2, on = 1;
    struct tpacket_req ring = {kFrame * 32, kFrames / 32, kFrame, kFrames};
    struct sockaddr_ll a = {AF_PACKET, htons(ETH_P_ALL), if_nametoindex(argv[1 + i])};
    struct ifreq r = {0};
    strncpy(r.ifr_name, argv[1 + i], IFNAMSIZ - 1);
    p[i].fd = socket(AF_PACKET, SOCK_RAW, 0);
    setsockopt(p[i].fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version);
    setsockopt(p[i].fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    if (setsockopt(p[i].fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring)) return perror("ring"), 1;
    p[i].ring = mmap(0, kFrame * kFrames, PROT_READ | PROT_WRITE, MAP_SHARED, p[i].fd, 0);
    if (p[i].ring == MAP_FAILED || ioctl(p[i].fd, SIOCGIFHWADDR, &r)) return perror("map"), 1;
    sscanf(argv[3 + i], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &p[i].macs[0], &p[i].macs[1], &p[i].macs[2],
           &p[i].macs[3], &p[i].macs[4], &p[i].macs[5]);
    memcpy(p[i].macs + 6, r.ifr_hwaddr.sa_data, 6);
    if (bind(p[i].fd, (void*)&a, sizeof a)) return perror("bind"), 1;
  }
  puts("ready");
  fflush(stdout);
  for (int idle = 0;;) {
    struct pollfd fds[2] = {{p[0].fd, POLLIN, 0}, {p[1].fd, POLLIN, 0}};
    if (forward(&p[0], &p[1]) + forward(&p[1], &p[0]) > 0)
      idle = 0;
    else if (++idle > kSpins)
      poll(fds, 2, -1);
  }
}
