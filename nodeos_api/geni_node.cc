// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/geni_node.h"

#include "nodeos_api/credential.h"

namespace weft {

const bool kInProcess = true;

GeniNode::~GeniNode() {
  end_domains();
  while (!credentials_.empty()) credentials_.back()->destroy();
}

}  // namespace weft
