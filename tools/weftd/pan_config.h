// SPDX-License-Identifier: Apache-2.0
// The config of the PAN node, in its own terms.
//
// Threads: plain functions.
#pragma once

#include "config/config.h"
#include "pan_ee/node_config.h"

namespace weft {

// Errors: kInvalid, naming an address that is none.
Result<pan::NodeConfig> pan_config(const PanConfig& config);

}  // namespace weft
