// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::cc {

// A whole file, which people know as `name`.  Errors: kIo, and kLimit beyond 64 MiB, with the name.
Result<std::vector<uint8_t>> read_file(const std::string& file, const std::string& name);

}  // namespace weft::cc
