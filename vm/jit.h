// SPDX-License-Identifier: Apache-2.0
// The compilers from bytecode to machine code: for x86-64, and for aarch64.
//
// They assemble into a CodeHolder of asmjit, whose environment says for which machine;
// code_cache.h puts the bytes where they can run.
//
// An entry is called as an EntryFunction (entry.h), and finds the Call of its thread by itself.
#pragma once

#include <asmjit/core.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "vm/analysis.h"
#include "vm/call.h"
#include "vm/program.h"

namespace weft::vm {

// From `offset` in the code on, the instruction at slot `pc` is done.
struct Mark {
  uint32_t offset;
  uint32_t pc;
  // What the code has not yet taken from the budget register, though it is owed.
  int32_t owed;
};

struct Assembled {
  struct Entry {
    uint32_t function;
    uint64_t run;    // offsets in the code
    uint64_t abort;  // where to go on when a run is stopped
  };
  std::vector<Entry> entries;  // by function
  std::vector<Mark> marks;     // by offset
};

// Where the thread-local Call lies, in this process, seen from the thread pointer.
int64_t call_thread_offset();

struct JitOptions {
  bool extensions = true;  // use instructions that not every machine has
  bool unroll = true;      // loops of one block
  ArenaKind kind = ArenaKind::kWide;
  // Where the Call of a thread lies, seen from its thread pointer.
  int64_t call_offset = call_thread_offset();
};

// `code` is empty, and will be placed at its base address.  Errors: kUnsupported when there
// is no compiler for that machine, or the program is too long for its jumps.
Result<Assembled> assemble(const Program& program, asmjit::CodeHolder& code, const JitOptions& options);

}  // namespace weft::vm
