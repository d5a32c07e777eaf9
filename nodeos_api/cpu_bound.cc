// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/cpu_bound.h"

#include <algorithm>

namespace weft {

CpuBound::CpuBound(Worker& worker, Domain& root, Quota& quota) : worker_(worker), root_(root), quota_(quota) {
  worker_.call([this] { worker_.timers().arm(*this, worker_.now_ns() + kPeriodNs); });
}

CpuBound::~CpuBound() {
  worker_.call([this] { worker_.timers().cancel(*this); });
}

void CpuBound::fire(uint64_t now_ns) {
  const uint64_t now = cycles(), used = quota_.account().cycles();
  const auto given = int64_t((now - at_) / 100 * quota_.limits().cpu);
  const auto taken = int64_t(used - used_);
  debt_ = std::max<int64_t>(debt_ + taken - given, 0);
  at_ = now;
  used_ = used;
  const bool over = debt_ > 0;
  if (over != quota_.over_cpu()) {
    quota_.set_over_cpu(over);
    tell(root_);
  }
  worker_.timers().arm(*this, now_ns + (over || taken > 0 ? kPeriodNs : kIdleNs));
}

void CpuBound::tell(Domain& domain) {
  if (domain.quota() == &quota_) domain.pause_changed();
  for (Domain* child : domain.children()) tell(*child);
}

}  // namespace weft
