// SPDX-License-Identifier: Apache-2.0
// The interpreter: what runs where there is no JIT, and what the JIT is tested against.
//
// A program is decoded once into operations that need no second look, in the same slots as
// its text.  What both machines agree on, bit for bit:
//   - a jump backwards that is taken costs the slots from its target through itself, and a
//     local call the callee's slots; who cannot pay is stopped there (Fault::kBudget)
//   - after any call, R1..R5 are zero; at the start, registers that are no arguments are
//   - the stack pointer moves down one frame per local call; at most kFrames frames
//   - division by zero gives zero, modulo by zero the dividend, and shifts count modulo the
//     width (RFC 9669, 4.1)
//   - an access that faults has changed nothing; of a store that begins where it may and ends
//     where it may not, a machine other than x86-64 may leave the first bytes
//
// Threads: a Decoded is immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "vm/call.h"
#include "vm/program.h"

namespace weft::vm {

// How a run ended.
struct Outcome {
  uint64_t r0 = 0;           // 0 after a fault
  uint32_t budget_left = 0;  // 0 when it did not suffice
  Fault fault = Fault::kNone;
};

class Decoded {
 public:
  explicit Decoded(const Program& program);

  // Runs a function with R1..R5 from `arguments`, until it exits or faults.  `pc` becomes
  // the slot where it faulted; of a call that could not be paid for or is too deep, the first
  // slot of the callee.
  // REQUIRES: `call` is set up for the program and its arena.
  Outcome run(uint32_t function, const uint64_t* arguments, Call& call, uint32_t& pc) const;

  struct Operation {
    uint16_t code;
    uint8_t dst;
    uint8_t src;
    int32_t offset;  // of memory, in bytes; of a jump, in slots
    int64_t imm;
  };

 private:
  std::vector<Operation> operations_;
  std::vector<Function> functions_;
  const HelperTable* helpers_;
};

// Calls the helper or the gate with this number, as a program's indirect call does.
uint64_t call_by_number(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, Call* call);

}  // namespace weft::vm
