// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "vm/interpreter.h"
#include "vm/jit_aarch64.h"

namespace weft::vm::aarch64 {

using namespace asmjit;

// A label to jump to when the program is to be stopped at `at`.
asmjit::Label Compiler::stop(Fault fault, uint32_t at) {
  const Label label = a_.newLabel();
  stops_.push_back({label, at, fault});
  return label;
}

// Leaves in the flags whether it sufficed.
void Compiler::emit_charge(int32_t slots) {
  if (slots < 4096) {
    a_.subs(a64::w24, a64::w24, Imm(slots));
    return;
  }
  a_.mov(a64::w9, Imm(slots));
  a_.subs(a64::w24, a64::w24, a64::w9);
}

// The condition under which the jump is taken.
arm::CondCode Compiler::emit_compare(const Instruction& i) {
  const bool word = i.cls() == kJmp32;
  const Gp dst = sized(i.dst(), word), with = operand(i, word);
  if (i.operation() == kJset) {
    a_.tst(dst, with);
    return Condition::kNE;
  }
  a_.cmp(dst, with);
  switch (i.operation()) {
    case kJeq:
      return Condition::kEQ;
    case kJne:
      return Condition::kNE;
    case kJgt:
      return Condition::kHI;
    case kJge:
      return Condition::kHS;
    case kJlt:
      return Condition::kLO;
    case kJle:
      return Condition::kLS;
    case kJsgt:
      return Condition::kGT;
    case kJsge:
      return Condition::kGE;
    case kJslt:
      return Condition::kLT;
    default:
      return Condition::kLE;
  }
}

void Compiler::emit_jump(const Instruction& i, uint32_t at) {
  if (i.is_exit()) return emit_exit();
  if (i.is_call()) return emit_call(i, at);
  const int32_t distance = i.distance();
  const Label target = at_[uint32_t(int64_t(at) + 1 + distance)];
  if (distance >= 0) {
    i.operation() == kJa ? a_.b(target) : a_.b(emit_compare(i), target);
    return;
  }
  const Label over = a_.newLabel();
  if (i.operation() != kJa) a_.b(arm::negateCond(emit_compare(i)), over);
  emit_charge(-distance);
  a_.b(Condition::kPL, target);
  a_.b(stop(Fault::kBudget, at));
  a_.bind(over);
}

// R1..R5 are zero after a call; nobody writes it down where nobody looks.
void Compiler::clear_arguments(uint32_t next) {
  const RegisterSet seen = analysis_.live[next] & kArgumentSet;
  for (unsigned reg = 1; reg <= 5; ++reg) {
    if ((seen & bit(reg)) != 0) a_.mov(r64(reg), a64::xzr);
  }
}

void Compiler::emit_call(const Instruction& i, uint32_t at) {
  if (i.opcode == kCallxOpcode) {
    emit_callx(i, at);
  } else if (i.src() == kCallLocal) {
    a_.bl(local_[program_.function_at(uint32_t(int64_t(at) + 1 + i.imm))]);
  } else if (uint32_t(i.imm) < kFirstGate) {
    emit_helper(reinterpret_cast<const void*>(program_.helpers().find(uint32_t(i.imm))->function), at);
  } else {
    a_.mov(a64::w9, Imm(uint32_t(i.imm)));
    a_.str(a64::w9, a64::ptr(a64::x27, int32_t(CallAccess::number())));
    emit_helper(reinterpret_cast<const void*>(&call_by_number), at);
  }
  clear_arguments(at + 1);
}

void Compiler::emit_helper(const void* function, uint32_t at) {
  a_.str(a64::w24, a64::ptr(a64::x27, int32_t(CallAccess::budget())));
  a_.mov(a64::x5, a64::x27);
  a_.mov(a64::x16, Imm(reinterpret_cast<uint64_t>(function)));
  a_.blr(a64::x16);
  a_.mov(a64::x7, a64::x0);
  a_.ldr(a64::w24, a64::ptr(a64::x27, int32_t(CallAccess::budget())));
  a_.ldr(a64::w9, a64::ptr(a64::x27, int32_t(CallAccess::fault())));
  a_.cbnz(a64::w9, stop(Fault::kNone, at));
}

// A function of the program, or by its number a helper or gate.
void Compiler::emit_callx(const Instruction& i, uint32_t at) {
  const uint32_t count = uint32_t(local_.size());
  const Label by_number = a_.newLabel(), done = a_.newLabel();
  const Gp wanted = sized(i.callx_register(), true);
  a_.mov(a64::w10, Imm(kText));
  a_.sub(a64::w9, wanted, a64::w10);
  a_.mov(a64::w10, Imm(count));
  a_.cmp(a64::w9, a64::w10);
  a_.b(Condition::kHS, by_number);
  // Also when it only speculates that the index is good.
  a_.mov(a64::w10, Imm(std::bit_ceil(count) - 1));
  a_.and_(a64::w9, a64::w9, a64::w10);
  a_.adr(a64::x10, table_);
  a_.add(a64::x11, a64::x10, a64::x9, a64::lsl(2));
  a_.ldrsw(a64::x11, a64::ptr(a64::x11));
  a_.add(a64::x10, a64::x10, a64::x11);
  a_.blr(a64::x10);
  a_.b(done);
  a_.bind(by_number);
  a_.str(wanted, a64::ptr(a64::x27, int32_t(CallAccess::number())));
  emit_helper(reinterpret_cast<const void*>(&call_by_number), at);
  a_.bind(done);
}

}  // namespace weft::vm::aarch64
