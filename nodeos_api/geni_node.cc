// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/geni_node.h"

#include "nodeos_api/credential.h"

namespace weft {

GeniNode::~GeniNode() {
  end_domains();
  while (!credentials_.empty()) credentials_.back()->destroy();
}

}  // namespace weft

extern "C" int an_nodeInfo(const char* feature, uint64_t* value) {
  return weft::node_info(feature, value, true);
}
