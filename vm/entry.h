// SPDX-License-Identifier: Apache-2.0
// Entry: a function of one instance, with all that a call of it needs: who chooses among
// thousands finds it in one line of the cache.
//
// Threads: a plain value.  Holds as long as the instance.
#pragma once

#include <cstdint>

namespace weft::vm {

class Arena;
class Instance;
class MachineCode;

struct Returned {
  uint64_t r0;
  int64_t budget;
};
// R1..R5 and the start of the arena.  Returns R0 and the budget that is left; or, when the
// program was stopped, a negative budget, and the Call of the thread says why.
using EntryFunction = Returned (*)(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
                                   uint8_t* arena);

struct Entry {
  EntryFunction run = nullptr;  // machine code, or the interpreter
  // Where a run of machine code goes on that is stopped: it knows this by its offset.
  const void* abort = nullptr;
  uint8_t* base = nullptr;    // of the arena
  uint8_t* window = nullptr;  // in it
  Arena* arena = nullptr;
  const MachineCode* code = nullptr;  // null when interpreted
  Instance* instance = nullptr;
  uint32_t function = 0;
};

}  // namespace weft::vm
