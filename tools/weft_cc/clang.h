// SPDX-License-Identifier: Apache-2.0
// Runs clang for the BPF target.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace weft::cc {

// Compiles a C file to an object file.  `flags` go to clang as they are.  Warnings are put
// into `notes`.  Errors: kNotFound when there is no clang; kInvalid with one line for each
// thing that is wrong with the program.
Result<void> compile(const std::string& source, const std::string& object,
                     const std::vector<std::string>& flags, std::string& notes);

}  // namespace weft::cc
