// SPDX-License-Identifier: Apache-2.0
// Reads [partner.NAME] and [wire.NAME].
//
// Threads: plain functions.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/table_reader.h"

namespace weft {

std::vector<PartnerConfig> read_partners(TableReader& root);
std::vector<WireConfig> read_wires(TableReader& root);

}  // namespace weft
