// SPDX-License-Identifier: Apache-2.0
// Reads [ee.NAME].
//
// Threads: plain functions.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/table_reader.h"

namespace weft {

std::vector<EeConfig> read_ees(TableReader& root);

}  // namespace weft
