// SPDX-License-Identifier: Apache-2.0
// Any bytes as a program, repaired until the verifier lets it pass: the interpreter and the
// compilers must agree about everything that it does.
//
// Input: two bytes of budget, then instructions.  A repaired instruction keeps what was right
// in it, so that a program stays itself and a mutation of it stays near.  Most addresses are
// bent towards what is mapped: others only ever fault.
#include <array>
#include <cstdlib>
#include <cstring>

#include "tests/fuzz/vm_machines.h"

namespace weft::vm::fuzz {
namespace {

constexpr size_t kMaxSlots = 192;

// One instruction that the verifier lets pass, but for jumps and calls.
class Repair {
 public:
  std::vector<Instruction> run(std::vector<Instruction> text) {
    text_ = std::move(text);
    for (size_t at = 0; at < text_.size(); ++at) {
      fix(text_[at]);
      starts_[at] = true;
      if (!text_[at].is_lddw()) continue;
      if (at + 1 == text_.size()) {
        text_[at] = make(kExitOpcode, 0, 0, 0, 0);
      } else {
        text_[at + 1] = make(0, 0, 0, 0, text_[at + 1].imm);
        ++at;
      }
    }
    divide();
    for (size_t f = 0; f + 1 < borders_.size(); ++f) aim(borders_[f], borders_[f + 1]);
    return std::move(text_);
  }

 private:
  static void fix_alu(Instruction& i) {
    uint8_t operation = i.operation() > kEnd ? uint8_t(kMov) : i.operation();
    const bool end = operation == kEnd, negate = operation == kNeg;
    bool from_register = i.from_register() && !negate && !(end && i.cls() == kAlu64);
    const unsigned dst = i.dst() % 10, src = i.src() % 11;
    int16_t offset = 0;
    if (operation == kDiv || operation == kMod) offset = i.offset & 1;
    if (operation == kMov && from_register) {
      static constexpr int16_t kWidths[] = {0, 8, 16, 32};
      offset = kWidths[(i.offset / 8) & 3];
      if (i.offset == 32) offset = 32;
      if (i.cls() == kAlu && offset == 32) offset = 0;
    }
    int32_t imm = i.imm;
    if (end && imm != 16 && imm != 32 && imm != 64) imm = 16 << (uint32_t(imm) % 3);
    if (negate || (from_register && !end)) imm = 0;
    i = make(i.cls() | operation | (from_register ? kFromRegister : 0), dst, from_register && !end ? src : 0,
             offset, imm);
  }

  static int16_t near(unsigned base, int16_t offset, unsigned bytes) {
    if (base == kFrameRegister) return int16_t(-8 - int(uint16_t(offset) % 504) / int(bytes) * int(bytes));
    return base == 1 ? int16_t(uint16_t(offset) % 3000 / bytes * bytes) : offset;
  }

  static void fix_memory(Instruction& i) {
    uint8_t cls = i.cls(), mode = i.mode(), size = i.size();
    if (cls == kLdx) {
      if (mode != kMemSx || size == kDw) mode = kMem;
    } else if (cls == kSt || mode != kAtomic) {
      mode = kMem;
    }
    int32_t imm = cls == kSt ? i.imm : 0;
    unsigned dst = i.dst() % 11, src = i.src() % 11;
    if (cls == kLdx) dst %= 10;
    if (cls == kSt) src = 0;
    if (mode == kAtomic) {
      static constexpr int32_t kKinds[] = {
          kAtomicAdd,         kAtomicOr,           kAtomicAnd,          kAtomicXor, kAtomicAdd | kFetch,
          kAtomicOr | kFetch, kAtomicAnd | kFetch, kAtomicXor | kFetch, kXchg,      kCmpXchg};
      if (size != kW && size != kDw) size = kDw;
      bool known = false;
      for (int32_t kind : kKinds) known |= kind == i.imm;
      imm = known ? i.imm : kKinds[uint32_t(i.imm) % 10];
      src %= 10;
    }
    i = make(cls | mode | size, dst, src, i.offset, imm);
    unsigned base = cls == kLdx ? src : dst;
    // Three of four go where something is.
    if ((uint16_t(i.offset) & 3) != 3 && base != 1 && base != kFrameRegister)
      base = (i.offset & 1) != 0 ? 1 : 10;
    i.registers = cls == kLdx ? uint8_t(dst | base << 4) : uint8_t(base | src << 4);
    i.offset = near(base, i.offset, i.bytes());
  }

