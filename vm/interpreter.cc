// SPDX-License-Identifier: Apache-2.0
#include "vm/interpreter.h"

#include <cstring>

#include "base/bytes.h"
#include "vm/arithmetic.h"
#include "vm/decode.h"
#include "vm/instance.h"
#include "vm/speculation.h"

namespace weft::vm {

namespace {

// The host address of an access, or null.  `at` is the low half of a register plus an offset,
// not wrapped.
inline uint8_t* reach(const Extent& e, uint8_t* base, uint64_t at, unsigned bytes) {
  const bool good = at >= e.begin && at < e.end && e.end - at >= bytes;
  return good ? base + at : nullptr;
}

// Of the frame that called.
struct Frame {
  const Decoded::Operation* back;
  uint64_t saved[4];  // R6..R9
};

template <typename T, typename F>
T fetch_and(T* at, F change) {
  T old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(at, &old, T(change(old)), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
  }
  return old;
}

}  // namespace

Decoded::Decoded(const Program& program)
    : functions_(program.functions().begin(), program.functions().end()), helpers_(&program.helpers()) {
  const auto text = program.text();
  operations_.resize(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    const Instruction& i = text[at];
    const Op code = decode(i);
    Operation& o = operations_[at];
    o = {uint16_t(code), uint8_t(i.dst()), uint8_t(i.src()), i.is_jump() ? i.distance() : i.offset, i.imm};
    if (code == Op::kLddw) {
      o.imm = int64_t(uint32_t(i.imm) | uint64_t(uint32_t(text[at + 1].imm)) << 32);
      operations_[++at] = {uint16_t(Op::kExit), 0, 0, 0, 0};  // never reached
    } else if (code == Op::kCallLocal) {
      o.imm = program.function_at(uint32_t(int64_t(at) + 1 + i.imm));
    } else if (code == Op::kCallx) {
      o.src = uint8_t(i.callx_register());
    }
  }
}

// The threaded loop.  Each operation ends by jumping to the next one's code.
Outcome Decoded::run(uint32_t function, const uint64_t* arguments, Call& call, uint32_t& pc) const {
#if defined(__GNUC__)
  static const void* const kLabels[] = {
#define WEFT_VM_LABEL(name) &&do_##name,
      WEFT_VM_OPERATIONS(WEFT_VM_LABEL)
#undef WEFT_VM_LABEL
  };
#define OP(name) do_##name:
#define DISPATCH() goto* kLabels[o->code]
#else
#define OP(name) case Op::k##name:
#define DISPATCH() goto dispatch
#endif
#define NEXT()  \
  do {          \
    ++o;        \
    DISPATCH(); \
  } while (false)
#define FAIL(why) \
  do {            \
    fault = why;  \
    goto stop;    \
  } while (false)

  uint64_t r[kRegisters] = {};
  std::memcpy(&r[1], arguments, 5 * sizeof(uint64_t));
  r[kFrameRegister] = kStackTop;
  Arena& arena = call.arena();
  uint8_t* const base = arena.base();
  const bool packed = arena.kind() == ArenaKind::kPacked;
  int32_t& budget = CallAccess::budget(call);
  Fault fault = Fault::kNone;
  Frame frames[kFrames];
  unsigned depth = 0;
  const Operation* o = &operations_[functions_[function].begin];
  uint32_t callee = 0;
  DISPATCH();

#if !defined(__GNUC__)
dispatch:
  switch (Op(o->code)) {
#endif

#define WIDE_K uint64_t(o->imm)
#define WIDE_X r[o->src]
#define WORD_K uint32_t(o->imm)
#define WORD_X uint32_t(r[o->src])
#define ALU(name, wide, word)                           \
  OP(name##64K) {                                       \
    const uint64_t a = r[o->dst], b = WIDE_K;           \
    r[o->dst] = wide;                                   \
    NEXT();                                             \
  }                                                     \
  OP(name##64X) {                                       \
    const uint64_t a = r[o->dst], b = WIDE_X;           \
    r[o->dst] = wide;                                   \
    NEXT();                                             \
  }                                                     \
  OP(name##32K) {                                       \
    const uint32_t a = uint32_t(r[o->dst]), b = WORD_K; \
    r[o->dst] = uint32_t(word);                         \
    NEXT();                                             \
  }                                                     \
  OP(name##32X) {                                       \
    const uint32_t a = uint32_t(r[o->dst]), b = WORD_X; \
    r[o->dst] = uint32_t(word);                         \
    NEXT();                                             \
  }
    ALU(Add, a + b, a + b)
    ALU(Sub, a - b, a - b)
    ALU(Mul, a * b, a * b)
    ALU(Div, divide(a, b), divide(a, b))
    ALU(Sdiv, divide_signed(a, b), divide_signed(a, b))
    ALU(Mod, modulo(a, b), modulo(a, b))
    ALU(Smod, modulo_signed(a, b), modulo_signed(a, b))
    ALU(Or, a | b, a | b)
    ALU(And, a & b, a & b)
    ALU(Xor, a ^ b, a ^ b)
    ALU(Lsh, shift_left(a, b), shift_left(a, b))
    ALU(Rsh, shift_right(a, b), shift_right(a, b))
    ALU(Arsh, shift_arithmetic(a, b), shift_arithmetic(a, b))
    ALU(Mov, (static_cast<void>(a), b), (static_cast<void>(a), b))
#undef ALU

    OP(Neg64) {
      r[o->dst] = 0 - r[o->dst];
      NEXT();
    }
    OP(Neg32) {
      r[o->dst] = uint32_t(0 - uint32_t(r[o->dst]));
      NEXT();
    }
#define EXTEND(name, from, to)                          \
  OP(name) {                                            \
    r[o->dst] = uint64_t(to(int64_t(from(r[o->src])))); \
    NEXT();                                             \
  }
    EXTEND(Sx8To64, int8_t, uint64_t)
    EXTEND(Sx16To64, int16_t, uint64_t)
    EXTEND(Sx32To64, int32_t, uint64_t)
    EXTEND(Sx8To32, int8_t, uint32_t)
    EXTEND(Sx16To32, int16_t, uint32_t)
#undef EXTEND
    OP(Swap16) {
      r[o->dst] = __builtin_bswap16(uint16_t(r[o->dst]));
      NEXT();
    }
    OP(Swap32) {
      r[o->dst] = __builtin_bswap32(uint32_t(r[o->dst]));
      NEXT();
    }
    OP(Swap64) {
      r[o->dst] = __builtin_bswap64(r[o->dst]);
      NEXT();
    }
    OP(Low16) {
      r[o->dst] = uint16_t(r[o->dst]);
      NEXT();
    }
    OP(Low32) {
      r[o->dst] = uint32_t(r[o->dst]);
      NEXT();
    }
    OP(Low64) { NEXT(); }

    // A jump that is taken; backwards it is paid for.
#define JUMP()                                                            \
  do {                                                                    \
    if (o->offset < 0 && (budget += o->offset) < 0) FAIL(Fault::kBudget); \
    o += o->offset + 1;                                                   \
    DISPATCH();                                                           \
  } while (false)
#define CONDITION(name, condition, Wide, Word)        \
  OP(name##64K) {                                     \
    const Wide a = Wide(r[o->dst]), b = Wide(WIDE_K); \
    if (condition) JUMP();                            \
    NEXT();                                           \
  }                                                   \
  OP(name##64X) {                                     \
    const Wide a = Wide(r[o->dst]), b = Wide(WIDE_X); \
    if (condition) JUMP();                            \
    NEXT();                                           \
  }                                                   \
  OP(name##32K) {                                     \
    const Word a = Word(r[o->dst]), b = Word(WORD_K); \
    if (condition) JUMP();                            \
    NEXT();                                           \
  }                                                   \
  OP(name##32X) {                                     \
    const Word a = Word(r[o->dst]), b = Word(WORD_X); \
    if (condition) JUMP();                            \
    NEXT();                                           \
  }
    CONDITION(Jeq, a == b, uint64_t, uint32_t)
    CONDITION(Jne, a != b, uint64_t, uint32_t)
    CONDITION(Jgt, a > b, uint64_t, uint32_t)
    CONDITION(Jge, a >= b, uint64_t, uint32_t)
    CONDITION(Jlt, a < b, uint64_t, uint32_t)
    CONDITION(Jle, a <= b, uint64_t, uint32_t)
    CONDITION(Jsgt, a > b, int64_t, int32_t)
    CONDITION(Jsge, a >= b, int64_t, int32_t)
    CONDITION(Jslt, a < b, int64_t, int32_t)
    CONDITION(Jsle, a <= b, int64_t, int32_t)
    CONDITION(Jset, (a & b) != 0, uint64_t, uint32_t)
#undef CONDITION
    OP(Ja) { JUMP(); }

#define REACH(extent, base_register, bytes)                                                            \
  const uint64_t at = uint64_t(uint32_t(r[base_register])) + uint64_t(int64_t(o->offset));             \
  uint8_t* const host = packed ? base + (at & kPackedMask) : reach(arena.extent(at), base, at, bytes); \
  if (host == nullptr) FAIL(Fault::kAccess)
#define LOAD(name, T, To)                    \
  OP(name) {                                 \
    REACH(readable, o->src, sizeof(T));      \
    r[o->dst] = uint64_t(To(load<T>(host))); \
    NEXT();                                  \
  }
    LOAD(Load8, uint8_t, uint64_t)
    LOAD(Load16, uint16_t, uint64_t)
    LOAD(Load32, uint32_t, uint64_t)
    LOAD(Load64, uint64_t, uint64_t)
    LOAD(LoadSx8, int8_t, int64_t)
    LOAD(LoadSx16, int16_t, int64_t)
    LOAD(LoadSx32, int32_t, int64_t)
#undef LOAD
#define STORE(name, T, value)           \
  OP(name) {                            \
    REACH(writable, o->dst, sizeof(T)); \
    store(host, T(value));              \
    NEXT();                             \
  }
    STORE(Put8, uint8_t, o->imm)
    STORE(Put16, uint16_t, o->imm)
    STORE(Put32, uint32_t, o->imm)
    STORE(Put64, uint64_t, o->imm)
    STORE(Store8, uint8_t, r[o->src])
    STORE(Store16, uint16_t, r[o->src])
    STORE(Store32, uint32_t, r[o->src])
    STORE(Store64, uint64_t, r[o->src])
#undef STORE

#define ATOMIC(name, T, statement)                                                                     \
  OP(name) {                                                                                           \
    if (((uint32_t(r[o->dst]) + uint32_t(o->offset)) & (sizeof(T) - 1)) != 0) FAIL(Fault::kAlignment); \
    REACH(writable, o->dst, sizeof(T));                                                                \
    T* const p = reinterpret_cast<T*>(host);                                                           \
    const T v = T(r[o->src]);                                                                          \
    statement;                                                                                         \
    NEXT();                                                                                            \
  }
#define BOTH(name, statement) ATOMIC(name##32, uint32_t, statement) ATOMIC(name##64, uint64_t, statement)
    BOTH(AtomicAdd, __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST))
    BOTH(AtomicOr, __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST))
    BOTH(AtomicAnd, __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST))
    BOTH(AtomicXor, __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST))
    BOTH(FetchAdd, r[o->src] = __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST))
    BOTH(FetchOr, r[o->src] = __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST))
    BOTH(FetchAnd, r[o->src] = __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST))
    BOTH(FetchXor, r[o->src] = __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST))
    BOTH(Xchg, r[o->src] = __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
    ATOMIC(CmpXchg32, uint32_t, uint32_t old = uint32_t(r[0]);
           __atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); r[0] = old)
    ATOMIC(CmpXchg64, uint64_t, uint64_t old = r[0];
           __atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); r[0] = old)
