// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <ctime>

namespace weft {

uint64_t SystemClock::now_ns() const {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1'000'000'000u + uint64_t(t.tv_nsec);
}

}  // namespace weft
