// SPDX-License-Identifier: Apache-2.0
#include "vm/decode.h"

#include "vm/program.h"

namespace weft::vm {

namespace {

// Of the four variants that begin with `first`.
Op variant(Op first, const Instruction& i) {
  const bool word = i.cls() == kAlu || i.cls() == kJmp32;
  return Op(uint16_t(first) + (word ? 2 : 0) + (i.from_register() ? 1 : 0));
}

Op decode_end(const Instruction& i) {
  const unsigned which = i.imm == 16 ? 0 : i.imm == 32 ? 1 : 2;
  const bool swaps = i.cls() == kAlu64 || i.from_register();
  return Op(uint16_t(swaps ? Op::kSwap16 : Op::kLow16) + which);
}

Op decode_extension(const Instruction& i) {
  if (i.cls() == kAlu64) return i.offset == 8 ? Op::kSx8To64 : i.offset == 16 ? Op::kSx16To64 : Op::kSx32To64;
  return i.offset == 8 ? Op::kSx8To32 : Op::kSx16To32;
}

Op decode_alu(const Instruction& i) {
  switch (i.operation()) {
    case kAdd:
      return variant(Op::kAdd64K, i);
    case kSub:
      return variant(Op::kSub64K, i);
    case kMul:
      return variant(Op::kMul64K, i);
    case kDiv:
      return variant(i.offset == 1 ? Op::kSdiv64K : Op::kDiv64K, i);
    case kOr:
      return variant(Op::kOr64K, i);
    case kAnd:
      return variant(Op::kAnd64K, i);
    case kLsh:
      return variant(Op::kLsh64K, i);
    case kRsh:
      return variant(Op::kRsh64K, i);
    case kNeg:
      return i.cls() == kAlu64 ? Op::kNeg64 : Op::kNeg32;
    case kMod:
      return variant(i.offset == 1 ? Op::kSmod64K : Op::kMod64K, i);
    case kXor:
      return variant(Op::kXor64K, i);
    case kArsh:
      return variant(Op::kArsh64K, i);
    case kEnd:
      return decode_end(i);
    default:
      return i.offset != 0 ? decode_extension(i) : variant(Op::kMov64K, i);
  }
}

Op decode_call(const Instruction& i) {
  if (i.opcode == kCallxOpcode) return Op::kCallx;
  if (i.src() == kCallLocal) return Op::kCallLocal;
  return uint32_t(i.imm) < kFirstGate ? Op::kCallHelper : Op::kCallNumber;
}

Op decode_jump(const Instruction& i) {
  switch (i.operation()) {
    case kJa:
      return Op::kJa;
    case kJeq:
      return variant(Op::kJeq64K, i);
    case kJgt:
      return variant(Op::kJgt64K, i);
    case kJge:
      return variant(Op::kJge64K, i);
    case kJset:
      return variant(Op::kJset64K, i);
    case kJne:
      return variant(Op::kJne64K, i);
    case kJsgt:
      return variant(Op::kJsgt64K, i);
    case kJsge:
      return variant(Op::kJsge64K, i);
    case kCall:
      return decode_call(i);
    case kExit:
      return Op::kExit;
    case kJlt:
      return variant(Op::kJlt64K, i);
    case kJle:
      return variant(Op::kJle64K, i);
    case kJslt:
      return variant(Op::kJslt64K, i);
    default:
      return variant(Op::kJsle64K, i);
  }
}

Op decode_atomic(const Instruction& i) {
  const auto of = [&](Op word) { return Op(uint16_t(word) + (i.size() == kDw ? 1 : 0)); };
  switch (i.imm) {
    case kAtomicAdd:
      return of(Op::kAtomicAdd32);
    case kAtomicOr:
      return of(Op::kAtomicOr32);
    case kAtomicAnd:
      return of(Op::kAtomicAnd32);
    case kAtomicXor:
      return of(Op::kAtomicXor32);
    case kAtomicAdd | kFetch:
      return of(Op::kFetchAdd32);
    case kAtomicOr | kFetch:
      return of(Op::kFetchOr32);
    case kAtomicAnd | kFetch:
      return of(Op::kFetchAnd32);
    case kAtomicXor | kFetch:
      return of(Op::kFetchXor32);
    case kXchg:
      return of(Op::kXchg32);
    default:
      return of(Op::kCmpXchg32);
  }
}

Op decode_memory(const Instruction& i) {
  const unsigned size = i.size() == kB ? 0 : i.size() == kH ? 1 : i.size() == kW ? 2 : 3;
  const auto of = [&](Op byte) { return Op(uint16_t(byte) + size); };
  switch (i.cls()) {
    case kLdx:
      return of(i.mode() == kMemSx ? Op::kLoadSx8 : Op::kLoad8);
    case kSt:
      return of(Op::kPut8);
    case kStx:
      return i.mode() == kAtomic ? decode_atomic(i) : of(Op::kStore8);
    default:
      return Op::kLddw;
  }
}

}  // namespace

Op decode(const Instruction& i) {
  switch (i.cls()) {
    case kAlu:
    case kAlu64:
      return decode_alu(i);
    case kJmp:
    case kJmp32:
      return decode_jump(i);
    default:
      return decode_memory(i);
  }
}

}  // namespace weft::vm