#undef BOTH
#undef ATOMIC

    OP(Lddw) {
      r[o->dst] = uint64_t(o->imm);
      o += 2;
      DISPATCH();
    }

#define CLEAR_ARGUMENTS() r[1] = r[2] = r[3] = r[4] = r[5] = 0
    OP(CallHelper) {
      const HelperFunction helper = helpers_->find(uint32_t(o->imm))->function;
      r[0] = helper(r[1], r[2], r[3], r[4], r[5], &call);
      if (call.failed()) FAIL(CallAccess::fault(call));
      CLEAR_ARGUMENTS();
      NEXT();
    }
    OP(CallNumber) {
      CallAccess::number(call) = uint32_t(o->imm);
      r[0] = call_by_number(r[1], r[2], r[3], r[4], r[5], &call);
      if (call.failed()) FAIL(CallAccess::fault(call));
      CLEAR_ARGUMENTS();
      NEXT();
    }
    OP(Callx) {
      callee = uint32_t(r[o->src]) - kText;
      if (callee < functions_.size()) {
        callee = uint32_t(bounded(callee, functions_.size()));
        goto enter;
      }
      CallAccess::number(call) = uint32_t(r[o->src]);
      r[0] = call_by_number(r[1], r[2], r[3], r[4], r[5], &call);
      if (call.failed()) FAIL(CallAccess::fault(call));
      CLEAR_ARGUMENTS();
      NEXT();
    }
    OP(CallLocal) {
      callee = uint32_t(o->imm);
      goto enter;
    }
    OP(Exit) {
      if (depth == 0) return {r[0], uint32_t(budget), Fault::kNone};
      const Frame& frame = frames[--depth];
      std::memcpy(&r[6], frame.saved, sizeof frame.saved);
      r[kFrameRegister] += kFrameBytes;
      o = frame.back;
      CLEAR_ARGUMENTS();
      DISPATCH();
    }
#if !defined(__GNUC__)
  }
#endif

enter : {
  const Function& f = functions_[callee];
  const Operation* const back = o + 1;
  o = &operations_[f.begin];
  if ((budget -= int32_t(f.slots())) < 0) FAIL(Fault::kBudget);
  if (depth + 1 == kFrames) FAIL(Fault::kDepth);
  Frame& frame = frames[depth++];
  frame.back = back;
  std::memcpy(frame.saved, &r[6], sizeof frame.saved);
  r[kFrameRegister] -= kFrameBytes;
  DISPATCH();
}

stop:
  pc = uint32_t(o - operations_.data());
  CallAccess::fault(call) = Fault::kNone;
  return {0, uint32_t(budget < 0 ? 0 : budget), fault};
}

}  // namespace weft::vm
