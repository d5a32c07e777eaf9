// SPDX-License-Identifier: Apache-2.0
// Instruction: one 8-byte slot of BPF bytecode, and the numbers of RFC 9669.
//
// lddw takes two slots (RFC 9669, 5.4); all else takes one.  Programs are little-endian, and
// so is every machine this runs on.
#pragma once

#include <bit>
#include <cstdint>

namespace weft::vm {

static_assert(std::endian::native == std::endian::little, "bytecode is read as it lies in memory");

inline constexpr unsigned kRegisters = 11;  // R0..R10
inline constexpr unsigned kFrameRegister = 10;

// RFC 9669, 3.
inline constexpr uint8_t kLd = 0, kLdx = 1, kSt = 2, kStx = 3, kAlu = 4, kJmp = 5, kJmp32 = 6, kAlu64 = 7;

// The bit that says: the operand is a register (RFC 9669, 3.1).
inline constexpr uint8_t kFromRegister = 0x08;

// RFC 9669, 4.1.
inline constexpr uint8_t kAdd = 0x00, kSub = 0x10, kMul = 0x20, kDiv = 0x30, kOr = 0x40, kAnd = 0x50,
                         kLsh = 0x60, kRsh = 0x70, kNeg = 0x80, kMod = 0x90, kXor = 0xa0, kMov = 0xb0,
                         kArsh = 0xc0, kEnd = 0xd0;

// RFC 9669, 4.3.
inline constexpr uint8_t kJa = 0x00, kJeq = 0x10, kJgt = 0x20, kJge = 0x30, kJset = 0x40, kJne = 0x50,
                         kJsgt = 0x60, kJsge = 0x70, kCall = 0x80, kExit = 0x90, kJlt = 0xa0, kJle = 0xb0,
                         kJslt = 0xc0, kJsle = 0xd0;

// RFC 9669, 5: size and mode.
inline constexpr uint8_t kW = 0x00, kH = 0x08, kB = 0x10, kDw = 0x18;
inline constexpr uint8_t kImm = 0x00, kAbs = 0x20, kInd = 0x40, kMem = 0x60, kMemSx = 0x80, kAtomic = 0xc0;

// RFC 9669, 5.3: in the imm of an atomic instruction.
enum AtomicOperation : int32_t {
  kAtomicAdd = 0x00,
  kAtomicOr = 0x40,
  kAtomicAnd = 0x50,
  kAtomicXor = 0xa0,
  kFetch = 0x01,
  kXchg = 0xe0 | kFetch,
  kCmpXchg = 0xf0 | kFetch,
};

// In the src of a call (RFC 9669, 4.3.1).
inline constexpr unsigned kCallHelper = 0;
inline constexpr unsigned kCallLocal = 1;
// In the src of lddw (RFC 9669, 5.4): the address of the function at this slot + 1 + imm.
inline constexpr unsigned kLddwFunction = 4;

inline constexpr uint8_t kLddwOpcode = kLd | kImm | kDw;
inline constexpr uint8_t kCallOpcode = kJmp | kCall;
inline constexpr uint8_t kCallxOpcode = kJmp | kCall | kFromRegister;
inline constexpr uint8_t kExitOpcode = kJmp | kExit;

struct Instruction {
  uint8_t opcode = 0;
  uint8_t registers = 0;  // dst in the low four bits, src in the high
  int16_t offset = 0;
  int32_t imm = 0;

  constexpr unsigned dst() const { return registers & 15; }
  constexpr unsigned src() const { return registers >> 4; }
  constexpr uint8_t cls() const { return opcode & 7; }
  constexpr uint8_t operation() const { return opcode & 0xf0; }  // of kAlu, kAlu64, kJmp, kJmp32
  constexpr bool from_register() const { return (opcode & kFromRegister) != 0; }
  constexpr uint8_t mode() const { return opcode & 0xe0; }  // of kLd, kLdx, kSt, kStx
  constexpr uint8_t size() const { return opcode & 0x18; }
  constexpr unsigned bytes() const { return size() == kB ? 1 : size() == kH ? 2 : size() == kW ? 4 : 8; }
  constexpr bool is_alu() const { return cls() == kAlu || cls() == kAlu64; }
  constexpr bool is_lddw() const { return opcode == kLddwOpcode; }
  constexpr bool is_exit() const { return opcode == kExitOpcode; }
  constexpr bool is_call() const { return opcode == kCallOpcode || opcode == kCallxOpcode; }
  // A jump within a function; not a call and not exit.
  constexpr bool is_jump() const {
    return (cls() == kJmp || cls() == kJmp32) && operation() != kCall && operation() != kExit;
  }
  constexpr bool is_unconditional_jump() const { return is_jump() && operation() == kJa; }
  // Of a jump: how far, from the slot behind it.  The long jump of class JMP32 has it in imm.
  constexpr int32_t distance() const { return opcode == (kJmp32 | kJa) ? imm : offset; }
  // Of callx: clang 14 names the register in imm, clang 19 in dst.
  constexpr unsigned callx_register() const { return dst() != 0 ? dst() : unsigned(imm); }

  friend constexpr bool operator==(const Instruction&, const Instruction&) = default;
};
static_assert(sizeof(Instruction) == 8);

constexpr Instruction make(uint8_t opcode, unsigned dst, unsigned src, int16_t offset, int32_t imm) {
  return {opcode, uint8_t(dst | src << 4), offset, imm};
}

}  // namespace weft::vm
