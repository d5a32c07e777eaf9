// SPDX-License-Identifier: Apache-2.0
// Quota: what one principal may have of the node, and what it has.
//
// All domains that showed its credentials, and their descendants that showed none, draw on
// one quota.  A reservation (a domain, a channel, its queues, its rate) is admitted whole or
// refused with what is left; what flows (packets held, bits sent) is stopped at the bound.
// (Snow on Silk 2.1; nodeos-api: resources follow from the credentials.)
//
// Threads: reservations on the control thread; the meter and the slots on the worker.
// Invariants: what was admitted is given back by the same object, so that a quota without
//   domains has nothing reserved.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/counter.h"
#include "base/result.h"
#include "partner/packet.h"
#include "paths/account.h"
#include "paths/rate_meter.h"

namespace weft {

// 0: without bound, but for the priority.
struct QuotaLimits {
  uint64_t memory = 0;     // bytes, of the packet pool: held by the domains, and places in queues
  uint64_t bandwidth = 0;  // bits per second, of all outgoing channels together
  uint32_t domains = 0;
  uint32_t channels = 0;
  uint32_t threads = 0;   // of the domains, in this process
  uint32_t priority = 0;  // the highest that a channel may ask for
  uint32_t cpu = 0;       // percent of one CPU, on the worker
};

// What a channel takes of a quota for as long as it is open.
struct Reservation {
  uint64_t slots = 0;      // of the pool: places in its queues
  uint64_t bandwidth = 0;  // bits per second
};

// Held for each thread.  It is given back on whatever thread that may be, and after the quota if
// the thread outlives the node.
using ThreadPlace = std::shared_ptr<const void>;

class Quota {
 public:
  Quota(std::string name, const QuotaLimits& limits, uint64_t now_ns);

  const std::string& name() const { return name_; }
  const QuotaLimits& limits() const { return limits_; }

  // Errors: kLimit.
  Result<void> admit_domain();
  void release_domain() { --domains_; }
  // Errors: kLimit.
  Result<ThreadPlace> admit_thread();
  // Errors: kLimit (too many channels), kAdmission (what it reserves is not left),
  // kPermission (the priority).
  Result<void> admit_channel(const Reservation& wanted, unsigned priority);
  void release_channel(const Reservation& had);
  // Slots of the packet pool that it might still have.
  uint64_t slots_left() const {
    if (limits_.memory == 0) return UINT64_MAX;
    const uint64_t used = slots_held() * Packet::kStride + reserved_memory();
    return (limits_.memory - std::min(used, limits_.memory)) / Packet::kStride;
  }
  // The packets of a process of its own (Snow).  REQUIRES: slots <= slots_left()
  void reserve_slots(uint64_t slots) { slots_reserved_ += slots; }
  void release_slots(uint64_t slots) { slots_reserved_ -= slots; }
  uint32_t domains() const { return domains_; }
  uint32_t channels() const { return channels_; }
  uint32_t threads() const { return threads_->load(std::memory_order_relaxed); }
  uint64_t reserved_memory() const { return slots_reserved_ * Packet::kStride; }
  uint64_t reserved_bandwidth() const { return bandwidth_reserved_; }

  // Slots of the pool in the hands of its domains.  Read from any thread.
  uint64_t slots_held() const { return slots_held_.value(); }
  bool may_hold(uint64_t more) const {
    return limits_.memory == 0 ||
           (slots_held() + more) * Packet::kStride + reserved_memory() <= limits_.memory;
  }
  void hold(uint64_t slots) { slots_held_.add(slots); }
  void let_go(uint64_t slots) { slots_held_.set(slots_held() - slots); }

  // What all its domains have used.
  Account& account() { return account_; }
  // Whether they have used more of the CPU than is theirs until now; then nothing of them runs.
  // On the worker.
  bool over_cpu() const { return over_cpu_; }
  void set_over_cpu(bool over) { over_cpu_ = over; }

  // The rate of all its outgoing channels together; null: without bound.
  RateMeter* meter() { return meter_ ? &*meter_ : nullptr; }

 private:
  std::string name_;
  QuotaLimits limits_;
  uint32_t domains_ = 0, channels_ = 0;
  std::shared_ptr<std::atomic<uint32_t>> threads_ = std::make_shared<std::atomic<uint32_t>>(0);
  uint64_t slots_reserved_ = 0, bandwidth_reserved_ = 0;
  Counter slots_held_;
  Account account_;
  bool over_cpu_ = false;
  std::optional<RateMeter> meter_;
};

}  // namespace weft
