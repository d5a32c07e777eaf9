// SPDX-License-Identifier: Apache-2.0
// Verifier: may this text be run at all?
//
// It proves no bounds: the arena and the budget hold whatever passes.  It makes sure that an
// interpreter and a compiler find only what they know: every opcode is one of RFC 9669 with
// its unused fields zero, registers exist, R10 is never written, both halves of an lddw
// belong together, jumps lead to the start of an instruction of their own function, no
// function runs off its end, and every call leads somewhere.  One pass, linear in the text.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "vm/instruction.h"

namespace weft::vm {

// Instructions [begin, end) that are entered at begin only.
struct Function {
  uint32_t begin;
  uint32_t end;

  uint32_t slots() const { return end - begin; }
  friend bool operator==(const Function&, const Function&) = default;
};

// Is there a helper or gate with this number?
using KnownCall = std::function<bool(uint32_t number)>;

// The functions of `text`, in order: one begins at 0, at each of `roots`, and wherever a call
// or an lddw of a function leads.  The error names the first wrong instruction by its slot.
// REQUIRES: roots lie within the text.
Result<std::vector<Function>> verify(std::span<const Instruction> text, std::span<const uint32_t> roots,
                                     const KnownCall& known);

}  // namespace weft::vm
