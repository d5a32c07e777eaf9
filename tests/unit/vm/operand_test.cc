// SPDX-License-Identifier: Apache-2.0
// Every instruction that computes, jumps or moves data, in each of its forms, on 300 operands
// of which half are edges: all machines give what C++ gives.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/vm/machines.h"

namespace weft::vm::test {
namespace {

constexpr unsigned kCases = 300;  // of each instruction
constexpr unsigned kCasesInProgram = 100;
constexpr uint16_t kData = 8 * kCasesInProgram;  // in the window, behind the results

// Instructions that leave their result in a register, and what it must be.
struct Case {
  std::vector<Instruction> code;
  unsigned result;
  uint64_t expected;
};

class OperandTest : public ::testing::Test {
 protected:
  // Prints what was run, so that it can be counted.
  static void TearDownTestSuite() {
    std::printf("%u instructions, %u cases of each, %u in all, on every machine\n", instructions_, kCases,
                instructions_ * kCases);
  }

  void SetUp() override { fill_window(); }

  // 300 cases of an instruction, each made by `make_case`.
  void check(const std::string& what, const std::function<Case()>& make_case) {
    SCOPED_TRACE(what);
    ++instructions_;
    for (unsigned done = 0; done < kCases; done += kCasesInProgram) {
      const std::string window = window_;
      std::vector<Case> cases;
      Image image;
      image.text.push_back(mov(kWindowRegister, int32_t(kWindow)));
      for (unsigned i = 0; i < kCasesInProgram; ++i) {
        cases.push_back(make_case());
        image.text.insert(image.text.end(), cases.back().code.begin(), cases.back().code.end());
        image.text.push_back(
            make(kStx | kMem | kDw, kWindowRegister, cases.back().result, int16_t(8 * i), 0));
      }
      image.text.push_back(make(kExitOpcode, 0, 0, 0, 0));
      const Trace t = machines_.run(image, {.window = window});
      ASSERT_STREQ(to_text(t.outcome.fault), "none");
      for (unsigned i = 0; i < kCasesInProgram; ++i) {
        ASSERT_EQ(t.in_window(8 * i), cases[i].expected)
            << "case " << done + i << ": " << listing(cases[i].code);
      }
      for (unsigned at = kData; at < kDefaultWindow; at += 8)
        ASSERT_EQ(t.in_window(at), in_data(at, 8)) << "memory at " << at;
    }
  }

  static Instruction mov(unsigned dst, int32_t imm) { return make(kAlu64 | kMov, dst, 0, 0, imm); }
  static void lddw(std::vector<Instruction>& code, unsigned dst, uint64_t value) {
    code.push_back(make(kLddwOpcode, dst, 0, 0, int32_t(value)));
    code.push_back(make(0, 0, 0, 0, int32_t(value >> 32)));
  }
  static std::string listing(const std::vector<Instruction>& code) {
    std::string text;
    for (const Instruction& i : code) {
      char line[64];
      std::snprintf(line, sizeof line, "%02x %x,%x off %d imm %d; ", i.opcode, i.dst(), i.src(), i.offset,
                    i.imm);
      text += line;
    }
    return text;
  }

  uint64_t operand() {
    static constexpr uint64_t kEdges[] = {0,
                                          1,
                                          2,
                                          7,
                                          31,
                                          32,
                                          33,
                                          63,
                                          64,
                                          65,
                                          0x7f,
                                          0x80,
                                          0xff,
                                          0x7fff,
                                          0x8000,
                                          0xffff,
                                          0x7fffffff,
                                          0x80000000,
                                          0x80000001,
                                          0xffffffff,
                                          0x100000000,
                                          0xffffffff80000000,
                                          0x7fffffffffffffff,
                                          0x8000000000000000,
                                          0x8000000000000001,
                                          0xfffffffffffffffe,
                                          0xffffffffffffffff};
    if (below(2) == 0) return kEdges[below(std::size(kEdges))];
    return random_() >> below(64);
  }
  int32_t immediate() { return int32_t(operand()); }
  uint32_t below(size_t n) { return uint32_t(random_() % n); }

