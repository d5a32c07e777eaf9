// SPDX-License-Identifier: Apache-2.0
// From object files to one program image.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "tools/weft_cc/elf_object.h"
#include "vm/image.h"

namespace weft::cc {

// Functions that are neither static nor hidden are exported; functions that are nowhere defined
// are imported.  `keep_names`: also name static functions and variables, for dumps.
// Errors: kExists, kInvalid, kLimit; what is wrong in one file, with the file and the name.  What comes out,
// the verifier lets pass.
Result<vm::Image> link(std::span<const ElfObject> objects, bool keep_names);

}  // namespace weft::cc
