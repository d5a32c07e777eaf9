// SPDX-License-Identifier: Apache-2.0
// IcmpLimit: how often the node speaks ICMP, by kind of message.
// (RFC 1812 section 4.3.2.8; RFC 4443 section 2.4 (f): token buckets.)
//
// Threads: the worker.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weft {

// Lets `burst` through at once and `per_second` on average.
class TokenBucket {
 public:
  // REQUIRES: 0 < burst <= 1'000'000.  per_second 0: no limit.
  constexpr TokenBucket(uint32_t per_second, uint32_t burst)
      : per_second_(per_second), full_(uint64_t{burst} * kToken), level_(full_) {}

  bool take(uint64_t now_ns) {
    if (per_second_ == 0) return true;
    // Longer than a second more is never needed to be told from full: no overflow.
    const uint64_t passed = std::min(now_ns - last_ns_, full_ / per_second_ + 1);
    last_ns_ = now_ns;
    level_ = std::min(full_, level_ + passed * per_second_);
    if (level_ < kToken) return false;
    level_ -= kToken;
    return true;
  }

 private:
  static constexpr uint64_t kToken = 1'000'000'000;  // one per second earns one unit per ns

  uint64_t per_second_;
  uint64_t full_;
  uint64_t level_;
  uint64_t last_ns_ = 0;
};

class IcmpLimit {
 public:
  enum Kind : uint8_t { kUnreachable, kTooBig, kTimeExceeded, kParameterProblem, kKinds };

  // Of each kind.  Linux's defaults for all kinds together.
  explicit IcmpLimit(uint32_t per_second = 1000, uint32_t burst = 50) { set(per_second, burst); }
  void set(uint32_t per_second, uint32_t burst) { buckets_.fill(TokenBucket(per_second, burst)); }

  // Whether one more message may leave now; it is then counted.
  bool allow(Kind kind, uint64_t now_ns) { return buckets_[kind].take(now_ns); }

 private:
  std::array<TokenBucket, kKinds> buckets_{TokenBucket(1000, 50), TokenBucket(1000, 50),
                                           TokenBucket(1000, 50), TokenBucket(1000, 50)};
};

}  // namespace weft
