// SPDX-License-Identifier: Apache-2.0
#include "vm/disassemble.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace weft::vm {

namespace {

std::string reg(unsigned n, bool word = false) { return (word ? "w" : "r") + std::to_string(n); }

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string raw(const Instruction& i) {
  char text[80];
  std::snprintf(text, sizeof text, "opcode 0x%02x dst %u src %u offset %d imm %d", i.opcode, i.dst(), i.src(),
                i.offset, i.imm);
  return text;
}

const char* alu_sign(const Instruction& i) {
  const bool is_signed = i.offset == 1;
  switch (i.operation()) {
    case kAdd:
      return "+=";
    case kSub:
      return "-=";
    case kMul:
      return "*=";
    case kDiv:
      return is_signed ? "s/=" : "/=";
    case kOr:
      return "|=";
    case kAnd:
      return "&=";
    case kLsh:
      return "<<=";
    case kRsh:
      return ">>=";
    case kMod:
      return is_signed ? "s%=" : "%=";
    case kXor:
      return "^=";
    case kMov:
      return "=";
    case kArsh:
      return "s>>=";
    default:
      return nullptr;
  }
}

std::string alu(const Instruction& i) {
  const bool word = i.cls() == kAlu;
  const std::string dst = reg(i.dst(), word);
  if (i.operation() == kNeg) return dst + " = -" + dst;
  if (i.operation() == kEnd) {
    const char* kind = i.cls() == kAlu64 ? "bswap" : i.from_register() ? "be" : "le";
    return reg(i.dst()) + " = " + kind + std::to_string(i.imm) + " " + reg(i.dst());
  }
  const char* sign = alu_sign(i);
  if (sign == nullptr) return raw(i);
  if (!i.from_register()) return dst + " " + sign + " " + std::to_string(i.imm);
  const bool extends = i.operation() == kMov && i.offset != 0;
  return dst + " " + sign + " " + (extends ? "(s" + std::to_string(i.offset) + ")" : "") + reg(i.src(), word);
}

const char* jump_sign(uint8_t operation) {
  switch (operation) {
    case kJeq:
      return "==";
    case kJgt:
      return ">";
    case kJge:
      return ">=";
    case kJset:
      return "&";
    case kJne:
      return "!=";
    case kJsgt:
      return "s>";
    case kJsge:
      return "s>=";
    case kJlt:
      return "<";
    case kJle:
      return "<=";
    case kJslt:
      return "s<";
    case kJsle:
      return "s<=";
    default:
      return nullptr;
  }
}

std::string call(const Instruction& i, size_t at) {
  if (i.opcode == kCallxOpcode) return "callx " + reg(i.callx_register());
  if (i.src() == kCallLocal) return "call " + std::to_string(int64_t(at) + 1 + i.imm);
  return "call helper " + std::to_string(uint32_t(i.imm));
}

std::string jump(const Instruction& i, size_t at) {
  if (i.operation() == kExit) return "exit";
  if (i.operation() == kCall) return i.cls() == kJmp ? call(i, at) : raw(i);
  const std::string target = "goto " + std::to_string(int64_t(at) + 1 + i.distance());
  if (i.operation() == kJa) return target;
  const char* sign = jump_sign(i.operation());
  if (sign == nullptr) return raw(i);
  const bool word = i.cls() == kJmp32;
  return "if " + reg(i.dst(), word) + " " + sign + " " +
         (i.from_register() ? reg(i.src(), word) : std::to_string(i.imm)) + " " + target;
}

std::string place(const Instruction& i, unsigned base, const char* sign = "") {
  const std::string offset = i.offset == 0  ? ""
                             : i.offset < 0 ? " - " + std::to_string(-int(i.offset))
                                            : " + " + std::to_string(i.offset);
  return "*(" + std::string(sign) + std::to_string(i.bytes() * 8) + " *)(" + reg(base) + offset + ")";
}

std::string atomic(const Instruction& i) {
  const std::string where = place(i, i.dst(), "u"), src = reg(i.src(), i.size() == kW);
  if (i.imm == kXchg) return src + " = xchg(" + where + ", " + src + ")";
  if (i.imm == kCmpXchg) {
    const std::string r0 = reg(0, i.size() == kW);
    return r0 + " = cmpxchg(" + where + ", " + r0 + ", " + src + ")";
  }
  const char* sign = nullptr;
  switch (i.imm & ~kFetch) {
    case kAtomicAdd:
      sign = "add";
      break;
    case kAtomicOr:
      sign = "or";
      break;
    case kAtomicAnd:
      sign = "and";
      break;
    case kAtomicXor:
      sign = "xor";
      break;
    default:
      return raw(i);
  }
  if ((i.imm & kFetch) != 0) return src + " = atomic_fetch_" + sign + "(" + where + ", " + src + ")";
  return std::string("lock ") + sign + "(" + where + ", " + src + ")";
}

std::string memory(const Instruction& i) {
  switch (i.cls()) {
    case kLdx:
      return reg(i.dst()) + " = " + place(i, i.src(), i.mode() == kMemSx ? "s" : "u");
    case kSt:
      return place(i, i.dst(), "u") + " = " + std::to_string(i.imm);
    case kStx:
      return i.mode() == kAtomic ? atomic(i) : place(i, i.dst(), "u") + " = " + reg(i.src());
    default:
      return raw(i);
  }
}

// A dump, line by line.
class Dump {
 public:
  explicit Dump(const Image& image) : image_(image) {
    for (const Symbol& s : image.symbols) {
      (s.kind == Symbol::Kind::kObject ? objects_ : functions_).emplace(s.at, s.name);
    }
    for (const Relocation& r : image.relocations) {
      if (r.kind < Relocation::Kind::kDataStatic) in_text_.emplace(r.where, &r);
    }
  }

