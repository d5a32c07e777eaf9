// SPDX-License-Identifier: Apache-2.0
// Logger: passed in, never global.  Nothing logs from the data path.
#pragma once

#include <spdlog/logger.h>

namespace weft {

using Logger = spdlog::logger;

}  // namespace weft
