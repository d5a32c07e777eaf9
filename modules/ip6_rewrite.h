// SPDX-License-Identifier: Apache-2.0
// Ip6Rewrite: the ip6 stage on the far side of a path that forwards: sets the hop limit
// and traffic class that its attributes name.
//
// Threads: the path's worker.
#pragma once

#include <optional>

#include "modules/host.h"
#include "paths/stage.h"

namespace weft {

class Ip6Rewrite final : public Stage {
 public:
  Ip6Rewrite(IpNode& node, std::optional<uint32_t> hop, std::optional<uint32_t> traffic_class)
      : node_(node), hop_(hop), class_(traffic_class) {}

  void deliver(Dir dir, Pvec& v) override;

 private:
  IpNode& node_;
  std::optional<uint32_t> hop_, class_;
};

}  // namespace weft
