// SPDX-License-Identifier: Apache-2.0
// What the programs of bench/snow.py share.
//
// Threads: pure functions.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace weft::bench {

inline uint64_t now_ns() { return uint64_t(std::chrono::steady_clock::now().time_since_epoch().count()); }

// This thread, and those that it makes, stay on one CPU.
inline void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(size_t(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

// The figure of all benchmarks here: one slice in five was faster.
inline double percentile_20(std::vector<double> slices) {
  if (slices.empty()) return 0;
  const auto at = slices.begin() + ptrdiff_t(slices.size() / 5);
  std::nth_element(slices.begin(), at, slices.end());
  return *at;
}

}  // namespace weft::bench
