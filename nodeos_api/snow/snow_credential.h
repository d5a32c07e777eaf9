// SPDX-License-Identifier: Apache-2.0
// SnowCredential: a credential that the node has recognised, as this process knows it.
//
// Threads: the control thread.
#pragma once

#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"
#include "nodeos_api/snow/snow_node.h"

namespace weft::snow {

class SnowCredential final : public Object<SnowCredential>, public CredKind {
 public:
  SnowCredential(SnowNode& node, const CredCreated& made)
      : node_(node), at_node_(made.handle), quota_(node.quota_of(made.bounds)) {}

  SnowNode& node() const { return node_; }
  uint64_t at_node() const { return at_node_; }
  // What of it this process keeps to.
  Quota& quota() const { return quota_; }
  void destroy();

 private:
  SnowNode& node_;
  const uint64_t at_node_;
  Quota& quota_;
};

}  // namespace weft::snow
