// SPDX-License-Identifier: Apache-2.0
// What delivery to a vector function of an EE in the node's process costs, and the path alone.
// Prints both, ns per packet of 64 bytes: "CHANNEL PATH".
#include <spdlog/sinks/null_sink.h>

#include <cstdio>

#include "bench/memory_partner.h"
#include "bench/snow.h"
#include "modules/flow.h"
#include "nodeos_api/geni_node.h"
#include "paths/policy_round_robin.h"

using namespace weft;
using namespace weft::bench;

namespace {

constexpr size_t kPackets = 2048, kSlices = 400;

struct Kept {
  an_Packet packets[kPackets];
  size_t count = 0;
};
void keep(void* arg, an_Packet* packets, size_t n) {
  auto* kept = static_cast<Kept*>(arg);
  std::copy_n(packets, n, kept->packets + kept->count);
  kept->count += n;
}

class Bench {
 public:
  Bench() {
    PartnerInfo info;
    info.link = Link::kRaw;
    from_.emplace(info, kPackets);
    to_.emplace(info, kPackets);
    if (!geni_.add_port("in", *from_, Opening{0})) std::abort();
    packets_.resize(kPackets);
    for (Packet*& p : packets_) p = nullptr;
  }

  // The time that all packets take to their end.
  double pass() {
    for (Packet*& p : packets_) {
      p = pool_->alloc().release();
      p->length = 64;
    }
    from_->will_give(packets_);
    const uint64_t start = now_ns();
    while (!from_->gave_all()) worker_.round();
    worker_.round();
    return double(now_ns() - start) / kPackets;
  }

  double channel() {
    static Kept kept;
    GeniNode node({geni_, worker_, *pool_, clock_, log_});
    an_Domain domain =
        an_domainCreate(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    an_InChan in = an_inchanCreate(nullptr, domain, nullptr, "in", nullptr, nullptr, nullptr, nullptr);
    an_inchanSetVector(in, keep, &kept);
    an_inchanResume(in);
    return slices([&] {
      if (kept.count != kPackets) std::abort();
      for (an_Packet p : kept.packets) an_packetFree(p);
      kept.count = 0;
    });
  }

  double path() {
    const Opening path = *geni_.open_path("in", &*to_, Opening{0}, {});
    const double result = slices([&] {
      if (to_->take() != kPackets) std::abort();
      for (Packet* p : packets_) Pool::free(p);
    });
    geni_.close(path);
    return result;
  }

 private:
  template <typename Check>
  double slices(Check check) {
    std::vector<double> taken;
    for (size_t i = 0; i < kSlices; ++i) {
      taken.push_back(pass());
      check();
    }
    return percentile_20(taken);
  }

  SystemClock clock_;
  std::unique_ptr<Pool> pool_ = *Pool::create({.packets = 2 * kPackets});
  std::optional<Memory> from_, to_;
  Fib fib_;
  FlowReader reader_;
  Demux demux_{fib_, reader_, *pool_};
  Worker worker_{{}, clock_, std::make_unique<RoundRobin>()};
  Geni geni_{worker_, demux_, {}, {}};
  Logger log_{"bench", std::make_shared<spdlog::sinks::null_sink_mt>()};
  std::vector<Packet*> packets_;
};

}  // namespace

int main() {
  stay_on(1);
  Bench bench;
  const double channel = bench.channel(), path = bench.path();
  std::printf("%.2f %.2f\n", channel, path);
  return 0;
}