  std::string take() {
    out_ = std::to_string(image_.text.size()) + " instructions, " + std::to_string(image_.rodata.size()) +
           " bytes of rodata, " + std::to_string(image_.data.size()) + " of data, " +
           std::to_string(image_.bss_bytes) + " of bss\n";
    for (const Symbol& s : image_.symbols) {
      if (s.kind == Symbol::Kind::kExport) out_ += "export " + s.name + "\n";
    }
    for (const std::string& name : image_.imports) out_ += "import " + name + "\n";
    for (const auto& [at, name] : objects_) out_ += "variable " + name + " at statics + " + hex(at) + "\n";
    for (size_t at = 0; at < image_.text.size(); ++at) {
      line(at);
      if (image_.text[at].is_lddw()) ++at;
    }
    for (const Relocation& r : image_.relocations) {
      if (r.kind >= Relocation::Kind::kDataStatic) {
        out_ += "statics + " + hex(r.where) + ": " + target(r) + "\n";
      }
    }
    return std::move(out_);
  }

 private:
  void line(size_t at) {
    if (auto f = functions_.find(uint32_t(at)); f != functions_.end()) out_ += "\n" + f->second + ":\n";
    char slot[32];
    std::snprintf(slot, sizeof slot, "%6zu  ", at);
    out_ += slot + text(at) + "\n";
  }

  std::string text(size_t at) const {
    const Instruction& i = image_.text[at];
    if (auto r = in_text_.find(uint32_t(at)); r != in_text_.end()) {
      return i.is_lddw() ? reg(i.dst()) + " = " + target(*r->second) : "call " + target(*r->second);
    }
    if (i.opcode == kCallOpcode && i.src() == kCallLocal) {
      auto f = functions_.find(uint32_t(int64_t(at) + 1 + i.imm));
      if (f != functions_.end()) return "call " + f->second;
    }
    return disassemble(image_.text, at);
  }

  std::string target(const Relocation& r) const {
    using Kind = Relocation::Kind;
    if (r.kind == Kind::kLddwImport || r.kind == Kind::kCallImport || r.kind == Kind::kDataImport) {
      return image_.imports[r.target];
    }
    if (r.kind == Kind::kLddwFunction || r.kind == Kind::kDataFunction) {
      auto f = functions_.find(r.target);
      return f != functions_.end() ? f->second : "function at " + std::to_string(r.target);
    }
    auto o = objects_.upper_bound(r.target);
    if (o == objects_.begin()) return "statics + " + hex(r.target);
    --o;
    return r.target == o->first ? o->second : o->second + " + " + std::to_string(r.target - o->first);
  }

  const Image& image_;
  std::multimap<uint32_t, std::string> functions_;
  std::multimap<uint32_t, std::string> objects_;
  std::map<uint32_t, const Relocation*> in_text_;
  std::string out_;
};

}  // namespace

std::string disassemble(std::span<const Instruction> text, size_t at) {
  const Instruction& i = text[at];
  if (i.is_lddw() && at + 1 < text.size()) {
    if (i.src() == kLddwFunction)
      return reg(i.dst()) + " = function at " + std::to_string(int64_t(at) + 1 + i.imm);
    const uint64_t value = uint32_t(i.imm) | uint64_t(uint32_t(text[at + 1].imm)) << 32;
    return reg(i.dst()) + " = " + hex(value) + " ll";
  }
  switch (i.cls()) {
    case kAlu:
    case kAlu64:
      return alu(i);
    case kJmp:
    case kJmp32:
      return jump(i, at);
    default:
      return memory(i);
  }
}

std::string dump(const Image& image) { return Dump(image).take(); }

}  // namespace weft::vm
