// SPDX-License-Identifier: Apache-2.0
// The parts of the aarch64 compiler, in the same files as those of x86-64.
//
// Registers: R0 = x7, R1..R5 = x0..x4, where a helper finds its arguments, R6..R9 = x19..x22,
// R10 = w25; w24 = budget; x26 = start of the arena; x27 = the Call.  x9..x17 are scratch
// within an instruction.
#pragma once

#include <asmjit/arm.h>
#include <asmjit/arm/a64assembler.h>

#include <array>
#include <vector>

#include "vm/jit.h"

namespace weft::vm::aarch64 {

class Compiler {
 public:
  Compiler(const Program& program, asmjit::CodeHolder& code, const JitOptions& options);

  Assembled run();

 private:
  using Gp = asmjit::a64::Gp;
  using Label = asmjit::Label;
  using Condition = asmjit::arm::CondCode;

  struct Stop {
    Label from;
    uint32_t pc;
    Fault fault;  // kNone: as the helper said
  };

  // functions
  void emit_entry(uint32_t function);
  void emit_local(uint32_t function);
  void emit_body(const Function& f);
  void emit_instruction(uint32_t at);
  void emit_exit();
  void emit_stops();
  void emit_function_table();
  void restore_host();
  void mark(uint32_t at);

  // arithmetic
  void emit_alu(const Instruction& i);
  void emit_mov(const Instruction& i);
  void emit_division(const Instruction& i);
  void emit_shift(const Instruction& i);
  void emit_end(const Instruction& i);
  // The operand: a register, or a scratch register with the immediate.
  Gp operand(const Instruction& i, bool word);

  // memory
  void emit_memory(const Instruction& i, uint32_t at);
  void emit_load(const Instruction& i, const Gp& address);
  void emit_store(const Instruction& i, const Gp& address);
  void emit_atomic(const Instruction& i, uint32_t at);
  // x9 with the address.
  Gp address(unsigned base, int32_t offset);
  void add_constant(const Gp& to, int64_t value);

  // control
  void emit_jump(const Instruction& i, uint32_t at);
  Condition emit_compare(const Instruction& i);
  void emit_charge(int32_t slots);
  void emit_call(const Instruction& i, uint32_t at);
  void emit_callx(const Instruction& i, uint32_t at);
  void emit_helper(const void* function, uint32_t at);
  void clear_arguments(uint32_t next);
  Label stop(Fault fault, uint32_t at);

  static Gp r64(unsigned reg);
  static Gp sized(const Gp& reg, bool word) { return word ? Gp(reg.w()) : Gp(reg.x()); }
  static Gp sized(unsigned reg, bool word) { return sized(r64(reg), word); }

  const Program& program_;
  const Analysis analysis_;
  const JitOptions options_;
  asmjit::a64::Assembler a_;

  std::vector<Label> at_;     // of each slot that is jumped to, in the function being emitted
  std::vector<Label> local_;  // of each function, to be called
  std::array<Label, kFaults> kinds_;
  Label table_;
  std::vector<Stop> stops_;
  bool is_entry_ = false;
  Assembled out_;
};

}  // namespace weft::vm::aarch64
