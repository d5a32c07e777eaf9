// SPDX-License-Identifier: Apache-2.0
// The EE of bench/snow.py: joins the node whose socket it was handed (bench_snow_node) and
// prints the nanoseconds of each packet.
//
//   bench_snow rtt LENGTH        a packet goes to the node's port "echo" and comes back
//   bench_snow oneway LENGTH     vectors that come from the node's port "source" are freed
#include "bench/snow.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "nodeos_api/an_snow.h"

using namespace weft::bench;

namespace {

constexpr size_t kSlices = 1000;

struct Meter {
  an_OutChan out = nullptr;
  an_Domain domain = nullptr;
  size_t length = 0;
  size_t in_slice = 0;  // packets
  size_t seen = 0;
  uint64_t since = 0;
  std::vector<double> slices;

  void count(size_t n) {
    seen += n;
    if (seen < in_slice) return;
    const uint64_t now = now_ns();
    if (since != 0 && slices.size() < kSlices) slices.push_back(double(now - since) / double(seen));
    since = now;
    seen = 0;
  }
};

void send_back(void* arg, an_Packet* packets, size_t n) {
  auto* meter = static_cast<Meter*>(arg);
  meter->count(n);
  const size_t sent = an_outchanSendVec(meter->out, packets, n);
  for (size_t i = sent; i < n; ++i) an_packetFree(packets[i]);
}

void free_all(void* arg, an_Packet* packets, size_t n) {
  static_cast<Meter*>(arg)->count(n);
  for (size_t i = 0; i < n; ++i) an_packetFree(packets[i]);
}

void send_first(void* arg) {
  auto* meter = static_cast<Meter*>(arg);
  an_Packet packet = an_packetAlloc(meter->domain, meter->length);
  if (an_outchanSend(meter->out, packet) != AN_OK) std::abort();
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench_snow: %s: %s\n", what, an_errtext());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const bool rtt = std::strcmp(argv[1], "rtt") == 0;
  stay_on(1);
  an_snowSpin(1);
  if (an_snowConnect(nullptr) != AN_OK) fail("connect");
  static Meter meter;
  meter.length = std::stoul(argv[2]);
  meter.in_slice = rtt ? 500 : 64 * 100;
  meter.domain =
      an_domainCreate(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  const char* port = rtt ? "echo" : "source";
  an_InChan in = an_inchanCreate(nullptr, meter.domain, nullptr, port, nullptr, nullptr, nullptr, nullptr);
  if (in == nullptr || an_inchanSetVector(in, rtt ? send_back : free_all, &meter) != AN_OK) fail("channel");
  meter.out = an_outchanCreate(nullptr, meter.domain, "echo", nullptr, nullptr);
  if (an_inchanResume(in) != AN_OK) fail("resume");
  if (rtt) an_eventSchedule(nullptr, meter.domain, 0, 0, send_first, &meter);
  an_snowRun(2000);
  an_inchanSuspend(in);
  if (meter.slices.size() < kSlices / 10) fail("too few packets came");
  std::printf("%.1f\n", percentile_20(meter.slices));
  an_snowDisconnect();
  return 0;
}