  static void fix_jump(Instruction& i) {
    if (i.operation() == kCall && i.cls() == kJmp) {
      if (i.from_register()) {
        i = make(kCallxOpcode, i.callx_register() % 10, 0, 0, 0);
      } else {
        i = make(kCallOpcode, 0, i.src() & 1, 0, i.imm);
        if (i.src() == kCallHelper && i.imm != int32_t(kFirstGate))
          i.imm = 1 + int32_t((uint32_t(i.imm) - 1) % Machines::kHelpers);
      }
    } else if (i.operation() == kExit || i.operation() > kJsle || i.operation() == kCall) {
      i = make(kExitOpcode, 0, 0, 0, 0);
    } else if (i.operation() == kJa) {
      i = make(i.cls() | kJa, 0, 0, i.cls() == kJmp ? i.offset : 0, i.cls() == kJmp ? 0 : i.imm);
    } else {
      i = make(i.opcode, i.dst() % 11, i.from_register() ? i.src() % 11 : 0, i.offset,
               i.from_register() ? 0 : i.imm);
    }
  }

  static void fix(Instruction& i) {
    switch (i.cls()) {
      case kAlu:
      case kAlu64:
        return fix_alu(i);
      case kJmp:
      case kJmp32:
        return fix_jump(i);
      case kLd:
        i = make(kLddwOpcode, i.dst() % 10, i.src() == kLddwFunction ? kLddwFunction : 0, 0, i.imm);
        return;
      default:
        return fix_memory(i);
    }
  }

  // Up to three functions, each with an exit at its end.
  void divide() {
    const size_t n = text_.size();
    borders_.push_back(0);
    for (size_t wanted : {n / 2, n * 3 / 4}) {
      size_t at = wanted;
      while (at < n && !starts_[at]) ++at;
      if (at < borders_.back() + 2 || at >= n) continue;
      end_at(at - 1);
      borders_.push_back(at);
    }
    end_at(n - 1);
    borders_.push_back(n);
  }
  void end_at(size_t at) {
    if (!starts_[at]) {  // the second half of an lddw
      text_[at - 1] = make(kAlu64 | kMov, 0, 0, 0, 1);
      starts_[at] = true;
    }
    text_[at] = make(kExitOpcode, 0, 0, 0, 0);
  }

  size_t start_in(size_t begin, size_t end, int64_t wanted) const {
    const auto size = int64_t(end - begin);
    size_t at = size_t(int64_t(begin) + ((wanted - int64_t(begin)) % size + size) % size);
    while (!starts_[at]) --at;
    return at;
  }
  void aim(size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) {
      if (!starts_[at]) continue;
      Instruction& i = text_[at];
      const bool calls = i.opcode == kCallOpcode && i.src() == kCallLocal;
      if (calls || (i.is_lddw() && i.src() == kLddwFunction)) {
        i.imm = int32_t(borders_[uint32_t(i.imm) % (borders_.size() - 1)]) - int32_t(at) - 1;
        if (i.is_lddw()) text_[at + 1].imm = 0;
      } else if (i.is_jump()) {
        const int32_t distance =
            int32_t(start_in(begin, end, int64_t(at) + 1 + i.distance())) - int32_t(at) - 1;
        if (i.opcode == (kJmp32 | kJa)) {
          i.imm = distance;
        } else {
          i.offset = int16_t(distance);
        }
      }
    }
  }

  std::vector<Instruction> text_;
  std::array<bool, kMaxSlots> starts_{};
  std::vector<size_t> borders_;
};

}  // namespace
}  // namespace weft::vm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft::vm;
  if (size < 2 + sizeof(Instruction)) return 0;
  const uint32_t budget = (data[0] | uint32_t(data[1]) << 8) % 5000;
  std::vector<Instruction> text(std::min((size - 2) / sizeof(Instruction), fuzz::kMaxSlots));
  std::memcpy(text.data(), data + 2, text.size() * sizeof(Instruction));
  Image image;
  image.text = fuzz::Repair().run(std::move(text));
  image.rodata.assign(64, 0x77);
  image.data.assign(64, 0x88);
  static fuzz::Machines machines;
  fuzz::require(machines.run(image, budget));
  return 0;
}
