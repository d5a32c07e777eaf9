// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/geni_node.h"

extern "C" int an_nodeInfo(const char* feature, uint64_t* value) {
  return weft::node_info(feature, value, true);
}