  // Three registers, no two the same, and not the one of the window.
  struct Registers {
    unsigned a, b, c;
  };
  Registers registers() {
    unsigned all[] = {0, 1, 2, 3, 4, 5, 7, 8, 9};
    std::shuffle(std::begin(all), std::end(all), random_);
    return {all[0], all[1], all[2]};
  }

  void fill_window() {
    window_.assign(kDefaultWindow, '\0');
    for (size_t at = kData; at < window_.size(); ++at) window_[at] = char(random_());
  }
  // A place in the data, and the number there.
  uint16_t place(unsigned bytes, bool aligned) {
    const unsigned at = kData + below(kDefaultWindow - kData - 8);
    return uint16_t(aligned ? at / bytes * bytes : at);
  }
  uint64_t in_data(unsigned at, unsigned bytes) const {
    uint64_t value = 0;
    std::memcpy(&value, window_.data() + at, bytes);
    return value;
  }
  void set_data(unsigned at, unsigned bytes, uint64_t value) {
    std::memcpy(window_.data() + at, &value, bytes);
  }

  static constexpr unsigned kWindowRegister = 6;
  static inline unsigned instructions_ = 0;

  Machines machines_;
  std::mt19937_64 random_{20260101};
  std::string window_;  // as it must be after the cases so far
};

// --- arithmetic: RFC 9669, 4.1 ----------------------------------------------------

struct Arithmetic {
  const char* name;
  uint8_t operation;
  int16_t offset;  // 1: signed
  uint64_t (*wide)(uint64_t, uint64_t);
  uint32_t (*narrow)(uint32_t, uint32_t);
};

int64_t sdiv(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? int64_t(0 - uint64_t(a)) : a / b; }
int64_t smod(int64_t a, int64_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }
int32_t sdiv32(int32_t a, int32_t b) { return b == 0 ? 0 : b == -1 ? int32_t(0 - uint32_t(a)) : a / b; }
int32_t smod32(int32_t a, int32_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }

using W = uint64_t;
using N = uint32_t;
constexpr Arithmetic kArithmetic[] = {
    {"add", kAdd, 0, [](W a, W b) { return a + b; }, [](N a, N b) { return a + b; }},
    {"sub", kSub, 0, [](W a, W b) { return a - b; }, [](N a, N b) { return a - b; }},
    {"mul", kMul, 0, [](W a, W b) { return a * b; }, [](N a, N b) { return a * b; }},
    {"div", kDiv, 0, [](W a, W b) { return b == 0 ? 0 : a / b; },
     [](N a, N b) { return b == 0 ? 0 : a / b; }},
    {"mod", kMod, 0, [](W a, W b) { return b == 0 ? a : a % b; },
     [](N a, N b) { return b == 0 ? a : a % b; }},
    {"sdiv", kDiv, 1, [](W a, W b) { return W(sdiv(int64_t(a), int64_t(b))); },
     [](N a, N b) { return N(sdiv32(int32_t(a), int32_t(b))); }},
    {"smod", kMod, 1, [](W a, W b) { return W(smod(int64_t(a), int64_t(b))); },
     [](N a, N b) { return N(smod32(int32_t(a), int32_t(b))); }},
    {"or", kOr, 0, [](W a, W b) { return a | b; }, [](N a, N b) { return a | b; }},
    {"and", kAnd, 0, [](W a, W b) { return a & b; }, [](N a, N b) { return a & b; }},
    {"xor", kXor, 0, [](W a, W b) { return a ^ b; }, [](N a, N b) { return a ^ b; }},
    {"lsh", kLsh, 0, [](W a, W b) { return a << (b & 63); }, [](N a, N b) { return a << (b & 31); }},
    {"rsh", kRsh, 0, [](W a, W b) { return a >> (b & 63); }, [](N a, N b) { return a >> (b & 31); }},
    {"arsh", kArsh, 0, [](W a, W b) { return W(int64_t(a) >> (b & 63)); },
     [](N a, N b) { return N(int32_t(a) >> (b & 31)); }},
    {"mov", kMov, 0, [](W, W b) { return b; }, [](N, N b) { return b; }},
};

TEST_F(OperandTest, Arithmetic) {
  for (const auto& op : kArithmetic) {
    for (uint8_t cls : {kAlu64, kAlu}) {
      const auto apply = [&](W a, W b) { return cls == kAlu64 ? op.wide(a, b) : op.narrow(N(a), N(b)); };
      const std::string name = op.name + std::string(cls == kAlu64 ? "64" : "32");
      check(name + " by register", [&] {
        const Registers r = registers();
        const W a = operand(), b = operand();
        Case c{{}, r.a, apply(a, b)};
        lddw(c.code, r.a, a);
        lddw(c.code, r.b, b);
        c.code.push_back(make(cls | op.operation | kFromRegister, r.a, r.b, op.offset, 0));
        return c;
      });
      check(name + " with itself", [&] {
        const Registers r = registers();
        const W a = operand();
        Case c{{}, r.a, apply(a, a)};
        lddw(c.code, r.a, a);
        c.code.push_back(make(cls | op.operation | kFromRegister, r.a, r.a, op.offset, 0));
        return c;
      });
      check(name + " by immediate", [&] {
        const Registers r = registers();
        const W a = operand();
        const int32_t b = immediate();
        Case c{{}, r.a, apply(a, W(int64_t(b)))};
        lddw(c.code, r.a, a);
        c.code.push_back(make(cls | op.operation, r.a, 0, op.offset, b));
        return c;
      });
    }
  }
}

TEST_F(OperandTest, OneOperand) {
  struct Unary {
    const char* name;
    Instruction instruction;  // without its registers
    bool has_source;
    uint64_t (*apply)(uint64_t);
  };
  const auto of = [](uint8_t opcode, int16_t offset, int32_t imm) { return make(opcode, 0, 0, offset, imm); };
  const Unary all[] = {
      {"neg64", of(kAlu64 | kNeg, 0, 0), false, [](W a) { return 0 - a; }},
      {"neg32", of(kAlu | kNeg, 0, 0), false, [](W a) { return W(N(0 - N(a))); }},
      {"movs8 64", of(kAlu64 | kMov | kFromRegister, 8, 0), true, [](W a) { return W(int64_t(int8_t(a))); }},
      {"movs16 64", of(kAlu64 | kMov | kFromRegister, 16, 0), true,
       [](W a) { return W(int64_t(int16_t(a))); }},
      {"movs32 64", of(kAlu64 | kMov | kFromRegister, 32, 0), true,
       [](W a) { return W(int64_t(int32_t(a))); }},
      {"movs8 32", of(kAlu | kMov | kFromRegister, 8, 0), true, [](W a) { return W(N(int32_t(int8_t(a)))); }},
      {"movs16 32", of(kAlu | kMov | kFromRegister, 16, 0), true,
       [](W a) { return W(N(int32_t(int16_t(a)))); }},
      {"le16", of(kAlu | kEnd, 0, 16), false, [](W a) { return W(uint16_t(a)); }},
      {"le32", of(kAlu | kEnd, 0, 32), false, [](W a) { return W(N(a)); }},
      {"le64", of(kAlu | kEnd, 0, 64), false, [](W a) { return a; }},
      {"be16", of(kAlu | kEnd | kFromRegister, 0, 16), false,
       [](W a) { return W(__builtin_bswap16(uint16_t(a))); }},
      {"be32", of(kAlu | kEnd | kFromRegister, 0, 32), false, [](W a) { return W(__builtin_bswap32(N(a))); }},
      {"be64", of(kAlu | kEnd | kFromRegister, 0, 64), false, [](W a) { return W(__builtin_bswap64(a)); }},
      {"bswap16", of(kAlu64 | kEnd, 0, 16), false, [](W a) { return W(__builtin_bswap16(uint16_t(a))); }},
      {"bswap32", of(kAlu64 | kEnd, 0, 32), false, [](W a) { return W(__builtin_bswap32(N(a))); }},
      {"bswap64", of(kAlu64 | kEnd, 0, 64), false, [](W a) { return W(__builtin_bswap64(a)); }},
  };
  for (const Unary& op : all) {
    check(op.name, [&] {
      const Registers r = registers();
      const unsigned dst = op.has_source && below(3) > 0 ? r.b : r.a;
      const W a = operand();
      Case c{{}, dst, op.apply(a)};
      lddw(c.code, r.a, a);
      Instruction i = op.instruction;
      i.registers = uint8_t(dst | (op.has_source ? r.a << 4 : 0));
      c.code.push_back(i);
      return c;
    });
  }
  check("lddw", [&] {
    const Registers r = registers();
    const W a = operand();
    Case c{{}, r.a, a};
    lddw(c.code, r.a, a);
    return c;
  });
}

// --- jumps: RFC 9669, 4.3 ----------------------------------------------------------

TEST_F(OperandTest, Jumps) {
  struct Jump {
    const char* name;
    uint8_t operation;
    bool (*holds)(W, W, int64_t, int64_t);
  };
  const Jump all[] = {
      {"==", kJeq, [](W a, W b, int64_t, int64_t) { return a == b; }},
      {"!=", kJne, [](W a, W b, int64_t, int64_t) { return a != b; }},
      {">", kJgt, [](W a, W b, int64_t, int64_t) { return a > b; }},
      {">=", kJge, [](W a, W b, int64_t, int64_t) { return a >= b; }},
      {"<", kJlt, [](W a, W b, int64_t, int64_t) { return a < b; }},
      {"<=", kJle, [](W a, W b, int64_t, int64_t) { return a <= b; }},
      {"&", kJset, [](W a, W b, int64_t, int64_t) { return (a & b) != 0; }},
      {"s>", kJsgt, [](W, W, int64_t a, int64_t b) { return a > b; }},
      {"s>=", kJsge, [](W, W, int64_t a, int64_t b) { return a >= b; }},
      {"s<", kJslt, [](W, W, int64_t a, int64_t b) { return a < b; }},
      {"s<=", kJsle, [](W, W, int64_t a, int64_t b) { return a <= b; }},
  };
  for (const Jump& jump : all) {
    for (uint8_t cls : {kJmp, kJmp32}) {
      const auto holds = [&](W a, W b) {
        return cls == kJmp ? jump.holds(a, b, int64_t(a), int64_t(b))
                           : jump.holds(N(a), N(b), int32_t(N(a)), int32_t(N(b)));
      };
      const std::string name = jump.name + std::string(cls == kJmp ? " 64" : " 32");
      // The same operand often, since equality is an edge.
      const auto one_case = [&](bool immediate_operand) {
        const Registers r = registers();
        const W a = operand();
        const int32_t imm = below(3) == 0 ? int32_t(a) : immediate();
        const W b = immediate_operand ? W(int64_t(imm)) : below(3) == 0 ? a : operand();
        Case c{{}, r.c, holds(a, b)};
        lddw(c.code, r.a, a);
        lddw(c.code, r.b, b);
        c.code.push_back(mov(r.c, 1));
        c.code.push_back(immediate_operand ? make(cls | jump.operation, r.a, 0, 1, imm)
                                           : make(cls | jump.operation | kFromRegister, r.a, r.b, 1, 0));
        c.code.push_back(mov(r.c, 0));
        return c;
      };
      check(name + " by register", [&] { return one_case(false); });
      check(name + " by immediate", [&] { return one_case(true); });
    }
  }
  for (const bool far : {false, true}) {
    check(far ? "ja32" : "ja", [&] {
      const Registers r = registers();
      const int32_t over = int32_t(1 + below(5));
      Case c{{mov(r.a, 1)}, r.a, 1};
      c.code.push_back(far ? make(kJmp32 | kJa, 0, 0, 0, over) : make(kJmp | kJa, 0, 0, int16_t(over), 0));
      c.code.insert(c.code.end(), size_t(over), mov(r.a, 0));
      return c;
    });
  }
}

// --- memory: RFC 9669, 5 -----------------------------------------------------------

constexpr uint8_t kSizes[] = {kB, kH, kW, kDw};
constexpr unsigned bytes_of(uint8_t size) { return make(size, 0, 0, 0, 0).bytes(); }

TEST_F(OperandTest, Loads) {
  for (uint8_t size : kSizes) {
    for (uint8_t mode : {kMem, kMemSx}) {
      if (mode == kMemSx && size == kDw) continue;
      const unsigned bytes = bytes_of(size);
      check((mode == kMem ? "u" : "s") + std::to_string(8 * bytes) + " load", [&] {
        const Registers r = registers();
        const uint16_t at = place(bytes, false);
        const int32_t ahead = int32_t(below(20000)) - 10000;  // the base is elsewhere
        uint64_t value = in_data(at, bytes);
        if (mode == kMemSx) value = uint64_t(int64_t(value << (64 - 8 * bytes)) >> (64 - 8 * bytes));
        Case c{{}, r.b, value};
        lddw(c.code, r.a, random_() << 32 | uint32_t(int32_t(kWindow) + at + ahead));
        c.code.push_back(make(kLdx | mode | size, r.b, r.a, int16_t(-ahead), 0));
        return c;
      });
    }
  }
}

TEST_F(OperandTest, Stores) {
  for (uint8_t size : kSizes) {
    const unsigned bytes = bytes_of(size);
    for (const bool immediate_operand : {false, true}) {
      check("u" + std::to_string(8 * bytes) + (immediate_operand ? " store, immediate" : " store"), [&] {
        const Registers r = registers();
        const uint16_t at = place(bytes, false);
        const int32_t imm = immediate();
        const W value = immediate_operand ? W(int64_t(imm)) : operand();
        set_data(at, bytes, value);
        Case c{{}, r.b, in_data(at, 8)};
        lddw(c.code, r.a, value);
        c.code.push_back(immediate_operand ? make(kSt | kMem | size, kWindowRegister, 0, int16_t(at), imm)
                                           : make(kStx | kMem | size, kWindowRegister, r.a, int16_t(at), 0));
        c.code.push_back(make(kLdx | kMem | kDw, r.b, kWindowRegister, int16_t(at), 0));
        return c;
      });
    }
  }
}

// What it leaves in the register and what in memory, XORed.
TEST_F(OperandTest, Atomics) {
  struct Atomic {
    const char* name;
    int32_t kind;
    W (*apply)(W, W);
  };
  const Atomic all[] = {{"add", kAtomicAdd, [](W a, W b) { return a + b; }},
                        {"or", kAtomicOr, [](W a, W b) { return a | b; }},
                        {"and", kAtomicAnd, [](W a, W b) { return a & b; }},
                        {"xor", kAtomicXor, [](W a, W b) { return a ^ b; }},
                        {"fetch add", kAtomicAdd | kFetch, [](W a, W b) { return a + b; }},
                        {"fetch or", kAtomicOr | kFetch, [](W a, W b) { return a | b; }},
                        {"fetch and", kAtomicAnd | kFetch, [](W a, W b) { return a & b; }},
                        {"fetch xor", kAtomicXor | kFetch, [](W a, W b) { return a ^ b; }},
                        {"xchg", kXchg, [](W, W b) { return b; }},
                        {"cmpxchg", kCmpXchg, [](W, W b) { return b; }}};
  for (const Atomic& atomic : all) {
    for (uint8_t size : {kDw, kW}) {
      const unsigned bytes = bytes_of(size);
      check(atomic.name + std::to_string(8 * bytes), [&] {
        Registers r = registers();
        const bool compares = atomic.kind == kCmpXchg;
        if (compares && r.a == 0) std::swap(r.a, r.b);
        if (compares && r.b == 0) std::swap(r.b, r.c);
        const uint16_t at = place(bytes, true);
        const W before = in_data(at, bytes), b = operand(), wanted = below(2) == 0 ? before : operand();
        const bool changes = !compares || before == (bytes == 4 ? W(N(wanted)) : wanted);
        if (changes) set_data(at, bytes, atomic.apply(before, b));
        const W in_register = (atomic.kind & kFetch) != 0 ? before : b;
        Case c{{}, r.b, in_register ^ in_data(at, bytes)};
        lddw(c.code, r.a, b);
        // What is above 32 bits does not count.
        if (compares) lddw(c.code, 0, bytes == 4 ? random_() << 32 | N(wanted) : wanted);
        c.code.push_back(make(kStx | kAtomic | size, kWindowRegister, r.a, int16_t(at), atomic.kind));
        c.code.push_back(make(kLdx | kMem | size, r.b, kWindowRegister, int16_t(at), 0));
        c.code.push_back(make(kAlu64 | kXor | kFromRegister, r.b, compares ? 0 : r.a, 0, 0));
        return c;
      });
    }
  }
}

}  // namespace
}  // namespace weft::vm::test
