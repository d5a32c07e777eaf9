// SPDX-License-Identifier: Apache-2.0
#include "vm/jit_x86_64.h"

#include <bit>
#include <cstdlib>

namespace weft::vm::x86_64 {

using namespace asmjit;

namespace {

constexpr x86::Gp kArena = x86::r12;
constexpr x86::Gp kBudget = x86::r9d;

// How often a loop of this many slots is written out.
int32_t copies(uint32_t slots) { return slots <= 6 ? 8 : slots <= 10 ? 4 : slots <= 24 ? 2 : 1; }
// What copies may add to a program, in slots: enough for some hundred loops, and no program is a
// burden for whoever has to compile it.
constexpr uint32_t kMostAdded = 4096;

}  // namespace

Compiler::Compiler(const Program& program, CodeHolder& code, const JitOptions& options)
    : program_(program),
      analysis_(program),
      options_(options),
      bmi2_(options.extensions && CpuInfo::host().features().x86().hasBMI2()),
      call_offset_(options.call_offset),
      base_(code.baseAddress()),
      a_(&code) {}

x86::Gp Compiler::r64(unsigned reg) {
  static const x86::Gp kMap[] = {x86::rax, x86::rdi, x86::rsi, x86::rdx, x86::rcx, x86::r8,
                                 x86::rbx, x86::r13, x86::r14, x86::r15, x86::rbp};
  return kMap[reg];
}

Assembled Compiler::run() {
  const auto functions = program_.functions();
  out_.marks.reserve(program_.text().size());
  at_.resize(program_.text().size());
  local_.resize(functions.size());
  for (Label& label : local_) label = a_.newLabel();
  for (Label& label : stops_) label = a_.newLabel();
  table_ = a_.newLabel();
  for (uint32_t function : program_.entries()) emit_entry(function);
  for (uint32_t function = 0; function < functions.size(); ++function) {
    if (analysis_.functions[function].is_called) emit_local(function);
  }
  emit_function_table();
  emit_stops();
  return std::move(out_);
}

void Compiler::push_saved() {
  for (const x86::Gp& reg : saved_) a_.push(reg);
  if (padded_) a_.sub(x86::rsp, 8);
}

void Compiler::pop_saved() {
  if (padded_) a_.add(x86::rsp, 8);
  for (size_t n = saved_.size(); n-- > 0;) a_.pop(saved_[n]);
}

// What the host calls: its registers are saved, and ours set up.
void Compiler::emit_entry(uint32_t function) {
  const Function& f = program_.functions()[function];
  FunctionFacts facts = analysis_.functions[function];
  if (facts.calls_functions) facts |= analysis_.sum;
  const RegisterSet cleared = analysis_.live[f.begin] & RegisterSet(~kArgumentSet);
  const bool can_stop = facts.uses_memory || facts.charges || facts.calls_host || facts.calls_functions;
  is_entry_ = true;
  // Else the budget stays in the Call, where helpers look for it.
  charges_ = facts.charges || facts.calls_functions;
  const bool needs_frame = facts.uses_frame || facts.calls_functions;

  saved_.clear();
  for (unsigned reg = 6; reg < 10; ++reg) {
    if (((facts.writes | cleared) & bit(reg)) != 0) saved_.push_back(r64(reg));
  }
  if (needs_frame) saved_.push_back(x86::rbp);
  if (facts.uses_memory) saved_.push_back(kArena);
  padded_ = (facts.calls_host || facts.calls_functions) && saved_.size() % 2 == 0;

  a_.align(AlignMode::kCode, 64);  // of many, each is in as few lines of the cache as it can be
  const uint64_t run = a_.offset();
  push_saved();
  if (facts.uses_memory) a_.mov(kArena, x86::r9);
  if (charges_) a_.mov(kBudget, of_call(CallAccess::budget(), 4));
  if (can_stop) a_.mov(of_call(CallAccess::saved_stack(), 8), x86::rsp);
  if (needs_frame) a_.mov(x86::ebp, int32_t(kStackTop));
  for (unsigned reg = 0; reg < 10; ++reg) {
    if ((cleared & bit(reg)) != 0) a_.xor_(r32(reg), r32(reg));
  }
  emit_body(f);

  const uint64_t abort = a_.offset();
  a_.mov(x86::rsp, of_call(CallAccess::saved_stack(), 8));
  if (charges_) a_.mov(of_call(CallAccess::budget(), 4), kBudget);
  a_.mov(x86::rdx, -1);
  pop_saved();
  a_.ret();
  out_.entries.push_back({function, run, abort});
}

// What other functions call.
void Compiler::emit_local(uint32_t function) {
  const Function& f = program_.functions()[function];
  const FunctionFacts& facts = analysis_.functions[function];
  is_entry_ = false;
  charges_ = true;
  saved_.clear();
  for (unsigned reg = 6; reg < 10; ++reg) {
    if ((facts.writes & bit(reg)) != 0) saved_.push_back(r64(reg));
  }
  padded_ = (facts.calls_host || facts.calls_functions) && saved_.size() % 2 == 0;

  a_.align(AlignMode::kCode, 16);
  a_.bind(local_[function]);
  mark(f.begin);
  a_.sub(kBudget, int32_t(f.slots()));
  a_.js(stop(Fault::kBudget, f.begin));
  a_.sub(x86::ebp, int32_t(kFrameBytes));
  a_.cmp(x86::ebp, int32_t(kStack));
  a_.jbe(stop(Fault::kDepth, f.begin));
  push_saved();
  emit_body(f);
}

void Compiler::emit_exit() {
  if (!is_entry_) {
    a_.add(x86::ebp, int32_t(kFrameBytes));
  } else if (charges_) {
    a_.mov(x86::edx, kBudget);
  } else {
    a_.mov(x86::edx, of_call(CallAccess::budget(), 4));
  }
  pop_saved();
  a_.ret();
}

void Compiler::emit_body(const Function& f) {
  function_ = &f;
  owed_ = 0;
  forget_masked();
  for (uint32_t at = f.begin; at < f.end; ++at) {
    if (analysis_.is_target[at] != 0) at_[at] = a_.newLabel();
  }
  for (uint32_t at = f.begin; at < f.end; ++at) {
    const uint32_t end = analysis_.loop_end[at];
    if (options_.unroll && end != 0 && may_unroll(end - at + 1)) {
      emit_loop(at, end);
      at = end;
      continue;
    }
    if (analysis_.is_target[at] != 0) {
      a_.bind(at_[at]);
      forget_masked();
    }
    at = emit_instruction(at);
  }
  emit_cold();
}

// Returns the last slot that was emitted.
uint32_t Compiler::emit_instruction(uint32_t at) {
  const Instruction& i = program_.text()[at];
  if (in_copy_) {
    if (put_off(i)) return at;
    settle_for(i);
  }
  switch (i.cls()) {
    case kAlu:
    case kAlu64:
      if (i.operation() == kMov && !i.from_register())
        emit_constant(at, i.cls() == kAlu ? uint32_t(i.imm) : uint64_t(int64_t(i.imm)));
      else if (is_moved_sum(at))
        return emit_moved_sum(at);
      else
        emit_alu(i);
      return at;
    case kJmp:
    case kJmp32:
      emit_jump(i, at);
      return at;
    case kLd:
      emit_constant(at, uint32_t(i.imm) | uint64_t(uint32_t(program_.text()[at + 1].imm)) << 32);
      return at + 1;
    default:
      emit_memory(i, at);
      return at;
  }
}

// Whether a loop of this many slots gains by it, and the program has not had its share.
bool Compiler::may_unroll(uint32_t slots) {
  const uint32_t added = slots * uint32_t(copies(slots));  // the slow loop is one more
  if (copies(slots) == 1 || added > kMostAdded - added_) return false;
  added_ += added;
  return true;
}

// A loop of one block, written out several times.  The meter is asked once whether it pays
// for all copies, and taken from once; a copy that leaves the loop settles what it owes.
// Where the budget is too small for all of them, the slow loop asks after each.
// So with the steps of pointers and counters: they are put off, and what is addressed or
// compared meanwhile takes them into account.  After a fault, nobody asks for registers.
void Compiler::emit_loop(uint32_t begin, uint32_t end) {
  const int32_t slots = int32_t(end - begin + 1), count = copies(uint32_t(slots)), all = slots * count;
  const Label slow = a_.newLabel(), after = a_.newLabel(), top = a_.newLabel();
  a_.bind(at_[begin]);
  a_.cmp(kBudget, all);
  a_.jl(slow);
  a_.align(AlignMode::kCode, 16);
  a_.bind(top);
  forget_masked();
  in_copy_ = true;
  for (int32_t copy = 0; copy < count; ++copy) {
    owed_ = copy * slots;
    for (uint32_t at = begin; at < end; ++at) {
      at = emit_instruction(at);
    }
    const Condition stays = emit_compare(program_.text()[end]);
    const Label settled = a_.newLabel();
    a_.j(x86::negateCond(stays), settled);
    at_cold({Cold::Kind::kSettle, settled, end, Fault::kNone, owed_, after, steps_});
  }
  in_copy_ = false;
  owed_ = 0;
  settle(steps_);
  steps_ = {};
  a_.sub(kBudget, all);
  a_.cmp(kBudget, all);
  a_.jge(top);
  a_.jmp(slow);
  a_.bind(after);
  forget_masked();
  at_cold({Cold::Kind::kSlowLoop, slow, begin, Fault::kNone, 0, after, {}});
}

// True when this is an addition that need not be made now.
bool Compiler::put_off(const Instruction& i) {
  if (i.opcode != (kAlu64 | kAdd) || std::abs(int64_t(steps_[i.dst()]) + i.imm) > kReach) return false;
  steps_[i.dst()] += i.imm;
  return true;
}

// Makes the additions that the instruction would miss.
void Compiler::settle_for(const Instruction& i) {
  const unsigned base = base_of(i);
  RegisterSet wanted = reads(i, program_.helpers());
  if (is_plain_memory(i) && std::abs(steps_[base] + i.offset) <= kReach &&
      (i.cls() != kStx || i.src() != base)) {
    wanted &= RegisterSet(~bit(base));
  }
  for (unsigned reg = 0; reg < kFrameRegister; ++reg) {
    if ((wanted & bit(reg)) != 0) settle(reg);
  }
}

void Compiler::settle(unsigned reg) {
  if (steps_[reg] == 0) return;
  a_.add(r64(reg), steps_[reg]);
  moved(reg, steps_[reg]);
  steps_[reg] = 0;
}

void Compiler::settle(const Steps& steps) {
  for (unsigned reg = 0; reg < kFrameRegister; ++reg) {
    if (steps[reg] != 0) a_.add(r64(reg), steps[reg]);
  }
}

void Compiler::emit_slow_loop(const Cold& cold) {
  const uint32_t begin = cold.pc, end = analysis_.loop_end[begin];
  forget_masked();
  for (uint32_t at = begin; at < end; ++at) {
    at = emit_instruction(at);
  }
  const Condition stays = emit_compare(program_.text()[end]);
  a_.j(x86::negateCond(stays), cold.to);
  emit_charge(end, int32_t(end - begin + 1));
  a_.jmp(cold.from);
}

void Compiler::emit_cold() {
  // Slow loops add more of them.
  for (size_t n = 0; n < cold_.size(); ++n) {
    const Cold cold = cold_[n];
    a_.bind(cold.from);
    switch (cold.kind) {
      case Cold::Kind::kStop:
        out_.marks.push_back({uint32_t(a_.offset()), cold.pc, cold.owed});
        // The return address says where.
        a_.call(stops_[unsigned(cold.fault)]);
        stops_used_[unsigned(cold.fault)] = true;
        break;
      case Cold::Kind::kSettle:
        settle(cold.steps);
        if (cold.owed != 0) a_.sub(kBudget, cold.owed);
        a_.jmp(cold.to);
        break;
      case Cold::Kind::kSlowLoop:
        emit_slow_loop(cold);
        break;
    }
  }
  cold_.clear();
}

void Compiler::emit_stops() {
  for (unsigned fault = 0; fault < kFaults; ++fault) {
    if (!stops_used_[fault]) continue;
    a_.bind(stops_[fault]);
    a_.pop(x86::r10);
    a_.mov(of_call(CallAccess::fault_at(), 8), x86::r10);
    if (Fault(fault) != Fault::kNone) a_.mov(of_call(CallAccess::fault(), 4), int32_t(fault));
    a_.mov(x86::r10, of_call(CallAccess::entry(), 8));
    a_.jmp(x86::ptr(x86::r10, int32_t(offsetof(Entry, abort))));
  }
}

// For callx: how far each function is from the table, filled up to a power of two with a
// stop, so that a masked index always finds something harmless.
void Compiler::emit_function_table() {
  if (!analysis_.sum.calls_indirectly) return;
  a_.align(AlignMode::kData, 64);
  a_.bind(table_);
  const size_t count = local_.size();
  stops_used_[unsigned(Fault::kBadCall)] = true;
  for (size_t n = 0; n < std::bit_ceil(count); ++n) {
    const bool known = n < count && analysis_.functions[n].is_called;
    a_.embedLabelDelta(known ? local_[n] : stops_[unsigned(Fault::kBadCall)], table_, 4);
  }
}

void Compiler::mark(uint32_t at) { out_.marks.push_back({uint32_t(a_.offset()), at, owed_}); }

}  // namespace weft::vm::x86_64
