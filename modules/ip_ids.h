// SPDX-License-Identifier: Apache-2.0
// IpIds: identification numbers for the IPv4 packets, and the fragmented IPv6 packets,
// that the node makes.
//
// A packet that may be fragmented must not share its number with another of the same
// source, destination and protocol that may still be on its way (RFC 6864 section
// 4.3; RFC 8200 section 4.5).  So each flow counts on its own, from a number that nobody
// else can know (RFC 7739).  Flows that share a counter only count faster.
//
// Threads: the worker.
#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "modules/ip4_header.h"
#include "modules/ip6_header.h"

namespace weft {

class IpIds {
 public:
  IpIds() {
    std::random_device random;
    secret_ = (uint64_t{random()} << 32) | random();
    for (uint32_t& counter : counters_) counter = random();
  }

  // For the packet whose IPv4 header, addresses and protocol filled in, stands at `h`.
  uint16_t next4(const uint8_t* h) {
    const uint64_t flow = (uint64_t{ip4::source(h)} << 32) | ip4::destination(h);
    return uint16_t(counter(flow ^ h[ip4::kProtocol])++);
  }
  // For the packet whose IPv6 header, addresses filled in, stands at `h`.
  uint32_t next6(const uint8_t* h) {
    uint64_t flow = 0;
    for (size_t at = ip6::kSource; at < ip6::kHeader; at += 8) flow = mix(flow ^ load<uint64_t>(h + at));
    return counter(flow)++;
  }

 private:
  static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;
  static uint64_t mix(uint64_t x) { return (x ^ x >> 32) * kOdd; }
  uint32_t& counter(uint64_t flow) { return counters_[((flow ^ secret_) * kOdd >> 48) % counters_.size()]; }

  uint64_t secret_;
  std::array<uint32_t, 1024> counters_;
};

}  // namespace weft
