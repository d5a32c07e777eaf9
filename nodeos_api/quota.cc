// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/quota.h"

#include <algorithm>

namespace weft {

namespace {

constexpr uint32_t kLargestPacket = 65535;

// What the rate gives in a tenth of a second, but at least two of the largest packets.
Tspec shared_rate(uint64_t bandwidth) {
  return {.rate = bandwidth,
          .burst = std::clamp<uint64_t>(bandwidth / 80, 2 * kLargestPacket, Tspec::kMaxBurst)};
}

}  // namespace

Quota::Quota(std::string name, const QuotaLimits& limits, uint64_t now_ns)
    : name_(std::move(name)), limits_(limits) {
  if (limits_.cpu != 0) account_.set_bounded();
  if (limits_.bandwidth != 0) meter_.emplace(shared_rate(limits_.bandwidth), now_ns);
}

Result<void> Quota::admit_domain() {
  if (limits_.domains != 0 && domains_ >= limits_.domains) {
    return Error{Code::kLimit, "principal '" + name_ + "' has all the " + std::to_string(limits_.domains) +
                                   " domains that it may have"};
  }
  ++domains_;
  return {};
}

Result<ThreadPlace> Quota::admit_thread() {
  if (limits_.threads != 0 && threads() >= limits_.threads) {
    return Error{Code::kLimit, "principal '" + name_ + "' has all the " + std::to_string(limits_.threads) +
                                   " threads that it may have"};
  }
  threads_->fetch_add(1, std::memory_order_relaxed);
  return ThreadPlace(nullptr,
                     [taken = threads_](const void*) { taken->fetch_sub(1, std::memory_order_relaxed); });
}

Result<void> Quota::admit_channel(const Reservation& wanted, unsigned priority) {
  const std::string who = "principal '" + name_ + "' ";
  if (priority > limits_.priority) {
    return Error{Code::kPermission, who + "may have priority " + std::to_string(limits_.priority) + ", not " +
                                        std::to_string(priority)};
  }
  if (limits_.channels != 0 && channels_ >= limits_.channels) {
    return Error{Code::kLimit,
                 who + "has all the " + std::to_string(limits_.channels) + " channels that it may have"};
  }
  if (limits_.memory != 0 && !may_hold(wanted.slots)) {
    const uint64_t used = slots_held() * Packet::kStride + reserved_memory();
    return Error{Code::kAdmission, who + "has " +
                                       std::to_string(limits_.memory - std::min(used, limits_.memory)) +
                                       " bytes of memory left; the channel's queues want " +
                                       std::to_string(wanted.slots * Packet::kStride)};
  }
  if (limits_.bandwidth != 0 && wanted.bandwidth > limits_.bandwidth - bandwidth_reserved_) {
    return Error{Code::kAdmission, who + "has " + std::to_string(limits_.bandwidth - bandwidth_reserved_) +
                                       " bit/s left; the channel wants " + std::to_string(wanted.bandwidth)};
  }
  ++channels_;
  slots_reserved_ += wanted.slots;
  bandwidth_reserved_ += wanted.bandwidth;
  return {};
}

void Quota::release_channel(const Reservation& had) {
  --channels_;
  slots_reserved_ -= had.slots;
  bandwidth_reserved_ -= had.bandwidth;
}

}  // namespace weft
