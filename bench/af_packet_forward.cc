// SPDX-License-Identifier: Apache-2.0
// Two af_packet partners joined by a rewrite of the MAC addresses: what the driver
// costs without a node around it.
//
// bench_af_packet_forward IF0 IF1 MAC0 MAC1, as bench/peers/bare_af_packet.c.
#include <poll.h>

#include <cstdio>
#include <cstring>

#include "partner/af_packet.h"

using namespace weft;

namespace {

constexpr int kSpins = 20000;  // empty rounds before it sleeps

struct Port {
  std::unique_ptr<AfPacket> partner;
  Opening opening;
  std::array<uint8_t, 12> macs;  // of what leaves here: to the host, from us
  pollfd poll;
};

bool start(Port& port, const char* interface, const char* host, Pool& pool, Clock& clock) {
  auto made = AfPacket::create({.interface = interface}, pool, clock);
  if (!made) return std::fprintf(stderr, "%s\n", made.error().sentence.c_str()), false;
  port.partner = std::move(*made);
  const auto opened = port.partner->open("", nullptr, kNoOpening);
  if (!opened) return std::fprintf(stderr, "%s\n", opened.error().sentence.c_str()), false;
  port.opening = *opened;
  const auto about = info(*port.partner, port.opening);
  uint8_t* m = port.macs.data();
  if (std::sscanf(host, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
    return false;
  std::copy(about->mac.begin(), about->mac.end(), m + 6);
  port.poll = {about->poll_fd, POLLIN, 0};
  return true;
}

bool forward(Port& in, Port& out, Pvec& v) {
  in.partner->pull(in.opening, v, v.room());
  if (v.empty()) return false;
  for (Packet* p : v) std::memcpy(p->data, out.macs.data(), out.macs.size());
  out.partner->push(out.opening, v);
  static DropCounters refused;
  drop(v, DropReason::kPartnerRefused, refused);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  auto pool = Pool::create({});
  SystemClock clock;
  Port ports[2];
  if (argc != 5 || !pool) return 1;
  for (int i = 0; i < 2; ++i) {
    if (!start(ports[i], argv[1 + i], argv[3 + i], **pool, clock)) return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  Pvec v;
  for (int idle = 0;;) {
    const bool there = forward(ports[0], ports[1], v);
    const bool back = forward(ports[1], ports[0], v);
    if (there || back) {
      idle = 0;
    } else if (++idle > kSpins) {
      pollfd fds[2] = {ports[0].poll, ports[1].poll};
      ::poll(fds, 2, -1);
    }
  }
}
