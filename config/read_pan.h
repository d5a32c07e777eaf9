// SPDX-License-Identifier: Apache-2.0
// Reads [pan].
//
// Threads: plain functions.
#pragma once

#include "config/checks.h"
#include "config/config.h"
#include "config/table_reader.h"

namespace weft {

PanConfig read_pan(TableReader& table, const NameCheck& check);

}  // namespace weft
