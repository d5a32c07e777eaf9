// SPDX-License-Identifier: Apache-2.0
#include "vm/verifier.h"

#include <algorithm>
#include <string>

#include "vm/disassemble.h"

namespace weft::vm {

namespace {

// What is wrong with one instruction by itself; null when nothing is.
using Complaint = const char*;

constexpr Complaint kReserved = "a field that this instruction does not use is not zero";
constexpr Complaint kUnknown = "there is no such instruction";
constexpr Complaint kNoRegister = "there are only the registers r0 to r10";
constexpr Complaint kWritesFrame = "r10 cannot be written";

Complaint check_end(const Instruction& i) {
  if (i.offset != 0 || i.src() != 0) return kReserved;
  if (i.cls() == kAlu64 && i.from_register()) return kUnknown;
  return i.imm == 16 || i.imm == 32 || i.imm == 64 ? nullptr : "bytes are swapped in 16, 32 or 64 bits";
}

// RFC 9669, 4.1 and 4.2.
Complaint check_alu(const Instruction& i) {
  if (i.dst() == kFrameRegister) return kWritesFrame;
  if (i.operation() == kEnd) return check_end(i);
  if (i.operation() > kEnd) return kUnknown;
  if (i.operation() == kNeg) {
    return i.from_register() ? kUnknown : i.src() == 0 && i.imm == 0 && i.offset == 0 ? nullptr : kReserved;
  }
  if (i.from_register() ? i.imm != 0 : i.src() != 0) return kReserved;
  switch (i.operation()) {
    case kDiv:
    case kMod:
      return i.offset == 0 || i.offset == 1 ? nullptr : kUnknown;
    case kMov:
      if (i.offset == 0) return nullptr;
      if (!i.from_register()) return kUnknown;
      if (i.offset == 8 || i.offset == 16) return nullptr;
      return i.offset == 32 && i.cls() == kAlu64 ? nullptr : kUnknown;
    default:
      return i.offset == 0 ? nullptr : kReserved;
  }
}

Complaint check_call(const Instruction& i) {
  if (i.cls() != kJmp) return kUnknown;
  if (i.offset != 0) return kReserved;
  if (i.opcode == kCallxOpcode) {
    if (i.src() != 0 || (i.dst() != 0 && i.imm != 0)) return kReserved;
    return i.dst() < kFrameRegister && uint32_t(i.imm) < kFrameRegister ? nullptr : kNoRegister;
  }
  if (i.dst() != 0) return kReserved;
  return i.src() <= kCallLocal ? nullptr : "calls by BTF id are not known here";
}

// RFC 9669, 4.3.
Complaint check_jump(const Instruction& i) {
  if (i.operation() == kCall) return check_call(i);
  const bool zero_registers = i.registers == 0;
  if (i.operation() == kExit) {
    if (i.cls() != kJmp || i.from_register()) return kUnknown;
    return zero_registers && i.offset == 0 && i.imm == 0 ? nullptr : kReserved;
  }
  if (i.operation() == kJa) {
    if (i.from_register()) return kUnknown;
    return zero_registers && (i.cls() == kJmp ? i.imm == 0 : i.offset == 0) ? nullptr : kReserved;
  }
  if (i.operation() > kJsle) return kUnknown;
  return (i.from_register() ? i.imm == 0 : i.src() == 0) ? nullptr : kReserved;
}

// RFC 9669, 5.3.
Complaint check_atomic(const Instruction& i) {
  if (i.size() != kW && i.size() != kDw) return "atomic operations are on 4 or 8 bytes";
  switch (i.imm) {
    case kAtomicAdd:
    case kAtomicOr:
    case kAtomicAnd:
    case kAtomicXor:
    case kCmpXchg:
      return nullptr;
    case kAtomicAdd | kFetch:
    case kAtomicOr | kFetch:
    case kAtomicAnd | kFetch:
    case kAtomicXor | kFetch:
    case kXchg:
      return i.src() == kFrameRegister ? kWritesFrame : nullptr;
    default:
      return "there is no such atomic operation";
  }
}

// RFC 9669, 5.
Complaint check_memory(const Instruction& i) {
  switch (i.cls()) {
    case kLdx:
      if (i.dst() == kFrameRegister) return kWritesFrame;
      if (i.mode() != kMem && (i.mode() != kMemSx || i.size() == kDw)) return kUnknown;
      return i.imm == 0 ? nullptr : kReserved;
    case kSt:
      return i.mode() != kMem ? kUnknown : i.src() == 0 ? nullptr : kReserved;
    case kStx:
      if (i.mode() == kAtomic) return check_atomic(i);
      return i.mode() != kMem ? kUnknown : i.imm == 0 ? nullptr : kReserved;
    default:
      return kUnknown;
  }
}

// RFC 9669, 5.4.
Complaint check_lddw(const Instruction& first, const Instruction& second) {
  if (first.dst() == kFrameRegister) return kWritesFrame;
  if (first.offset != 0 || second.offset != 0 || second.registers != 0) return kReserved;
  if (second.opcode != 0) return "the second half of this lddw is missing";
  if (first.src() == kLddwFunction) return second.imm == 0 ? nullptr : kReserved;
  return first.src() == 0 ? nullptr : "lddw of a map or a variable by number is not known here";
}

Complaint check(const Instruction& i) {
  if (i.dst() >= kRegisters || i.src() >= kRegisters) return kNoRegister;
  switch (i.cls()) {
    case kAlu:
    case kAlu64:
      return check_alu(i);
    case kJmp:
    case kJmp32:
      return check_jump(i);
    case kLd:
      return i.mode() == kAbs || i.mode() == kInd ? "the old packet instructions are not known here"
                                                  : kUnknown;
    default:
      return check_memory(i);
  }
}

class Verifier {
 public:
  Verifier(std::span<const Instruction> text, const KnownCall& known)
      : text_(text), known_(known), starts_(text.size()), enters_(text.size()) {}

