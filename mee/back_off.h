// SPDX-License-Identifier: Apache-2.0
// BackOff: how long to wait before an EE that ended is started again: 100 ms, then twice as
// long each time, at most 30 s; from the beginning once it has been well for 10 s.
//
// Threads: a plain value.
#pragma once

#include <cstdint>

namespace weft::mee {

class BackOff {
 public:
  static constexpr uint64_t kFirstNs = 100'000'000;
  static constexpr uint64_t kMostNs = 30'000'000'000;
  static constexpr uint64_t kWellNs = 10'000'000'000;

  // The wait in ns for an EE that ran for `ran_ns`.
  uint64_t next(uint64_t ran_ns);

 private:
  uint64_t wait_ns_ = 0;  // the last; 0: there was none
};

}  // namespace weft::mee
