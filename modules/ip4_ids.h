// SPDX-License-Identifier: Apache-2.0
// Ip4Ids: identification numbers for the IPv4 packets that the node makes.
//
// A packet that may be fragmented must not share its number with another of the same
// source, destination and protocol that may still be on its way (RFC 6864 section
// 4.3).  So each flow counts on its own, from a number that nobody else can know
// (RFC 7739's reasoning, for IPv4).  Flows that share a counter only count faster.
//
// Threads: the worker.
#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "modules/ip4_header.h"

namespace weft {

class Ip4Ids {
 public:
  Ip4Ids() {
    std::random_device random;
    secret_ = (uint64_t{random()} << 32) | random();
    for (uint16_t& counter : counters_) counter = uint16_t(random());
  }

  // For the packet whose IP header, addresses and protocol filled in, stands at `h`.
  uint16_t next(const uint8_t* h) {
    uint64_t flow = (uint64_t{ip4::source(h)} << 32) | ip4::destination(h);
    flow = (flow ^ secret_ ^ h[ip4::kProtocol]) * 0x9e3779b97f4a7c15u;
    return counters_[(flow >> 48) % counters_.size()]++;
  }

 private:
  uint64_t secret_;
  std::array<uint16_t, 1024> counters_;
};

}  // namespace weft
