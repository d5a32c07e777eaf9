// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "vm/jit_x86_64.h"

namespace weft::vm::x86_64 {

using namespace asmjit;

x86::Gp Compiler::scratch(unsigned which) {
  masked_[which] = {};
  return which == 0 ? x86::r10 : x86::r11;
}

void Compiler::wrote(unsigned reg) {
  steps_[reg] = 0;
  known_[reg] = {};
  forget(reg);
}

void Compiler::forget(unsigned reg) {
  for (Masked& m : masked_) {
    if (m.reg == reg) m = {};
  }
}

void Compiler::moved(unsigned reg, int32_t by) {
  known_[reg].low += uint32_t(by);
  for (Masked& m : masked_) {
    if (m.reg != reg) continue;
    const int64_t total = int64_t(m.moved) + by;
    m = std::abs(total) <= kReach ? Masked{reg, int32_t(total)} : Masked{};
  }
}

// A register with the low half of `reg`, to which `offset`, as changed, has to be added.
x86::Gp Compiler::masked(unsigned reg, int32_t& offset) {
  for (unsigned which = 0; which < masked_.size(); ++which) {
    const Masked& m = masked_[which];
    if (m.reg != reg || std::abs(m.moved + offset) > kReach) continue;
    offset += m.moved;
    return which == 0 ? x86::r10 : x86::r11;
  }
  forget(reg);
  const unsigned which = next_masked_;
  next_masked_ ^= 1;
  const Gp to = scratch(which);
  // A 32-bit move is the mask.
  a_.mov(to.r32(), r32(reg));
  masked_[which] = {reg, 0};
  return to;
}

int32_t Compiler::displacement(uint32_t address) const {
  return int32_t(options_.kind == ArenaKind::kPacked ? address & kPackedMask : address);
}

// R10 needs no mask: nobody writes it, and it is far enough from both ends.  An address that is
// known is masked here and now.
x86::Mem Compiler::place(unsigned base, int32_t offset, unsigned bytes) {
  if (const Known& known = known_[base]; known.any) {
    const int32_t at = displacement(known.low + uint32_t(offset));
    if (at >= 0) return x86::ptr(x86::r12, at, bytes);
  }
  if (options_.kind == ArenaKind::kPacked) return packed_place(base, offset, bytes);
  if (base == kFrameRegister) return x86::ptr(x86::r12, x86::rbp, 0, offset, bytes);
  const Gp index = masked(base, offset);
  return x86::ptr(x86::r12, index, 0, offset, bytes);
}

// The mask comes after the offset: behind a packed arena is another one.
x86::Mem Compiler::packed_place(unsigned base, int32_t offset, unsigned bytes) {
  // Of every frame, whatever R10 is, this lies inside.
  constexpr int32_t kOrigin = int32_t(kStack / kPackedBytes * kPackedBytes);
  if (base == kFrameRegister && offset >= -int32_t(kFrameBytes)) {
    return x86::ptr(x86::r12, x86::rbp, 0, offset - kOrigin, bytes);
  }
  const Gp to = scratch(0);
  if (offset == 0) {
    a_.movzx(to.r32(), r64(base).r16());
  } else {
    a_.lea(to.r32(), x86::ptr(r64(base), offset));
    a_.movzx(to.r32(), to.r16());
  }
  return x86::ptr(x86::r12, to, 0, 0, bytes);
}

void Compiler::emit_memory(const Instruction& i, uint32_t at) {
  if (i.cls() == kLdx) {
    mark(at);
    return emit_load(i);
  }
  if (i.cls() == kStx && i.mode() == kAtomic) return emit_atomic(i, at);
  mark(at);
  emit_store(i);
}

void Compiler::emit_load(const Instruction& i) {
  const Mem from = place(i.src(), i.offset + steps_[i.src()], i.bytes());
  const Gp dst = r64(i.dst());
  if (i.mode() == kMemSx) {
    i.size() == kW ? a_.movsxd(dst, from) : a_.movsx(dst, from);
  } else if (i.size() == kB || i.size() == kH) {
    a_.movzx(dst.r32(), from);
  } else {
    a_.mov(i.size() == kW ? dst.r32() : dst, from);
  }
  wrote(i.dst());
}

void Compiler::emit_store(const Instruction& i) {
  const Mem to = place(i.dst(), i.offset + steps_[i.dst()], i.bytes());
  if (i.cls() == kSt) {
    // The assembler takes the immediate at its size; of 8 bytes, 4 that are extended.
    const int64_t value = i.size() == kB ? int8_t(i.imm) : i.size() == kH ? int16_t(i.imm) : i.imm;
    a_.mov(to, value);
    return;
  }
  const Gp src = r64(i.src());
  switch (i.size()) {
    case kB:
      a_.mov(to, src.r8());
      break;
    case kH:
      a_.mov(to, src.r16());
      break;
    case kW:
      a_.mov(to, src.r32());
      break;
    default:
      a_.mov(to, src);
      break;
  }
}

// RFC 9669, 5.3.
void Compiler::emit_atomic(const Instruction& i, uint32_t at) {
  const bool word = i.size() == kW;
  const Gp src = sized(i.src(), word);
  // Addresses are multiples of the size: a locked access across two lines stops all CPUs.
  const Gp address = scratch(0);
  a_.lea(address.r32(), x86::ptr(r64(i.dst()), i.offset));
  a_.test(address.r8(), int32_t(i.bytes() - 1));
  a_.jnz(stop(Fault::kAlignment, at));
  if (options_.kind == ArenaKind::kPacked) a_.movzx(address.r32(), address.r16());
  mark(at);
  // What wrapped around was in the guard before, and is so now.
  const Mem to = x86::ptr(x86::r12, address, 0, 0, i.bytes());
  switch (i.imm) {
    case kAtomicAdd:
      a_.lock().add(to, src);
      return;
    case kAtomicOr:
      a_.lock().or_(to, src);
      return;
    case kAtomicAnd:
      a_.lock().and_(to, src);
      return;
    case kAtomicXor:
      a_.lock().xor_(to, src);
      return;
    case kAtomicAdd | kFetch:
      a_.lock().xadd(to, src);
      break;
    case kXchg:
      a_.xchg(to, src);
      break;
    case kCmpXchg:
      a_.lock().cmpxchg(to, src);
      // Where it succeeds, eax is left alone, and with it what is above.
      if (word) a_.mov(x86::eax, x86::eax);
      return wrote(0);
    default:
      emit_fetch(i, to);
      break;
  }
  wrote(i.src());
}

// or, and, xor that want the old value: a loop around cmpxchg, which wants rax.
void Compiler::emit_fetch(const Instruction& i, const Mem& to) {
  const bool word = i.size() == kW, into_r0 = i.src() == 0;
  const unsigned spare = i.src() == 3 ? 4 : 3;
  const Gp changed = sized(spare, word), old = sized(x86::rax, word);
  const Gp value = into_r0 ? sized(x86::r11, word) : sized(i.src(), word);
  const Label again = a_.newLabel();
  scratch(1);
  a_.mov(x86::r11, x86::rax);
  a_.push(r64(spare));
  a_.mov(old, to);
  a_.bind(again);
  a_.mov(changed, old);
  switch (i.imm & ~kFetch) {
    case kAtomicOr:
      a_.or_(changed, value);
      break;
    case kAtomicAnd:
      a_.and_(changed, value);
      break;
    default:
      a_.xor_(changed, value);
      break;
  }
  a_.lock().cmpxchg(to, changed);
  a_.jnz(again);
  a_.pop(r64(spare));
  // A failed 32-bit cmpxchg clears what is above eax, and so did the load.
  if (into_r0) return;
  a_.mov(sized(i.src(), word), old);
  a_.mov(x86::rax, x86::r11);
}

}  // namespace weft::vm::x86_64
