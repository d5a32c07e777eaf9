// SPDX-License-Identifier: Apache-2.0
// The codes of the interpreter's operations, and which one an instruction is.
#pragma once

#include "vm/instruction.h"
#include "vm/operations.inc"

namespace weft::vm {

enum class Op : uint16_t {
#define WEFT_VM_NAME(name) k##name,
  WEFT_VM_OPERATIONS(WEFT_VM_NAME)
#undef WEFT_VM_NAME
};

// REQUIRES: the verifier let it pass.
Op decode(const Instruction& instruction);

}  // namespace weft::vm
