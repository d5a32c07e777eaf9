// SPDX-License-Identifier: Apache-2.0
#include "mee/back_off.h"

#include <algorithm>

namespace weft::mee {

uint64_t BackOff::next(uint64_t ran_ns) {
  if (ran_ns >= kWellNs) wait_ns_ = 0;
  wait_ns_ = wait_ns_ == 0 ? kFirstNs : std::min(2 * wait_ns_, kMostNs);
  return wait_ns_;
}

}  // namespace weft::mee
