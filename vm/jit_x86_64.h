// SPDX-License-Identifier: Apache-2.0
// The parts of the x86-64 compiler: one class, in one file for each concern.
//
//   jit_x86_64.cc           functions: entry, calls between them, exit, loops, unwinding
//   jit_x86_64_alu.cc       arithmetic
//   jit_x86_64_memory.cc    loads, stores, atomics: everything that reaches into the arena
//   jit_x86_64_control.cc   jumps, the meter, helpers
//
// Registers: R0..R10 = rax rdi rsi rdx rcx r8 rbx r13 r14 r15 rbp, so that a helper finds
// its arguments where they are; r12 = start of the arena; r9d = budget; r10 and r11 are
// scratch, and between instructions hold the low halves of registers that were used as
// addresses (Masked).
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <vector>

#include "vm/jit.h"

namespace weft::vm::x86_64 {

// An address may lie this far outside of a window and still hit a guard (layout.h).
inline constexpr int32_t kReach = 0xf000;

class Compiler {
 public:
  Compiler(const Program& program, asmjit::CodeHolder& code, const JitOptions& options);

  Assembled run();

 private:
  using Gp = asmjit::x86::Gp;
  using Mem = asmjit::x86::Mem;
  using Label = asmjit::Label;
  using Condition = asmjit::x86::CondCode;

  // A scratch register that holds the low half of `reg` as it was before `moved` was added.
  struct Masked {
    unsigned reg = kRegisters;  // none
    int32_t moved = 0;
  };
  // Of a register that holds a constant, what its low half is.
  struct Known {
    bool any = false;
    uint32_t low = 0;
  };
  // What was not yet added to each register.
  using Steps = std::array<int32_t, kRegisters>;
  // Code away from the straight way.
  struct Cold {
    enum class Kind { kStop, kSettle, kSlowLoop };
    Kind kind;
    Label from;
    uint32_t pc;
    Fault fault;    // kStop; kNone: as the helper said
    int32_t owed;   // kSettle, kStop
    Label to;       // kSettle, kSlowLoop: goes on there
    Steps steps{};  // kSettle
  };

  // functions
  void emit_entry(uint32_t function);
  void emit_local(uint32_t function);
  void emit_body(const Function& f);
  uint32_t emit_instruction(uint32_t at);
  void emit_exit();
  bool may_unroll(uint32_t slots);
  void emit_loop(uint32_t begin, uint32_t end);
  void emit_slow_loop(const Cold& cold);
  bool put_off(const Instruction& i);
  void settle_for(const Instruction& i);
  void settle(unsigned reg);
  void settle(const Steps& steps);
  void emit_cold();
  void emit_stops();
  void emit_function_table();
  void push_saved();
  void pop_saved();
  void mark(uint32_t at);

  // arithmetic
  void emit_alu(const Instruction& i);
  void emit_add(const Instruction& i);
  void emit_mov(const Instruction& i);
  bool is_moved_sum(uint32_t at) const;
  uint32_t emit_moved_sum(uint32_t at);
  void emit_mul(const Instruction& i);
  void emit_division(const Instruction& i);
  bool emit_division_by_constant(const Instruction& i);
  void emit_shift(const Instruction& i);
  void emit_shift_without_bmi2(const Instruction& i);
  void emit_end(const Instruction& i);
  void emit_constant(uint32_t at, uint64_t value);
  bool is_only_address(uint32_t at, uint32_t value) const;
  void load_constant(const Gp& to, uint64_t value);

  // memory
  void emit_memory(const Instruction& i, uint32_t at);
  void emit_load(const Instruction& i);
  void emit_store(const Instruction& i);
  void emit_atomic(const Instruction& i, uint32_t at);
  void emit_fetch(const Instruction& i, const Mem& place);
  Mem place(unsigned base, int32_t offset, unsigned bytes);
  // What of a known address to add to the start of the arena; below 0: an instruction cannot say it.
  int32_t displacement(uint32_t address) const;
  Mem packed_place(unsigned base, int32_t offset, unsigned bytes);
  Gp masked(unsigned reg, int32_t& offset);
  void forget_masked() {
    masked_ = {};
    known_ = {};
  }
  void forget(unsigned reg);
  void wrote(unsigned reg);  // what is known of it as an address is void
  void moved(unsigned reg, int32_t by);
  Gp scratch(unsigned which);  // 0: r10, 1: r11

  // control
  void emit_jump(const Instruction& i, uint32_t at);
  Condition emit_compare(const Instruction& i);
  void emit_charge(uint32_t at, int32_t slots);
  void emit_call(const Instruction& i, uint32_t at);
  void emit_callx(const Instruction& i, uint32_t at);
  void emit_helper(const void* function, uint32_t at);
  void clear_arguments(uint32_t next);
  Label stop(Fault fault, uint32_t at);
  Mem of_call(size_t offset, unsigned bytes) const;
  void at_cold(Cold cold) { cold_.push_back(cold); }

  static Gp r64(unsigned reg);
  static Gp r32(unsigned reg) { return r64(reg).r32(); }
  static Gp sized(const Gp& reg, bool word) { return word ? Gp(reg.r32()) : Gp(reg.r64()); }
  static Gp sized(unsigned reg, bool word) { return sized(r64(reg), word); }

  const Program& program_;
  const Analysis analysis_;
  const JitOptions options_;
  const bool bmi2_;
  const int64_t call_offset_;
  const uint64_t base_;
  asmjit::x86::Assembler a_;

  std::vector<Label> at_;     // of each slot that is jumped to, in the function being emitted
  std::vector<Label> local_;  // of each function, to be called
  std::array<Label, kFaults> stops_;
  std::array<bool, kFaults> stops_used_{};
  Label table_;
  std::vector<Cold> cold_;
  uint32_t added_ = 0;  // by unrolling, in slots
  Assembled out_;

  // Of the function being emitted.
  const Function* function_ = nullptr;
  bool is_entry_ = false;
  bool charges_ = false;
  std::vector<Gp> saved_;  // pushed, in this order
  bool padded_ = false;
  std::array<Masked, 2> masked_{};
  std::array<Known, kRegisters> known_{};
  unsigned next_masked_ = 0;
  int32_t owed_ = 0;      // by copies of a loop before this one
  bool in_copy_ = false;  // of a loop: additions of constants are put off
  Steps steps_{};
};

}  // namespace weft::vm::x86_64
