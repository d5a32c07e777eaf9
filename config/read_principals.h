// SPDX-License-Identifier: Apache-2.0
// Reads the tables [principal.NAME].
//
// Threads: plain functions.
#pragma once

#include <vector>

#include "config/checks.h"

namespace weft {

std::vector<PrincipalConfig> read_principals(TableReader& root, const NameCheck& check);

}  // namespace weft
