// SPDX-License-Identifier: Apache-2.0
// Round robin: the ready paths in turn, one Pvec each.
#pragma once

#include "paths/policy.h"

namespace weft {

class RoundRobin final : public Policy {
 public:
  const char* name() const override { return "round-robin"; }
  void ready(Path& path) override { queue_.push_back(path); }
  Path* pick(uint64_t) override {
    if (queue_.empty()) return nullptr;
    Path& path = queue_.front();
    queue_.pop_front();
    return &path;
  }
  void remove(Path& path) override {
    if (path.run_hook.is_linked()) queue_.erase(queue_.iterator_to(path));
  }

 private:
  boost::intrusive::list<Path, boost::intrusive::member_hook<Path, Path::Hook, &Path::run_hook>,
                         boost::intrusive::constant_time_size<false>>
      queue_;
};

}  // namespace weft
