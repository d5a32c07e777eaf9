// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/geni_node.h"

namespace weft {

const bool kInProcess = true;

}  // namespace weft
