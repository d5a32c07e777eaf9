// SPDX-License-Identifier: Apache-2.0
#include "vm/jit_aarch64.h"

namespace weft::vm::aarch64 {

using namespace asmjit;

a64::Gp Compiler::operand(const Instruction& i, bool word) {
  if (i.from_register()) return sized(i.src(), word);
  const Gp constant = sized(a64::x10, word);
  word ? a_.mov(constant, Imm(uint32_t(i.imm))) : a_.mov(constant, Imm(int64_t(i.imm)));
  return constant;
}

void Compiler::emit_alu(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word);
  switch (i.operation()) {
    case kAdd:
      a_.add(dst, dst, operand(i, word));
      break;
    case kSub:
      a_.sub(dst, dst, operand(i, word));
      break;
    case kMul:
      a_.mul(dst, dst, operand(i, word));
      break;
    case kOr:
      a_.orr(dst, dst, operand(i, word));
      break;
    case kAnd:
      a_.and_(dst, dst, operand(i, word));
      break;
    case kXor:
      a_.eor(dst, dst, operand(i, word));
      break;
    case kDiv:
    case kMod:
      emit_division(i);
      break;
    case kLsh:
    case kRsh:
    case kArsh:
      emit_shift(i);
      break;
    case kNeg:
      a_.neg(dst, dst);
      break;
    case kMov:
      emit_mov(i);
      break;
    default:
      emit_end(i);
      break;
  }
}

void Compiler::emit_mov(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word);
  const Gp src = r64(i.src());
  switch (i.from_register() ? i.offset : 0) {
    case 8:
      a_.sxtb(dst, src.w());
      break;
    case 16:
      a_.sxth(dst, src.w());
      break;
    case 32:
      a_.sxtw(dst, src.w());
      break;
    default:
      a_.mov(dst, operand(i, word));
      break;
  }
}

// The machine divides by zero, and the smallest number by -1, as RFC 9669 wants it.
void Compiler::emit_division(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word), by = operand(i, word), quotient = sized(a64::x11, word);
  i.offset == 1 ? a_.sdiv(quotient, dst, by) : a_.udiv(quotient, dst, by);
  if (i.operation() == kDiv) {
    a_.mov(dst, quotient);
  } else {
    a_.msub(dst, quotient, by, dst);
  }
}

void Compiler::emit_shift(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word), by = operand(i, word);
  switch (i.operation()) {
    case kLsh:
      a_.lslv(dst, dst, by);
      break;
    case kRsh:
      a_.lsrv(dst, dst, by);
      break;
    default:
      a_.asrv(dst, dst, by);
      break;
  }
}

// RFC 9669, 4.2, on a little-endian machine.
void Compiler::emit_end(const Instruction& i) {
  const bool swaps = i.cls() == kAlu64 || i.from_register();
  const Gp x = r64(i.dst()), w = sized(i.dst(), true);
  switch (i.imm) {
    case 16:
      if (swaps) a_.rev16(w, w);
      a_.uxth(w, w);
      break;
    case 32:
      swaps ? a_.rev(w, w) : a_.mov(w, w);
      break;
    default:
      if (swaps) a_.rev(x, x);
      break;
  }
}

}  // namespace weft::vm::aarch64
