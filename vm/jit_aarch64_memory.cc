// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "vm/jit_aarch64.h"

namespace weft::vm::aarch64 {

using namespace asmjit;

void Compiler::add_constant(const Gp& to, int64_t value) {
  if (value == 0) return;
  if (std::abs(value) < 4096) {
    value > 0 ? a_.add(to, to, Imm(value)) : a_.sub(to, to, Imm(-value));
    return;
  }
  const bool word = to.isGpW();
  const Gp constant = sized(a64::x10, word);
  word ? a_.mov(constant, Imm(uint32_t(value))) : a_.mov(constant, Imm(value));
  a_.add(to, to, constant);
}

a64::Gp Compiler::address(unsigned base, int32_t offset) {
  // A 32-bit move is the mask.
  a_.mov(a64::w9, sized(base, true));
  if (options_.kind == ArenaKind::kPacked) {
    add_constant(a64::w9, offset);
    a_.uxth(a64::w9, a64::w9);
    offset = 0;
  }
  a_.add(a64::x9, a64::x26, a64::x9);
  add_constant(a64::x9, offset);
  return a64::x9;
}

void Compiler::emit_memory(const Instruction& i, uint32_t at) {
  if (i.cls() == kStx && i.mode() == kAtomic) return emit_atomic(i, at);
  const Gp where = address(i.cls() == kLdx ? i.src() : i.dst(), i.offset);
  mark(at);
  i.cls() == kLdx ? emit_load(i, where) : emit_store(i, where);
}

void Compiler::emit_load(const Instruction& i, const Gp& address) {
  const Gp x = r64(i.dst()), w = sized(i.dst(), true);
  const a64::Mem from = a64::ptr(address);
  const bool extends = i.mode() == kMemSx;
  switch (i.size()) {
    case kB:
      extends ? a_.ldrsb(x, from) : a_.ldrb(w, from);
      break;
    case kH:
      extends ? a_.ldrsh(x, from) : a_.ldrh(w, from);
      break;
    case kW:
      extends ? a_.ldrsw(x, from) : a_.ldr(w, from);
      break;
    default:
      a_.ldr(x, from);
      break;
  }
}

void Compiler::emit_store(const Instruction& i, const Gp& address) {
  Gp value = r64(i.src());
  if (i.cls() == kSt) {
    value = a64::x10;
    a_.mov(value, Imm(int64_t(i.imm)));
  }
  const a64::Mem to = a64::ptr(address);
  switch (i.size()) {
    case kB:
      a_.strb(value.w(), to);
      break;
    case kH:
      a_.strh(value.w(), to);
      break;
    case kW:
      a_.str(value.w(), to);
      break;
    default:
      a_.str(value, to);
      break;
  }
}

// RFC 9669, 5.3: as loops, which every ARMv8 has.  Also a comparison that fails writes, so
// that read-only memory faults in any case, as on x86-64.
void Compiler::emit_atomic(const Instruction& i, uint32_t at) {
  const bool word = i.size() == kW;
  const Gp src = sized(i.src(), word), old = sized(a64::x11, word), changed = sized(a64::x12, word);
  const Gp where = address(i.dst(), i.offset);
  a_.tst(where, Imm(i.bytes() - 1));
  a_.b(Condition::kNE, stop(Fault::kAlignment, at));
  const Label again = a_.newLabel();
  mark(at);
  a_.bind(again);
  a_.ldaxr(old, a64::ptr(where));
  switch (i.imm & ~kFetch) {
    case kAtomicAdd:
      a_.add(changed, old, src);
      break;
    case kAtomicOr:
      a_.orr(changed, old, src);
      break;
    case kAtomicAnd:
      a_.and_(changed, old, src);
      break;
    case kAtomicXor:
      a_.eor(changed, old, src);
      break;
    case kXchg & ~kFetch:
      a_.mov(changed, src);
      break;
    default:
      a_.cmp(old, sized(0, word));
      a_.csel(changed, src, old, Condition::kEQ);
      break;
  }
  if (word) {
    a_.stlxr(a64::w13, changed, a64::ptr(where));
  } else {
    // stlxr w13, x12, [x9], which asmjit 1.9 takes with a word only.
    a_.embedUInt32(0xc800fc00 | 13 << 16 | 9 << 5 | 12);
  }
  a_.cbnz(a64::w13, again);
  if ((i.imm & kFetch) != 0) a_.mov(i.imm == kCmpXchg ? sized(0, word) : src, old);
}

}  // namespace weft::vm::aarch64
