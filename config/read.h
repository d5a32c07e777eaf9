// SPDX-License-Identifier: Apache-2.0
// Reads a config file.  All mistakes of a file are reported, each with its place
// and what was meant.
//
// Threads: plain functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/errors.h"

namespace weft {

struct ConfigOrErrors {
  Config config;                    // meaningful when there are no errors
  std::vector<ConfigError> errors;  // in the order of the file
};

// `modules` are the names that may follow a partner in a path text.
ConfigOrErrors parse_config(std::string_view text, std::string file, const std::vector<std::string>& modules);

// The same for a file of at most 1 MiB.  A file that cannot be read is one error.
ConfigOrErrors read_config(const std::string& file, const std::vector<std::string>& modules);

}  // namespace weft
