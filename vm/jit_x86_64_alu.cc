// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "vm/jit_x86_64.h"

namespace weft::vm::x86_64 {

using namespace asmjit;

void Compiler::emit_constant(uint32_t at, uint64_t value) {
  const unsigned reg = program_.text()[at].dst();
  if (!is_only_address(at, uint32_t(value))) load_constant(r64(reg), value);
  wrote(reg);
  known_[reg] = {true, uint32_t(value)};
}

// Whether nothing but the next instruction looks at this constant, and that for an address.
bool Compiler::is_only_address(uint32_t at, uint32_t value) const {
  const auto text = program_.text();
  const uint32_t next = at + (text[at].is_lddw() ? 2 : 1), reg = text[at].dst();
  if (next >= function_->end || analysis_.is_target[next] != 0) return false;
  const Instruction& i = text[next];
  if (!is_plain_memory(i) || base_of(i) != reg || displacement(value + uint32_t(int32_t{i.offset})) < 0)
    return false;
  if (i.cls() == kLdx && i.dst() == reg) return true;
  return (i.cls() != kStx || i.src() != reg) && (analysis_.live[next + 1] & bit(reg)) == 0;
}

void Compiler::load_constant(const Gp& to, uint64_t value) {
  if (value == 0) {
    a_.xor_(to.r32(), to.r32());
  } else if (value <= UINT32_MAX) {
    a_.mov(to.r32(), uint32_t(value));
  } else {
    a_.mov(to, int64_t(value));
  }
}

void Compiler::emit_alu(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word), src = sized(i.src(), word);
  const auto either = [&](auto from_register, auto from_imm) {
    i.from_register() ? from_register() : from_imm();
  };
  switch (i.operation()) {
    case kAdd:
      return emit_add(i);
    case kSub:
      either([&] { a_.sub(dst, src); }, [&] { a_.sub(dst, i.imm); });
      break;
    case kOr:
      either([&] { a_.or_(dst, src); }, [&] { a_.or_(dst, i.imm); });
      break;
    case kAnd:
      either([&] { a_.and_(dst, src); }, [&] { a_.and_(dst, i.imm); });
      break;
    case kXor:
      either([&] { a_.xor_(dst, src); }, [&] { a_.xor_(dst, i.imm); });
      break;
    case kMul:
      emit_mul(i);
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
      a_.neg(dst);
      break;
    case kMov:
      emit_mov(i);
      break;
    default:
      emit_end(i);
      break;
  }
  wrote(i.dst());
}

// A pointer that moves on by a constant is still known as an address.
void Compiler::emit_add(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word);
  if (i.from_register()) {
    a_.add(dst, sized(i.src(), word));
    return wrote(i.dst());
  }
  a_.add(dst, i.imm);
  word ? wrote(i.dst()) : moved(i.dst(), i.imm);
}

void Compiler::emit_mov(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word), src = r64(i.src());
  switch (i.offset) {
    case 8:
      a_.movsx(dst, src.r8());
      break;
    case 16:
      a_.movsx(dst, src.r16());
      break;
    case 32:
      a_.movsxd(dst, src.r32());
      break;
    default:
      a_.mov(dst, sized(i.src(), word));
      break;
  }
}

// Whether a register and a constant are added into another register, which takes two
// instructions of the program, and one of the machine.
bool Compiler::is_moved_sum(uint32_t at) const {
  const auto text = program_.text();
  const uint32_t next = at + 1;
  if (in_copy_ || next >= function_->end || analysis_.is_target[next] != 0) return false;
  const Instruction &mov = text[at], &add = text[next];
  return mov.opcode == (kAlu64 | kMov | kFromRegister) && mov.offset == 0 && mov.src() != mov.dst() &&
         add.opcode == (kAlu64 | kAdd) && add.dst() == mov.dst();
}

uint32_t Compiler::emit_moved_sum(uint32_t at) {
  const Instruction &mov = program_.text()[at], &add = program_.text()[at + 1];
  a_.lea(r64(mov.dst()), x86::ptr(r64(mov.src()), add.imm));
  wrote(mov.dst());
  return at + 1;
}

void Compiler::emit_mul(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word);
  if (i.from_register()) {
    a_.imul(dst, sized(i.src(), word));
  } else {
    a_.imul(dst, dst, i.imm);
  }
}

// Unsigned, by zero or a power of two.
bool Compiler::emit_division_by_constant(const Instruction& i) {
  if (i.from_register()) return false;
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word);
  if (i.imm == 0) {
    if (i.operation() == kDiv) {
      a_.xor_(r32(i.dst()), r32(i.dst()));
    } else if (word) {
      a_.mov(dst, dst);
    }
    return true;
  }
  if (i.offset == 1 || i.imm < 0 || !std::has_single_bit(uint32_t(i.imm))) return false;
  if (i.operation() == kMod) {
    a_.and_(dst, i.imm - 1);
  } else if (i.imm > 1) {
    a_.shr(dst, std::countr_zero(uint32_t(i.imm)));
  } else if (word) {
    a_.mov(dst, dst);
  }
  return true;
}

