// SPDX-License-Identifier: Apache-2.0
// What a compiler wants to know of a program before it begins.
//
// Threads: a plain value.
#pragma once

#include <cstdint>
#include <vector>

#include "vm/program.h"

namespace weft::vm {

using RegisterSet = uint16_t;  // bit n: Rn

inline constexpr RegisterSet kArgumentSet = 0b111110;   // R1..R5
inline constexpr RegisterSet kSavedSet = 0b1111000000;  // R6..R9, which a call preserves
inline constexpr RegisterSet kFrameSet = 1 << kFrameRegister;

constexpr RegisterSet bit(unsigned reg) { return RegisterSet(1u << reg); }

struct FunctionFacts {
  RegisterSet writes = 0;
  bool uses_frame = false;        // R10
  bool uses_memory = false;       // loads, stores, atomics
  bool charges = false;           // jumps backwards
  bool calls_host = false;        // helpers, gates, callx
  bool calls_functions = false;   // of this program
  bool calls_indirectly = false;  // callx
  bool is_called = false;         // by another function

  // Of a function together with what it calls.
  FunctionFacts& operator|=(const FunctionFacts& other);
};

struct Analysis {
  explicit Analysis(const Program& program);

  // Registers that may be read before they are written, from each slot on.
  std::vector<RegisterSet> live;
  // Jumps lead to this slot.
  std::vector<uint8_t> is_target;
  // If not 0: a loop of one block begins here, and this is its last slot, a conditional jump
  // back to here; in between are no jumps, calls and targets.
  std::vector<uint32_t> loop_end;
  std::vector<FunctionFacts> functions;
  // All functions' facts in one.
  FunctionFacts sum;

 private:
  void find_facts(const Program& program);
  void find_loops(const Program& program);
  void find_live(const Program& program);
};

// Whether it loads or stores, and nothing else; and the register that says where.
inline bool is_plain_memory(const Instruction& i) {
  return i.cls() == kLdx || i.cls() == kSt || (i.cls() == kStx && i.mode() != kAtomic);
}
inline unsigned base_of(const Instruction& i) { return i.cls() == kLdx ? i.src() : i.dst(); }

// What one instruction reads and writes; of calls without what the callee does.
RegisterSet reads(const Instruction& instruction, const HelperTable& helpers);
RegisterSet writes(const Instruction& instruction);

}  // namespace weft::vm
