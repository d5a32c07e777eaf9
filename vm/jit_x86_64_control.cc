// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "vm/interpreter.h"
#include "vm/jit_x86_64.h"

namespace weft::vm::x86_64 {

using namespace asmjit;

namespace {

constexpr x86::Gp kBudget = x86::r9d;

}  // namespace

x86::Mem Compiler::of_call(size_t offset, unsigned bytes) const {
  Mem m = x86::ptr_abs(uint64_t(call_offset_ + int64_t(offset)), bytes);
  m.setSegment(x86::fs);
  return m;
}

// A label to jump to when the program is to be stopped at `at`.
asmjit::Label Compiler::stop(Fault fault, uint32_t at) {
  const Label label = a_.newLabel();
  at_cold({Cold::Kind::kStop, label, at, fault, owed_, {}});
  return label;
}

void Compiler::emit_charge(uint32_t at, int32_t slots) {
  a_.sub(kBudget, slots);
  a_.js(stop(Fault::kBudget, at));
}

// The condition under which the jump is taken.
x86::CondCode Compiler::emit_compare(const Instruction& i) {
  const bool word = i.cls() == kJmp32;
  const Gp dst = sized(i.dst(), word), src = sized(i.src(), word);
  const uint8_t operation = i.operation();
  int64_t imm = i.imm;
  if (in_copy_) {
    // Whether it is a number can be asked before the steps are added.
    const bool equality = operation == kJeq || operation == kJne;
    const int64_t before = imm - steps_[i.dst()];
    if (equality && !word && !i.from_register() && before == int32_t(before)) {
      imm = before;
    } else {
      settle_for(i);
    }
  }
  if (operation == kJset) {
    i.from_register() ? a_.test(dst, src) : a_.test(dst, i.imm);
    return Condition::kNZ;
  }
  if (i.from_register()) {
    a_.cmp(dst, src);
  } else if (imm == 0) {
    a_.test(dst, dst);
  } else {
    a_.cmp(dst, imm);
  }
  switch (operation) {
    case kJeq:
      return Condition::kE;
    case kJne:
      return Condition::kNE;
    case kJgt:
      return Condition::kA;
    case kJge:
      return Condition::kAE;
    case kJlt:
      return Condition::kB;
    case kJle:
      return Condition::kBE;
    case kJsgt:
      return Condition::kG;
    case kJsge:
      return Condition::kGE;
    case kJslt:
      return Condition::kL;
    default:
      return Condition::kLE;
  }
}

void Compiler::emit_jump(const Instruction& i, uint32_t at) {
  if (i.is_exit()) return emit_exit();
  if (i.is_call()) return emit_call(i, at);
  const int32_t distance = i.distance();
  const Label target = at_[uint32_t(int64_t(at) + 1 + distance)];
  if (i.operation() == kJa) {
    if (distance >= 0) {
      a_.jmp(target);
    } else {
      a_.sub(kBudget, -distance);
      a_.jns(target);
      a_.jmp(stop(Fault::kBudget, at));
    }
    return;
  }
  const Condition taken = emit_compare(i);
  if (distance >= 0) {
    a_.j(taken, target);
    return;
  }
  const Label over = a_.newLabel();
  a_.j(x86::negateCond(taken), over);
  a_.sub(kBudget, -distance);
  a_.jns(target);
  a_.jmp(stop(Fault::kBudget, at));
  a_.bind(over);
}

// R1..R5 are zero after a call; nobody writes it down where nobody looks.
void Compiler::clear_arguments(uint32_t next) {
  forget_masked();
  const RegisterSet seen = analysis_.live[next] & kArgumentSet;
  for (unsigned reg = 1; reg <= 5; ++reg) {
    if ((seen & bit(reg)) != 0) a_.xor_(r32(reg), r32(reg));
  }
}

void Compiler::emit_call(const Instruction& i, uint32_t at) {
  if (i.opcode == kCallxOpcode) {
    emit_callx(i, at);
  } else if (i.src() == kCallLocal) {
    a_.call(local_[program_.function_at(uint32_t(int64_t(at) + 1 + i.imm))]);
  } else if (uint32_t(i.imm) < kFirstGate) {
    emit_helper(reinterpret_cast<const void*>(program_.helpers().find(uint32_t(i.imm))->function), at);
  } else {
    a_.mov(of_call(CallAccess::number(), 4), i.imm);
    emit_helper(reinterpret_cast<const void*>(&call_by_number), at);
  }
  clear_arguments(at + 1);
}

void Compiler::emit_helper(const void* function, uint32_t at) {
  forget_masked();
  if (charges_) a_.mov(of_call(CallAccess::budget(), 4), kBudget);
  // The sixth argument: the thread pointer is kept where it points.
  Mem self = x86::ptr_abs(0, 8);
  self.setSegment(x86::fs);
  a_.mov(x86::r9, self);
  a_.add(x86::r9, int32_t(call_offset_));
  const uint64_t target = reinterpret_cast<uint64_t>(function);
  const int64_t distance = int64_t(target - (base_ + a_.offset()));
  if (base_ != Globals::kNoBaseAddress && distance > INT32_MIN + 4096 && distance < INT32_MAX - 4096) {
    a_.call(target);
  } else {
    a_.mov(x86::r10, target);
    a_.call(x86::r10);
  }
  if (charges_) a_.mov(kBudget, of_call(CallAccess::budget(), 4));
  a_.cmp(of_call(CallAccess::fault(), 4), 0);
  a_.jne(stop(Fault::kNone, at));
}

// A function of the program, or by its number a helper or gate.
void Compiler::emit_callx(const Instruction& i, uint32_t at) {
  const uint32_t count = uint32_t(local_.size());
  const Label by_number = a_.newLabel(), done = a_.newLabel();
  const Gp index = scratch(0), table = scratch(1);
  a_.mov(index.r32(), r32(i.callx_register()));
  a_.sub(index.r32(), int32_t(kText));
  a_.cmp(index.r32(), count);
  a_.jae(by_number);
  // Also when it only speculates that the index is good.
  a_.and_(index.r32(), std::bit_ceil(count) - 1);
  a_.lea(table, x86::ptr(table_));
  a_.movsxd(index, x86::dword_ptr(table, index, 2));
  a_.add(index, table);
  a_.call(index);
  a_.jmp(done);
  a_.bind(by_number);
  a_.mov(of_call(CallAccess::number(), 4), r32(i.callx_register()));
  emit_helper(reinterpret_cast<const void*>(&call_by_number), at);
  a_.bind(done);
}

}  // namespace weft::vm::x86_64
