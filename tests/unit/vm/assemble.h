// SPDX-License-Identifier: Apache-2.0
// Bytecode from text, for tests: the notation that disassemble() writes, with labels.
//
//   loop: r0 += r1; r1 += -1; if r1 != 0 goto loop; exit
//
// Statements end with ';' or a line.  "call helper 7" calls a helper, "call name" a function,
// "r2 = function name" takes its handle, ".raw 0xff 1 2 -3 4" is any instruction at all.
#pragma once

#include <string_view>
#include <vector>

#include "vm/image.h"
#include "vm/instruction.h"

namespace weft::vm::test {

// Aborts with a message when the text is wrong.
std::vector<Instruction> assemble(std::string_view text);

// An image of that text and nothing else.
inline Image image(std::string_view text) {
  Image made;
  made.text = assemble(text);
  return made;
}

}  // namespace weft::vm::test
