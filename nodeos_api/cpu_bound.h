// SPDX-License-Identifier: Apache-2.0
// CpuBound: keeps what the domains of a principal use of the worker, paths, functions and copies
// together, to the principal's share of one CPU.
//
// What they use is known when it was used; so they run until they have used more than time has
// given them, and rest until it has given them that.  (Unused time is not kept.)  How far they
// run ahead is what they can use in one period.
//
// Threads: made and destroyed on the control thread; the rest on the worker.
// Time: nothing for each packet; a look at one account a hundred times in a second while they use
//   anything, ten times while they do not.
#pragma once

#include "nodeos_api/domain.h"
#include "nodeos_api/quota.h"
#include "paths/worker.h"

namespace weft {

class CpuBound final : private Timer {
 public:
  static constexpr uint64_t kPeriodNs = 10'000'000;
  static constexpr uint64_t kIdleNs = 100'000'000;

  // `root` is above all domains of the quota.  All outlive this; REQUIRES: limits().cpu != 0
  CpuBound(Worker& worker, Domain& root, Quota& quota);
  ~CpuBound() override;
  CpuBound(const CpuBound&) = delete;
  CpuBound& operator=(const CpuBound&) = delete;

 private:
  void fire(uint64_t now_ns) override;
  void tell(Domain& domain);

  Worker& worker_;
  Domain& root_;
  Quota& quota_;
  uint64_t at_ = cycles();  // when it was last looked at, and
  uint64_t used_ = 0;       // what had been used
  int64_t debt_ = 0;        // cycles beyond what time had given
};

}  // namespace weft