  Result<std::vector<Function>> run(std::span<const uint32_t> roots) {
    enters_[0] = true;
    for (uint32_t root : roots) enters_[root] = true;
    if (auto good = check_each(); !good) return good.error();
    if (auto good = check_functions(); !good) return good.error();
    return std::move(functions_);
  }

 private:
  Error wrong(size_t at, std::string why) const {
    return {Code::kInvalid,
            "instruction " + std::to_string(at) + " (" + disassemble(text_, at) + "): " + std::move(why)};
  }

  Result<void> check_each() {
    for (size_t at = 0; at < text_.size(); ++at) {
      const Instruction& i = text_[at];
      starts_[at] = true;
      if (i.is_lddw()) {
        if (at + 1 == text_.size()) return wrong(at, "the second half of this lddw is missing");
        if (i.dst() >= kRegisters) return wrong(at, kNoRegister);
        if (Complaint c = check_lddw(i, text_[at + 1]); c != nullptr) return wrong(at, c);
        if (i.src() == kLddwFunction && !enter(int64_t(at) + 1 + i.imm))
          return wrong(at, "there is no function there");
        ++at;
        continue;
      }
      if (Complaint c = check(i); c != nullptr) return wrong(at, c);
      if (i.opcode == kCallOpcode) {
        if (i.src() == kCallLocal && !enter(int64_t(at) + 1 + i.imm))
          return wrong(at, "there is no function there");
        if (i.src() == kCallHelper && !known_(uint32_t(i.imm))) {
          return wrong(at, "no helper has the number " + std::to_string(uint32_t(i.imm)));
        }
      }
    }
    return {};
  }

  bool enter(int64_t target) {
    if (target < 0 || target >= int64_t(text_.size())) return false;
    enters_[size_t(target)] = true;
    return true;
  }

  Result<void> check_functions() {
    for (uint32_t at = 0; at < text_.size(); ++at) {
      if (enters_[at] && !starts_[at]) return wrong(at - 1, "a function begins in the middle of this lddw");
    }
    uint32_t begin = 0;
    for (uint32_t at = 0; at < text_.size(); ++at) {
      const uint32_t next = at + 1;
      if (next < text_.size() && !enters_[next]) continue;
      functions_.push_back({begin, next});
      if (auto good = check_function(functions_.back()); !good) return good;
      begin = next;
    }
    return {};
  }

  Result<void> check_function(const Function& f) const {
    size_t last = f.begin;
    for (size_t at = f.begin; at < f.end; ++at) {
      if (!starts_[at]) continue;
      last = at;
      const Instruction& i = text_[at];
      if (!i.is_jump()) continue;
      const int64_t target = int64_t(at) + 1 + i.distance();
      const std::string to = "the jump to " + std::to_string(target);
      if (target < int64_t(f.begin) || target >= int64_t(f.end))
        return wrong(at, to + " leaves its function");
      if (!starts_[size_t(target)]) return wrong(at, to + " lands in the middle of an lddw");
    }
    const Instruction& i = text_[last];
    if (!i.is_exit() && !i.is_unconditional_jump()) return wrong(last, "the function runs on behind its end");
    return {};
  }

  std::span<const Instruction> text_;
  const KnownCall& known_;
  std::vector<bool> starts_;  // an instruction begins at this slot
  std::vector<bool> enters_;  // a function begins at this slot
  std::vector<Function> functions_;
};

}  // namespace

Result<std::vector<Function>> verify(std::span<const Instruction> text, std::span<const uint32_t> roots,
                                     const KnownCall& known) {
  if (text.empty()) return Error{Code::kInvalid, "a program without instructions"};
  return Verifier(text, known).run(roots);
}

}  // namespace weft::vm
