// SPDX-License-Identifier: Apache-2.0
// What an object file says of names that it does not define: only functions can be imported, and
// its symbols do not tell them from variables.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "vm/instruction.h"

namespace weft::cc {

// The variables that the section .BTF declares and does not define: clang -g writes one.  Any
// bytes may be given.
std::set<std::string> extern_variables(std::span<const uint8_t> btf);

// Without .BTF: does the code go on to read or write where the lddw at slot `at` points?  It
// looks as far as the text runs straight on.  REQUIRES: an lddw is there.
bool reads_through(std::span<const vm::Instruction> text, size_t at);

}  // namespace weft::cc
