// SPDX-License-Identifier: Apache-2.0
// What EEs need of this machine, looked at before they are started: their programs, shared
// objects and users.
//
// Threads: plain functions.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/errors.h"

namespace weft {

// What is not there, in the order of the file.  No mistakes: a node starts without, and tries such
// an EE again until it can start.
std::vector<ConfigError> missing_needs(const std::vector<EeConfig>& ees);

}  // namespace weft
