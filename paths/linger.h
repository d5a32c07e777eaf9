// SPDX-License-Identifier: Apache-2.0
// Linger: how long a worker that finds nothing looks on before it sleeps.
//
// A sleep that was shorter than the longest look cost more than it saved: then it looks twice as
// long the next time.  Else it had looked in vain, and looks half as long.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weft {

class Linger {
 public:
  static constexpr uint64_t kLeastPart = 16;  // of the longest: the shortest

  explicit Linger(uint64_t longest_ns) : longest_ns_(longest_ns), ns_(longest_ns) {}

  uint64_t ns() const { return ns_; }
  void slept(uint64_t ns) {
    ns_ = ns < longest_ns_ ? std::min(longest_ns_, 2 * ns_) : std::max(longest_ns_ / kLeastPart, ns_ / 2);
  }

 private:
  const uint64_t longest_ns_;
  uint64_t ns_;
};

}  // namespace weft
