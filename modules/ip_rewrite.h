// SPDX-License-Identifier: Apache-2.0
// IpRewrite: the ip stage on the far side of a path that forwards: sets the TTL and
// TOS that its attributes name.
//
// Threads: the path's worker.
#pragma once

#include <optional>

#include "modules/host.h"
#include "paths/stage.h"

namespace weft {

class IpRewrite final : public Stage {
 public:
  IpRewrite(IpNode& node, std::optional<uint32_t> ttl, std::optional<uint32_t> tos)
      : node_(node), ttl_(ttl), tos_(tos) {}

  void deliver(Dir dir, Pvec& v) override;

 private:
  IpNode& node_;
  std::optional<uint32_t> ttl_, tos_;
};

}  // namespace weft
