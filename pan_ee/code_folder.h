// SPDX-License-Identifier: Apache-2.0
// The folder of code objects that a node begins with.
//
// Threads: plain functions.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pan_ee/code_object.h"

namespace weft::pan {

struct CodeFile {
  std::string file;  // its name in the folder
  Result<CodeObject> object;
};

// Its files that end in ".pco", by name.  Errors: kNotFound, kPermission, kIo for the folder;
// what is wrong with a file stands in its place.
Result<std::vector<CodeFile>> read_code_folder(const std::string& folder);

}  // namespace weft::pan
