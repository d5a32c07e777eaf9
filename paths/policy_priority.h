// SPDX-License-Identifier: Apache-2.0
// Priority: the ready paths of the highest level, in turn, one Pvec each.
//
// A level waits while a higher one has something to do, so who may ask for a high one is
// a matter of what its principal may have (nodeos_api/principal.h).
#pragma once

#include <array>
#include <bit>

#include "paths/policy_round_robin.h"

namespace weft {

class Priority final : public Policy {
 public:
  const char* name() const override { return "priority"; }
  void ready(Path& path) override {
    levels_[path.priority()].ready(path);
    waiting_ |= 1u << path.priority();
  }
  Path* pick(uint64_t now_ns) override {
    while (waiting_ != 0) {
      const auto level = unsigned(std::bit_width(waiting_)) - 1;
      if (Path* path = levels_[level].pick(now_ns)) return path;
      waiting_ &= ~(1u << level);
    }
    return nullptr;
  }
  void remove(Path& path) override { levels_[path.priority()].remove(path); }

 private:
  std::array<RoundRobin, Path::kPriorities> levels_;
  uint32_t waiting_ = 0;  // a bit for each level that may have a ready path
};

}  // namespace weft