// RFC 9669, 4.1: what the machine would trap on is decided before.
void Compiler::emit_division(const Instruction& i) {
  if (emit_division_by_constant(i)) return;
  const bool word = i.cls() == kAlu, is_signed = i.offset == 1, is_div = i.operation() == kDiv;
  const Gp dst = sized(i.dst(), word);
  const Gp divisor = sized(x86::r10, word), low = sized(x86::rax, word), high = sized(x86::rdx, word);
  const bool keep_low = i.dst() != 0, keep_high = i.dst() != 3;
  const Label by_zero = a_.newLabel(), by_minus_one = a_.newLabel(), done = a_.newLabel();
  scratch(0);
  scratch(1);
  if (i.from_register()) {
    a_.mov(divisor, sized(i.src(), word));
    a_.test(divisor, divisor);
    a_.jz(by_zero);
  } else {
    load_constant(x86::r10, word ? uint32_t(i.imm) : uint64_t(int64_t(i.imm)));
  }
  if (is_signed) {
    a_.cmp(divisor, -1);
    a_.je(by_minus_one);
  }
  if (keep_low) a_.mov(x86::r11, x86::rax);
  if (keep_high) a_.push(x86::rdx);
  if (keep_low) a_.mov(low, dst);
  if (is_signed) {
    word ? a_.cdq() : a_.cqo();
    a_.idiv(divisor);
  } else {
    a_.xor_(x86::edx, x86::edx);
    a_.div(divisor);
  }
  a_.mov(divisor, is_div ? low : high);
  if (keep_high) a_.pop(x86::rdx);
  if (keep_low) a_.mov(x86::rax, x86::r11);
  a_.mov(dst, divisor);
  a_.jmp(done);
  if (is_signed) {
    a_.bind(by_minus_one);
    is_div ? a_.neg(dst) : a_.xor_(r32(i.dst()), r32(i.dst()));
    a_.jmp(done);
  }
  if (i.from_register()) {
    a_.bind(by_zero);
    if (is_div) {
      a_.xor_(r32(i.dst()), r32(i.dst()));
    } else if (word) {
      a_.mov(dst, dst);
    }
  }
  a_.bind(done);
}

void Compiler::emit_shift(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const Gp dst = sized(i.dst(), word), src = sized(i.src(), word);
  if (!i.from_register()) {
    const int32_t by = i.imm & (word ? 31 : 63);
    if (by == 0) {
      if (word) a_.mov(dst, dst);
    } else if (i.operation() == kLsh) {
      a_.shl(dst, by);
    } else {
      i.operation() == kRsh ? a_.shr(dst, by) : a_.sar(dst, by);
    }
  } else if (!bmi2_) {
    emit_shift_without_bmi2(i);
  } else if (i.operation() == kLsh) {
    a_.shlx(dst, dst, src);
  } else {
    i.operation() == kRsh ? a_.shrx(dst, dst, src) : a_.sarx(dst, dst, src);
  }
}

// The count has to be in cl, which is R4.
void Compiler::emit_shift_without_bmi2(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  scratch(0);
  scratch(1);
  const Gp value = sized(x86::r10, word);
  a_.mov(x86::r11, x86::rcx);
  a_.mov(value, sized(i.dst(), word));
  a_.mov(x86::ecx, r32(i.src()));
  if (i.operation() == kLsh) {
    a_.shl(value, x86::cl);
  } else {
    i.operation() == kRsh ? a_.shr(value, x86::cl) : a_.sar(value, x86::cl);
  }
  a_.mov(x86::rcx, x86::r11);
  // A shift by zero leaves the high half as it was; this does not.
  a_.mov(sized(i.dst(), word), value);
}

// RFC 9669, 4.2, on a little-endian machine.
void Compiler::emit_end(const Instruction& i) {
  const bool swaps = i.cls() == kAlu64 || i.from_register();
  const Gp dst = r64(i.dst());
  switch (i.imm) {
    case 16:
      if (swaps) a_.rol(dst.r16(), 8);
      a_.movzx(dst.r32(), dst.r16());
      break;
    case 32:
      swaps ? a_.bswap(dst.r32()) : a_.mov(dst.r32(), dst.r32());
      break;
    default:
      if (swaps) a_.bswap(dst);
      break;
  }
}

}  // namespace weft::vm::x86_64
