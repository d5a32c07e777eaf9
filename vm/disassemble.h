// SPDX-License-Identifier: Apache-2.0
// Bytecode as people read it, in the notation of LLVM's BPF assembler: "r1 += 8".
#pragma once

#include <span>
#include <string>

#include "vm/image.h"
#include "vm/instruction.h"

namespace weft::vm {

// The instruction at slot `at`; targets of jumps are slots.  Any bits may be given: what is
// no instruction is shown as its numbers.  REQUIRES: at < text.size().
std::string disassemble(std::span<const Instruction> text, size_t at);

// The whole image, with the names that it carries: its functions and their instructions,
// its variables, what it exports and imports.
std::string dump(const Image& image);

}  // namespace weft::vm
