// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/vm/assemble.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <regex>
#include <string>

namespace weft::vm::test {

namespace {

using Match = std::smatch;

const std::map<std::string, int> kAluSigns = {
    {"+=", kAdd},  {"-=", kSub}, {"*=", kMul}, {"/=", kDiv}, {"|=", kOr},   {"&=", kAnd},  {"<<=", kLsh},
    {">>=", kRsh}, {"%=", kMod}, {"^=", kXor}, {"=", kMov},  {"s/=", kDiv}, {"s%=", kMod}, {"s>>=", kArsh}};
const std::map<std::string, int> kJumpSigns = {{"==", kJeq}, {">", kJgt},   {">=", kJge},   {"&", kJset},
                                               {"!=", kJne}, {"s>", kJsgt}, {"s>=", kJsge}, {"<", kJlt},
                                               {"<=", kJle}, {"s<", kJslt}, {"s<=", kJsle}};
const std::map<std::string, int> kAtomics = {
    {"add", kAtomicAdd}, {"or", kAtomicOr}, {"and", kAtomicAnd}, {"xor", kAtomicXor}};

const char* const kPlace = R"(\*\(([us])(8|16|32|64) \*\)\(r(\d+)(?: ([+-]) (\w+))?\))";

uint8_t size_bits(const std::string& bits) {
  return bits == "8" ? kB : bits == "16" ? kH : bits == "32" ? kW : kDw;
}
bool is_number(const std::string& text) {
  return std::isdigit(static_cast<unsigned char>(text[text.size() > 1 && text[0] == '-' ? 1 : 0])) != 0;
}
int64_t number(const std::string& text) { return int64_t(std::strtoull(text.c_str(), nullptr, 0)); }

class Assembler {
 public:
  std::vector<Instruction> run(std::string_view text) {
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = std::min(text.find_first_of(";\n", begin), text.size());
      line(std::string(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    for (const auto& [at, label] : wanted_) resolve(at, label);
    return std::move(out_);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) {
    std::fprintf(stderr, "assemble: %s\n", what.c_str());
    std::abort();
  }

  void line(std::string s) {
    static const std::regex kLabel(R"(\s*(\w+):(.*))"), kBlank(R"(^\s+|\s+$|\s*#.*$)");
    Match m;
    if (std::regex_match(s, m, kLabel)) {
      labels_[m[1]] = out_.size();
      return line(std::string(m[2]));
    }
    s = std::regex_replace(s, kBlank, "");
    if (s.empty()) return;
    if (!alu(s) && !memory(s) && !jump(s) && !rest(s)) fail("what is '" + s + "'?");
  }

  void put(uint8_t opcode, unsigned dst, unsigned src, int64_t offset, int64_t imm) {
    out_.push_back(make(opcode, dst, src, int16_t(offset), int32_t(imm)));
  }
  void put_wide(unsigned dst, unsigned src, uint64_t value) {
    put(kLddwOpcode, dst, src, 0, int32_t(uint32_t(value)));
    put(0, 0, 0, 0, int32_t(uint32_t(value >> 32)));
  }
  void want(const std::string& label) { wanted_.emplace_back(out_.size(), label); }

  bool alu(const std::string& s) {
    static const std::regex kPlain(
        R"(([rw])(\d+) (s?[-+*/%|&^<>]*=) (?:\(s(8|16|32)\))?(?:([rw])(\d+)|(-?\w+)))");
    static const std::regex kNegate(R"(([rw])(\d+) = -[rw]\2)");
    static const std::regex kSwap(R"(r(\d+) = (be|le|bswap)(16|32|64) r\1)");
    Match m;
    if (std::regex_match(s, m, kNegate)) {
      put((m[1] == "w" ? kAlu : kAlu64) | kNeg, unsigned(number(m[2])), 0, 0, 0);
    } else if (std::regex_match(s, m, kSwap)) {
      put((m[2] == "bswap" ? kAlu64 : kAlu) | kEnd | (m[2] == "be" ? kFromRegister : 0),
          unsigned(number(m[1])), 0, 0, number(m[3]));
    } else if (std::regex_match(s, m, kPlain) && kAluSigns.count(m[3]) != 0) {
      const bool from_register = m[5].matched;
      if (!from_register && !is_number(m[7])) return false;
      const int64_t offset = m[4].matched ? number(m[4]) : m[3] == "s/=" || m[3] == "s%=" ? 1 : 0;
      put((m[1] == "w" ? kAlu : kAlu64) | kAluSigns.at(m[3]) | (from_register ? kFromRegister : 0),
          unsigned(number(m[2])), from_register ? unsigned(number(m[6])) : 0, offset,
          from_register ? 0 : number(m[7]));
    } else {
      return false;
    }
    return true;
  }

  static int64_t offset_of(const Match& m, size_t sign) {
    return !m[sign].matched ? 0 : m[sign] == "-" ? -number(m[sign + 1]) : number(m[sign + 1]);
  }

  bool memory(const std::string& s) {
    static const std::string kWhere(kPlace);
    static const std::regex kLoad(R"(r(\d+) = )" + kWhere);
    static const std::regex kStore(kWhere + R"( = (?:r(\d+)|(-?\w+)))");
    static const std::regex kLock(R"(lock (\w+)\()" + kWhere + R"(, [rw](\d+)\))");
    static const std::regex kFetching(R"([rw](\d+) = (?:atomic_fetch_(\w+)|xchg)\()" + kWhere +
                                      R"(, [rw]\1\))");
    static const std::regex kCompare(R"([rw]0 = cmpxchg\()" + kWhere + R"(, [rw]0, [rw](\d+)\))");
    Match m;
    if (std::regex_match(s, m, kLoad)) {
      put(kLdx | (m[2] == "s" ? kMemSx : kMem) | size_bits(m[3]), unsigned(number(m[1])),
          unsigned(number(m[4])), offset_of(m, 5), 0);
    } else if (std::regex_match(s, m, kStore)) {
      const bool from_register = m[6].matched;
      put((from_register ? kStx : kSt) | kMem | size_bits(m[2]), unsigned(number(m[3])),
          from_register ? unsigned(number(m[6])) : 0, offset_of(m, 4), from_register ? 0 : number(m[7]));
    } else if (std::regex_match(s, m, kLock)) {
      put(kStx | kAtomic | size_bits(m[3]), unsigned(number(m[4])), unsigned(number(m[7])), offset_of(m, 5),
          kAtomics.at(m[1]));
    } else if (std::regex_match(s, m, kFetching)) {
      put(kStx | kAtomic | size_bits(m[4]), unsigned(number(m[5])), unsigned(number(m[1])), offset_of(m, 6),
          m[2].matched ? kAtomics.at(m[2]) | kFetch : int(kXchg));
    } else if (std::regex_match(s, m, kCompare)) {
      put(kStx | kAtomic | size_bits(m[2]), unsigned(number(m[3])), unsigned(number(m[6])), offset_of(m, 4),
          kCmpXchg);
    } else {
      return false;
    }
    return true;
  }

  bool jump(const std::string& s) {
    static const std::regex kIf(R"(if ([rw])(\d+) (\S+) (?:[rw](\d+)|(-?\w+)) goto (\w+))");
    static const std::regex kGoto(R"(goto(l?) (\w+))");
    Match m;
    if (s == "exit") {
      put(kExitOpcode, 0, 0, 0, 0);
    } else if (std::regex_match(s, m, kIf)) {
      want(m[6]);
      put((m[1] == "w" ? kJmp32 : kJmp) | kJumpSigns.at(m[3]) | (m[4].matched ? kFromRegister : 0),
          unsigned(number(m[2])), m[4].matched ? unsigned(number(m[4])) : 0, 0,
          m[4].matched ? 0 : number(m[5]));
    } else if (std::regex_match(s, m, kGoto)) {
      want(m[2]);
      put((m[1] == "l" ? kJmp32 : kJmp) | kJa, 0, 0, 0, 0);
    } else {
      return false;
    }
    return true;
  }

  bool rest(const std::string& s) {
    static const std::regex kHelper(R"(call helper (-?\w+))"), kCallx(R"(callx r(\d+))"),
        kLocal(R"(call (\w+))"), kHandle(R"(r(\d+) = function (\w+))"), kWide(R"(r(\d+) = (-?\w+) ll)"),
        kRaw(R"(\.raw (\w+) (\w+) (\w+) (-?\w+) (-?\w+))");
    Match m;
    if (std::regex_match(s, m, kHelper)) {
      put(kCallOpcode, 0, kCallHelper, 0, number(m[1]));
    } else if (std::regex_match(s, m, kCallx)) {
      put(kCallxOpcode, unsigned(number(m[1])), 0, 0, 0);
    } else if (std::regex_match(s, m, kLocal)) {
      want(m[1]);
      put(kCallOpcode, 0, kCallLocal, 0, 0);
    } else if (std::regex_match(s, m, kHandle)) {
      want(m[2]);
      put_wide(unsigned(number(m[1])), kLddwFunction, 0);
    } else if (std::regex_match(s, m, kWide)) {
      put_wide(unsigned(number(m[1])), 0, uint64_t(number(m[2])));
    } else if (std::regex_match(s, m, kRaw)) {
      put(uint8_t(number(m[1])), unsigned(number(m[2])), unsigned(number(m[3])), number(m[4]), number(m[5]));
    } else {
      return false;
    }
    return true;
  }

  void resolve(size_t at, const std::string& label) {
    auto found = labels_.find(label);
    if (found == labels_.end() && !is_number(label)) fail("no label " + label);
    const int64_t target = found == labels_.end() ? number(label) : int64_t(found->second);
    const int32_t distance = int32_t(target - int64_t(at) - 1);
    Instruction& i = out_[at];
    const bool in_imm = i.is_lddw() || i.opcode == kCallOpcode || i.opcode == (kJmp32 | kJa);
    if (in_imm) {
      i.imm = distance;
    } else {
      i.offset = int16_t(distance);
    }
  }

  std::vector<Instruction> out_;
  std::map<std::string, size_t> labels_;
  std::vector<std::pair<size_t, std::string>> wanted_;
};

}  // namespace

std::vector<Instruction> assemble(std::string_view text) { return Assembler().run(text); }

}  // namespace weft::vm::test
