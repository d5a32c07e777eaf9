// SPDX-License-Identifier: Apache-2.0
// Every instruction of RFC 9669 and its edges, on every machine.
#include "vm/instruction.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/vm/machines.h"
#include "vm/disassemble.h"

namespace weft::vm::test {
namespace {

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

class InstructionTest : public ::testing::Test {
 protected:
  // Prints what was run, so that it can be counted.
  static void TearDownTestSuite() { std::printf("%u cases, on every machine\n", all_cases_); }
  ~InstructionTest() override { all_cases_ += cases_; }

  void expect(const std::string& text, uint64_t r0, const Machines::Run& how = {}) {
    SCOPED_TRACE(text);
    const Trace t = machines_.run(text, how);
    EXPECT_STREQ(to_text(t.outcome.fault), "none");
    EXPECT_EQ(hex(t.outcome.r0), hex(r0));
    ++cases_;
  }
  // A program that ends with `fault` at slot `pc`.
  Trace expect_fault(const std::string& text, Fault fault, uint32_t pc, const Machines::Run& how = {}) {
    SCOPED_TRACE(text);
    const Trace t = machines_.run(text, how);
    EXPECT_STREQ(to_text(t.outcome.fault), to_text(fault));
    EXPECT_EQ(t.outcome.r0, 0u);
    EXPECT_EQ(t.pc, pc);
    ++cases_;
    return t;
  }

  Machines machines_;
  unsigned cases_ = 0;
  static inline unsigned all_cases_ = 0;
};

struct AluCase {
  const char* operation;
  unsigned width;
  uint64_t before, operand, after;
};
constexpr AluCase kAluCases[] = {
#include "tests/unit/vm/alu_cases.inc"
};

// Each with its operand in every kind of place: a register of its own, the registers that
// division and shifts need for themselves, dst itself where it is equal, an immediate.
TEST_F(InstructionTest, Arithmetic) {
  for (const AluCase& c : kAluCases) {
    const std::string kind = c.width == 64 ? "r" : "w", operation = std::string(" ") + c.operation + " ";
    const auto by_register = [&](int dst, int src) {
      const std::string d = std::to_string(dst), s = std::to_string(src);
      // r0, r3, r4 and r6 keep what they held, unless they are dst or src.
      std::string text = "r0 = 11; r3 = 13; r4 = 17; r6 = 19; r" + d + " = " + hex(c.before) + " ll; r" + s +
                         " = " + hex(c.operand) + " ll; " + kind + d + operation + kind + s + "; r9 = r" + d +
                         "; r8 = 0; ";
      uint64_t rest = 0;
      for (auto [reg, value] : {std::pair(0, 11), {3, 13}, {4, 17}, {6, 19}}) {
        if (reg == dst || reg == src) continue;
        text += "r8 += r" + std::to_string(reg) + "; ";
        rest += uint64_t(value);
      }
      expect(text + "r0 = r9; r0 ^= r8; exit", c.after ^ rest);
    };
    by_register(2, 7);
    by_register(0, 3);
    by_register(3, 4);
    by_register(4, 0);
    if (c.before == c.operand) {
      expect("r0 = " + hex(c.before) + " ll; " + kind + "0" + operation + kind + "0; exit", c.after);
    }
    const bool fits = c.width == 32
                          ? c.operand == uint32_t(c.operand) || int64_t(c.operand) == int32_t(c.operand)
                          : int64_t(c.operand) == int32_t(c.operand);
    if (!fits) continue;
    for (const char* dst : {"0", "3", "7"}) {
      expect("r" + std::string(dst) + " = " + hex(c.before) + " ll; " + kind + dst + operation +
                 std::to_string(int32_t(c.operand)) + "; r0 = r" + dst + "; exit",
             c.after);
    }
  }
  EXPECT_GE(cases_, 1000u);
}

TEST_F(InstructionTest, NegationExtensionAndSwaps) {
  expect("r0 = 5; r0 = -r0; exit", uint64_t(-5));
  expect("r0 = 0x8000000000000000 ll; r0 = -r0; exit", 0x8000000000000000);
  expect("r0 = 5; w0 = -w0; exit", 0xfffffffb);
  expect("r0 = 0x180000000 ll; w0 = -w0; exit", 0x80000000);
  expect("r0 = 0; w0 = -w0; exit", 0);
  const std::string value = "r1 = 0x8182838485868788 ll; ";
  expect(value + "r0 = (s8)r1; exit", 0xffffffffffffff88);
  expect(value + "r0 = (s16)r1; exit", 0xffffffffffff8788);
  expect(value + "r0 = (s32)r1; exit", 0xffffffff85868788);
  expect(value + "w0 = (s8)w1; exit", 0xffffff88);
  expect(value + "w0 = (s16)w1; exit", 0xffff8788);
  expect("r1 = 0x7f; r0 = (s8)r1; exit", 0x7f);
  expect("r1 = 0x17fff; r0 = (s16)r1; exit", 0x7fff);
  expect("r1 = 0x17fffffff ll; r0 = (s32)r1; exit", 0x7fffffff);
  expect("r1 = 0x17f; w0 = (s8)w1; exit", 0x7f);
  for (const char* reg : {"0", "1", "7"}) {
    const std::string n = reg, load = "r" + n + " = 0x8182838485868788 ll; r" + n + " = ";
    const auto swap = [&](const std::string& how, uint64_t after) {
      expect(load + how + " r" + n + "; r0 = r" + n + "; exit", after);
    };
    swap("be16", 0x8887);
    swap("be32", 0x88878685);
    swap("be64", 0x8887868584838281);
    swap("le16", 0x8788);
    swap("le32", 0x85868788);
    swap("le64", 0x8182838485868788);
    swap("bswap16", 0x8887);
    swap("bswap32", 0x88878685);
    swap("bswap64", 0x8887868584838281);
  }
  expect("r0 = 0x8182838485868788 ll; exit", 0x8182838485868788);
  expect("r0 = 0xffffffff ll; exit", 0xffffffff);
  expect("r0 = -1; exit", uint64_t(-1));
  expect("w0 = -1; exit", 0xffffffff);
}

// Every condition, taken and not, in 64 and 32 bits, by register and immediate, forwards and
// backwards.
TEST_F(InstructionTest, Jumps) {
  struct Pair {
    int64_t a, b;
  };
  const Pair pairs[] = {
      {1, 1}, {1, 2}, {2, 1}, {-1, 1}, {1, -1}, {-2, -1}, {0, 0}, {5, 2}, {0x7fffffff, -0x80000000L}};
  struct Condition {
    const char* sign;
    bool (*holds)(int64_t, int64_t);
  };
  const Condition conditions[] = {
      {"==", [](int64_t a, int64_t b) { return a == b; }},
      {"!=", [](int64_t a, int64_t b) { return a != b; }},
      {">", [](int64_t a, int64_t b) { return uint64_t(a) > uint64_t(b); }},
      {">=", [](int64_t a, int64_t b) { return uint64_t(a) >= uint64_t(b); }},
      {"<", [](int64_t a, int64_t b) { return uint64_t(a) < uint64_t(b); }},
      {"<=", [](int64_t a, int64_t b) { return uint64_t(a) <= uint64_t(b); }},
      {"s>", [](int64_t a, int64_t b) { return a > b; }},
      {"s>=", [](int64_t a, int64_t b) { return a >= b; }},
      {"s<", [](int64_t a, int64_t b) { return a < b; }},
      {"s<=", [](int64_t a, int64_t b) { return a <= b; }},
      {"&", [](int64_t a, int64_t b) { return (a & b) != 0; }},
  };
  for (const Condition& c : conditions) {
    for (const Pair& p : pairs) {
      const uint64_t taken = c.holds(p.a, p.b) ? 1 : 0;
      const std::string sign = std::string(" ") + c.sign + " ", a = std::to_string(p.a),
                        b = std::to_string(p.b);
      // 32-bit jumps do not look at what is above: it holds other bits in each register.
      const std::string high =
          "r3 = 0x500000000 ll; r4 = 0x900000000 ll; w1 = w1; w2 = w2; r1 += r3; r2 += r4; ";
      const std::string set = "r1 = " + a + "; r2 = " + b + "; ";
      const std::string tail = " goto yes; r0 = 0; exit; yes: r0 = 1; exit";
      expect(set + "if r1" + sign + "r2" + tail, taken);
      expect(set + "if r1" + sign + b + tail, taken);
      expect(set + high + "if w1" + sign + "w2" + tail, taken);
      expect(set + high + "if w1" + sign + b + tail, taken);
      expect("goto start; yes: r0 = 1; exit; start: " + set + "if r1" + sign + "r2 goto yes; r0 = 0; exit",
             taken);
    }
  }
  // What is above counts in 64 bits.
  expect("r1 = 0x100000001 ll; r2 = 1; if r1 == r2 goto yes; r0 = 0; exit; yes: r0 = 1; exit", 0);
  expect("r1 = 0x100000000 ll; if r1 == 0 goto yes; r0 = 0; exit; yes: r0 = 1; exit", 0);
  expect("r1 = 0x100000000 ll; if w1 == 0 goto yes; r0 = 0; exit; yes: r0 = 1; exit", 1);
  expect("r0 = 0; goto over; r0 = 1; over: exit", 0);
  expect("r0 = 0; gotol over; r0 = 1; over: exit", 0);
  expect("goto end; back: r0 = 3; exit; end: gotol back", 3);
  EXPECT_GE(cases_, 495u);
}

TEST_F(InstructionTest, Memory) {
  Machines::Run how{.arguments = {.r1 = kWindow}, .window = "\x81\x82\x83\x84\x85\x86\x87\x88\x01\x02"};
  expect("r0 = *(u8 *)(r1 + 0); exit", 0x81, how);
  expect("r0 = *(u16 *)(r1 + 0); exit", 0x8281, how);
  expect("r0 = *(u32 *)(r1 + 0); exit", 0x84838281, how);
  expect("r0 = *(u64 *)(r1 + 0); exit", 0x8887868584838281, how);
  expect("r0 = *(s8 *)(r1 + 0); exit", 0xffffffffffffff81, how);
  expect("r0 = *(s16 *)(r1 + 0); exit", 0xffffffffffff8281, how);
  expect("r0 = *(s32 *)(r1 + 0); exit", 0xffffffff84838281, how);
  expect("r0 = *(s8 *)(r1 + 8); exit", 1, how);
  expect("r0 = *(u64 *)(r1 + 1); exit", 0x0188878685848382, how);
  expect("r0 = -1; r0 = *(u8 *)(r1 + 9); exit", 2, how);
  expect("r1 += 10; r0 = *(u16 *)(r1 - 2); exit", 0x0201, how);
  expect("r1 = *(u8 *)(r1 + 8); r0 = r1; exit", 1, how);
  // Only the low half of an address counts.
  expect("r2 = 0x700000000 ll; r1 += r2; r0 = *(u8 *)(r1 + 0); exit", 0x81, how);
  for (const char* reg : {"0", "3", "4", "7", "9"}) {
    const std::string r = std::string("r") + reg;
    expect(r + " = 0x1122334455667788 ll; *(u8 *)(r1 + 16) = " + r + "; r0 = *(u64 *)(r1 + 16); exit", 0x88,
           how);
    expect(r + " = 0x1122334455667788 ll; *(u16 *)(r1 + 16) = " + r + "; r0 = *(u64 *)(r1 + 16); exit",
           0x7788, how);
    expect(r + " = 0x1122334455667788 ll; *(u32 *)(r1 + 16) = " + r + "; r0 = *(u64 *)(r1 + 16); exit",
           0x55667788, how);
    expect(r + " = 0x1122334455667788 ll; *(u64 *)(r1 + 16) = " + r + "; r0 = *(u64 *)(r1 + 16); exit",
           0x1122334455667788, how);
  }
  expect("*(u8 *)(r1 + 16) = 0x1ff; r0 = *(u64 *)(r1 + 16); exit", 0xff, how);
  expect("*(u16 *)(r1 + 16) = -2; r0 = *(u64 *)(r1 + 16); exit", 0xfffe, how);
  expect("*(u32 *)(r1 + 16) = -2; r0 = *(u64 *)(r1 + 16); exit", 0xfffffffe, how);
  expect("*(u64 *)(r1 + 16) = -2; r0 = *(u64 *)(r1 + 16); exit", uint64_t(-2), how);
  // The frame, and a pointer to it.
  expect("*(u64 *)(r10 - 8) = 77; r0 = *(u64 *)(r10 - 8); exit", 77);
  expect("*(u64 *)(r10 - 512) = 77; r0 = *(u64 *)(r10 - 512); exit", 77);
  expect("r2 = r10; r2 += -16; *(u32 *)(r2 + 4) = 78; r0 = *(u64 *)(r10 - 16); exit", uint64_t(78) << 32);
  expect("r0 = r10; exit", kStackTop);
  expect("*(u64 *)(r10 - 8) = r10; r0 = *(u64 *)(r10 - 8); exit", kStackTop);
  // A base that moves, by every way that a compiler may follow it.
  expect(
      "r0 = *(u8 *)(r1 + 0); r1 += 1; r2 = *(u8 *)(r1 + 0); r0 += r2; r1 += 1; r2 = *(u8 *)(r1 + 0); r0 += "
      "r2; exit",
      0x81 + 0x82 + 0x83, how);
  expect(
      "r0 = *(u8 *)(r1 + 0); r1 += 30000; r1 += 30000; r1 += 30000; r1 -= 89999; r2 = *(u8 *)(r1 + 0); r0 += "
      "r2; exit",
      0x81 + 0x82, how);
  expect("r0 = *(u8 *)(r1 + 0); w1 += 1; r2 = *(u8 *)(r1 + 0); r0 += r2; exit", 0x81 + 0x82, how);
  expect("r0 = *(u8 *)(r1 + 0); r1 |= 2; r2 = *(u8 *)(r1 + 0); r0 += r2; exit", 0x81 + 0x83, how);
  expect(
      "r2 = r1; r3 = r1; r0 = *(u8 *)(r1 + 0); r4 = *(u8 *)(r2 + 1); r5 = *(u8 *)(r3 + 2); r6 = *(u8 *)(r1 + "
      "3);"
      "r0 += r4; r0 += r5; r0 += r6; exit",
      0x81 + 0x82 + 0x83 + 0x84, how);
}

TEST_F(InstructionTest, Atomics) {
  const std::string wide = "r6 = 0x14200; r2 = 0x8000000000000011 ll; *(u64 *)(r6 + 0) = r2; ";
  const std::string word = "r6 = 0x14200; r2 = 0xaaaaaaaa80000011 ll; *(u64 *)(r6 + 0) = r2; ";
  struct Atomic {
    const char* name;
    uint64_t (*apply)(uint64_t, uint64_t);
  };
  const Atomic atomics[] = {{"add", [](uint64_t a, uint64_t b) { return a + b; }},
                            {"or", [](uint64_t a, uint64_t b) { return a | b; }},
                            {"and", [](uint64_t a, uint64_t b) { return a & b; }},
                            {"xor", [](uint64_t a, uint64_t b) { return a ^ b; }}};
  for (const Atomic& a : atomics) {
    const std::string name = a.name;
    for (const char* reg : {"0", "1", "3", "4", "8"}) {
      const std::string n = reg, set = "r" + n + " = 0x9000000080000001 ll; ";
      const uint64_t operand = 0x9000000080000001, before = 0x8000000000000011, low = 0x80000011;
      const std::string u64 = "*(u64 *)(r6 + 0), r" + n + ")", u32 = "*(u32 *)(r6 + 0), w" + n + ")";
      expect(wide + set + "lock " + name + "(" + u64 + "; r0 = *(u64 *)(r6 + 0); exit",
             a.apply(before, operand));
      expect(wide + set + "r" + n + " = atomic_fetch_" + name + "(" + u64 + "; r0 = r" + n + "; exit",
             before);
      expect(wide + set + "r" + n + " = atomic_fetch_" + name + "(" + u64 + "; r0 = *(u64 *)(r6 + 0); exit",
             a.apply(before, operand));
      const uint64_t after = 0xaaaaaaaa00000000 | uint32_t(a.apply(low, uint32_t(operand)));
      expect(word + set + "lock " + name + "(" + u32 + "; r0 = *(u64 *)(r6 + 0); exit", after);
      expect(word + set + "w" + n + " = atomic_fetch_" + name + "(" + u32 + "; r0 = r" + n + "; exit", low);
      expect(word + set + "w" + n + " = atomic_fetch_" + name + "(" + u32 + "; r0 = *(u64 *)(r6 + 0); exit",
             after);
    }
    // What it borrows, it gives back.
    expect(wide + "r0 = 1; r3 = 2; r4 = 4; r5 = 8; r5 = atomic_fetch_" + name +
               "(*(u64 *)(r6 + 0), r5); r0 += r3; r0 += r4; exit",
           7);
    expect(
        wide + "r0 = 1; r3 = 2; r4 = 4; r3 = atomic_fetch_" + name + "(*(u64 *)(r6 + 0), r3); r0 += r4; exit",
        5);
  }
  expect(wide + "r1 = 5; r1 = xchg(*(u64 *)(r6 + 0), r1); r0 = r1; exit", 0x8000000000000011);
  expect(wide + "r1 = 5; r1 = xchg(*(u64 *)(r6 + 0), r1); r0 = *(u64 *)(r6 + 0); exit", 5);
  expect(word + "r1 = -1; w1 = xchg(*(u32 *)(r6 + 0), w1); r0 = r1; exit", 0x80000011);
  expect(word + "r1 = 5; w1 = xchg(*(u32 *)(r6 + 0), w1); r0 = *(u64 *)(r6 + 0); exit", 0xaaaaaaaa00000005);
  expect(wide + "r0 = r2; r1 = 9; r0 = cmpxchg(*(u64 *)(r6 + 0), r0, r1); exit", 0x8000000000000011);
  expect(wide + "r0 = r2; r1 = 9; r0 = cmpxchg(*(u64 *)(r6 + 0), r0, r1); r0 = *(u64 *)(r6 + 0); exit", 9);
  expect(wide + "r0 = 1; r1 = 9; r0 = cmpxchg(*(u64 *)(r6 + 0), r0, r1); exit", 0x8000000000000011);
  expect(wide + "r0 = 1; r1 = 9; r0 = cmpxchg(*(u64 *)(r6 + 0), r0, r1); r0 = *(u64 *)(r6 + 0); exit",
         0x8000000000000011);
  // 32 bits: what is above in r0 is not compared, and is zero afterwards either way.
  expect(word + "r0 = 0x1180000011 ll; r1 = 9; w0 = cmpxchg(*(u32 *)(r6 + 0), w0, w1); exit", 0x80000011);
  expect(word + "r0 = 0x1100000011 ll; r1 = 9; w0 = cmpxchg(*(u32 *)(r6 + 0), w0, w1); exit", 0x80000011);
  expect(
      word +
          "r0 = 0x1180000011 ll; r1 = 9; w0 = cmpxchg(*(u32 *)(r6 + 0), w0, w1); r0 = *(u64 *)(r6 + 0); exit",
      0xaaaaaaaa00000009);
  expect("*(u64 *)(r10 - 8) = 4; r1 = 3; lock add(*(u64 *)(r10 - 8), r1); r0 = *(u64 *)(r10 - 8); exit", 7);
  expect("*(u64 *)(r10 - 8) = 4; r1 = r10; r1 = atomic_fetch_add(*(u64 *)(r10 - 8), r1); r0 = r1; exit", 4);
  for (const char* kind :
       {"lock add(*(u64 *)(r6 + 4), r1)", "r1 = xchg(*(u32 *)(r6 + 2), r1)",
        "r1 = atomic_fetch_or(*(u64 *)(r6 + 1), r1)", "r0 = cmpxchg(*(u64 *)(r6 + 7), r0, r1)"}) {
    expect_fault("r6 = 0x14200; r0 = 0; r1 = 0; " + std::string(kind) + "; exit", Fault::kAlignment, 3);
  }
}

TEST_F(InstructionTest, CallsWithinTheProgram) {
  expect("r1 = 4; call f; exit; f: r0 = r1; r0 += 1; exit", 5);
  // R6..R9 are the caller's; R1..R5 are gone.
  expect(
      "r6 = 1; r7 = 2; r8 = 3; r9 = 4; call f; r0 = r6; r0 += r7; r0 += r8; r0 += r9; exit;"
      "f: r6 = 50; r7 = 50; r8 = 50; r9 = 50; r0 = 9; exit",
      10);
  expect(
      "r1 = 1; r5 = 5; call f; r0 = r1; r0 += r2; r0 += r3; r0 += r4; r0 += r5; exit;"
      "f: r2 = 7; r3 = 7; r4 = 7; r0 = 9; exit",
      0);
  expect("r6 = 40; call f; exit; f: r0 = r6; r0 += 2; exit", 42);
  // Frames are apart.
  expect(
      "*(u64 *)(r10 - 8) = 5; call f; r0 = *(u64 *)(r10 - 8); exit; f: *(u64 *)(r10 - 8) = 6; r0 = 0; exit",
      5);
  expect("r6 = r10; call f; r6 -= r0; r0 = r6; exit; f: r0 = r10; exit", kFrameBytes);
  expect("call f; r0 = r10; exit; f: r0 = 0; exit", kStackTop);
  // 10! by recursion.
  expect(
      "r1 = 10; call f; exit;"
      "f: if r1 > 1 goto more; r0 = 1; exit; more: r6 = r1; r1 += -1; call f; r0 *= r6; exit",
      3628800);
  // Registers that were never set are zero.
  expect("exit", 0);
  expect("r0 = r6; r0 |= r7; r0 |= r8; r0 |= r9; r0 |= r4; r0 |= r5; exit", 0);
  expect("r0 = r1; r0 += r2; r0 += r3; r0 += r4; r0 += r5; exit", 15, {.arguments = {1, 2, 3, 4, 5}});
}

TEST_F(InstructionTest, CallsThroughPointers) {
  expect("r2 = function f; r1 = 4; callx r2; exit; f: r0 = r1; r0 += 1; exit", 5);
  expect(
      "r6 = function g; r7 = function f; callx r6; r8 = r0; callx r7; r0 += r8; exit;"
      "f: r0 = 1; exit; g: r0 = 10; exit",
      11);
  expect("r0 = function f; exit; f: exit", function_handle(1));
  // clang 14 names the register in imm.
  expect("r2 = function f; .raw 0x8d 0 0 0 2; exit; f: r0 = 8; exit", 8);
  // memcmp, by its number.
  expect("r6 = 4; r1 = 0x14200; r2 = 0x14208; r3 = 8; callx r6; exit", 0);
  for (const char* wild : {"0", "4095", "0x7fffffff", "-1", "0xf0000002 ll", "0xefffffff ll", "0x14200"}) {
    expect_fault("r6 = " + std::string(wild) + "; callx r6; exit; f: exit", Fault::kBadCall,
                 std::string(wild).find("ll") != std::string::npos ? 2 : 1);
  }
  // Only the low half of a handle counts, as of any pointer.
  expect("r1 = function f; r6 = 0x5f0000001 ll; callx r6; exit; f: r0 = 3; exit", 3);
}

// What is left is exact: a backward jump costs the slots that it goes over, a call its callee.
TEST_F(InstructionTest, Budget) {
  const std::string loop = "r0 = 0; again: r0 += 1; if r0 != 10 goto again; exit";
  EXPECT_EQ(machines_.run(loop, {.budget = 100}).outcome.budget_left, 100u - 9 * 2);
  EXPECT_EQ(machines_.run(loop, {.budget = 18}).outcome.budget_left, 0u);
  EXPECT_EQ(machines_.run(loop, {.budget = 18}).outcome.r0, 10u);
  for (uint32_t budget = 0; budget < 18; ++budget) {
    const Trace t = expect_fault(loop, Fault::kBudget, 2, {.budget = budget});
    EXPECT_EQ(t.outcome.budget_left, 0u);
  }
  // Where it stops shows in memory, whatever the copies of the loop are.
  const std::string counting =
      "r1 = 0x14200; again: *(u64 *)(r1 + 0) = r0; r0 += 1; if r0 != 100 goto again; exit";
  for (uint32_t budget = 0; budget < 300; ++budget) {
    const Trace t = machines_.run(counting, {.budget = budget});
    EXPECT_EQ(t.in_window(0), std::min<uint64_t>(budget / 3, 99));
  }
  const std::string call = "call f; exit; f: r0 = 1; r0 = 2; exit";
  EXPECT_EQ(machines_.run(call, {.budget = 10}).outcome.budget_left, 7u);
  EXPECT_EQ(machines_.run(call, {.budget = 3}).outcome.budget_left, 0u);
  expect_fault(call, Fault::kBudget, 2, {.budget = 2});
  const std::string indirect = "r1 = function f; callx r1; exit; f: r0 = 1; r0 = 2; exit";
  EXPECT_EQ(machines_.run(indirect, {.budget = 10}).outcome.budget_left, 7u);
  expect_fault(indirect, Fault::kBudget, 4, {.budget = 2});
  // A fault in the middle of a loop: what was charged until then.
  const std::string walk = "r1 = 0x14200; again: r2 = *(u8 *)(r1 + 0); r1 += 1; if r2 == 0 goto again; exit";
  const Trace t = expect_fault(walk, Fault::kAccess, 1, {.budget = 100000});
  EXPECT_EQ(t.outcome.budget_left, 100000u - kDefaultWindow * 3);
  // Helpers: a unit for each 8 bytes.
  const std::string copy = "r1 = 0x14200; r2 = 0x14300; r3 = 20; call helper 1; exit";
  EXPECT_EQ(machines_.run(copy, {.budget = 10}).outcome.budget_left, 10u - 2 * 3);
  expect_fault(copy, Fault::kBudget, 3, {.budget = 5});
  EXPECT_EQ(machines_.run("exit", {.budget = 0}).outcome.fault, Fault::kNone);
  EXPECT_EQ(machines_.run("exit", {.budget = kMaxBudget}).outcome.budget_left, kMaxBudget);
}

// Loops of one block, which a compiler may write out several times and whose steps it may put
// off: with every budget, so that they are left and stopped at every turn.
TEST_F(InstructionTest, Loops) {
  const char* const loops[] = {
      // Counters up and down, compared in every way.
      "r0 = 0; again: r0 += 3; if r0 != 30 goto again; exit",
      "r0 = 0; again: r0 += 3; r2 += r0; if r0 < 30 goto again; r0 = r2; exit",
      "r0 = 50; again: r0 += -7; if r0 s> -9 goto again; exit",
      "r0 = 0xfffffff0 ll; again: r0 += 1; if w0 != 5 goto again; exit",
      "r0 = 9; again: r0 += -1; r3 = r0; if r3 != 0 goto again; exit",
      "r2 = 0; r3 = 12; again: r2 += 1; r0 += r2; r3 += -1; if r2 != r3 goto again; exit",
      "again: r0 += 1; if r0 & 12 goto out; if r0 != 0 goto again; out: exit",
      "r0 = 0; again: r0 += 0x7fffffff; r2 += 1; if r2 != 9 goto again; exit",
      "r0 = 0; again: r0 += 1; w0 += 1; r0 += 1; if r0 != 30 goto again; exit",
      "again: r0 += 1; r0 *= 3; r0 += 1; r2 += 1; if r2 != 12 goto again; exit",
      // A register is given anew in each turn.
      "again: r3 += 5; r3 = 7; r3 += 2; r0 += r3; r2 += 1; if r2 != 12 goto again; exit",
      "again: r3 += 5; r0 ^= r3; r3 = r0; r2 += 1; if r2 != 12 goto again; exit",
      // Pointers that step, are kept, loaded over, stored, and mixed.
      "r3 = r1; again: *(u64 *)(r3 + 0) = r2; r3 += 8; r2 += 1; if r2 != 20 goto again; r0 = r3; exit",
      "r3 = r1; again: *(u64 *)(r3 + 0) = r3; r3 += 8; r2 += 1; if r2 != 20 goto again; r0 = r3; exit",
      "r3 = r1; again: r3 += 8; *(u64 *)(r1 + 0) = r3; r2 += 1; r1 += 16; if r2 != 20 goto again; r0 = r1; "
      "exit",
      "r3 = r1; again: r3 += 2; r3 = *(u8 *)(r3 + 0); r3 += r1; r0 += r3; r2 += 1; if r2 != 20 goto again; "
      "exit",
      "r3 = r1; r4 = r1; r5 = r1; again: r6 = *(u8 *)(r3 + 1); *(u8 *)(r4 + 99) = r6; *(u8 *)(r5 + 300) = "
      "r6; r3 += 1;"
      "r4 += 2; r5 += 3; r2 += 1; if r2 != 20 goto again; exit",
      "r3 = r1; again: lock add(*(u64 *)(r3 + 0), r2); r3 += 8; r2 += 1; if r2 != 20 goto again; r0 = r3; "
      "exit",
      "r3 = r1; again: r3 += 8; r3 += -4; *(u8 *)(r3 - 4) = 7; r2 += 1; if r2 != 20 goto again; r0 = r3; "
      "exit",
      "r3 = r1; again: r4 = 0x1122334455667788 ll; *(u64 *)(r3 + 0) = r4; r3 += 8; r2 += 1; if r2 != 9 goto "
      "again; exit",
      // Out of the arena, by small steps and large.
      "r3 = r1; again: *(u8 *)(r3 + 0) = 7; r3 += 1000; r2 += 1; if r2 != 20 goto again; exit",
      "r3 = r1; again: *(u8 *)(r3 + 0) = 7; r3 += 30000; r3 += -29999; r2 += 1; if r2 != 20 goto again; exit",
      "r3 = r1; again: *(u8 *)(r3 + 0) = 7; r3 += -30000; r3 += 30001; r2 += 1; if r2 != 20 goto again; exit",
      "r3 = r1; again: r3 += 50000; r3 += 50000; r3 += -99999; *(u8 *)(r3 + 32767) = 7; r2 += 1; if r2 != 9 "
      "goto again; exit",
      "r3 = r1; again: *(u8 *)(r3 + 0) = 7; r3 += 0x40000000; r3 += 0x40000000; r3 += 0x40000000; r3 += "
      "0x40000001;"
      "r2 += 1; if r2 != 20 goto again; r0 = r3; exit",
      // In one another.
      "outer: r2 = 0; inner: r0 += r2; r2 += 1; if r2 != 5 goto inner; r3 += 1; if r3 != 6 goto outer; exit",
  };
  for (const char* loop : loops) {
    for (uint32_t budget = 0; budget < 160; ++budget) {
      SCOPED_TRACE(loop);
      machines_.run(loop, {.arguments = {.r1 = kWindow}, .budget = budget, .window = std::string(100, '\1')});
    }
    machines_.run(loop, {.arguments = {.r1 = kWindow}, .window = std::string(100, '\2')});
  }
}

TEST_F(InstructionTest, Depth) {
  const std::string text = "r1 = 0; call f; exit; f: r1 += 1; *(u64 *)(r10 - 512) = r1; call f; r0 = 0; exit";
  const Trace t = expect_fault(text, Fault::kDepth, 3);
  // 31 calls below the first frame were made.
  EXPECT_EQ(t.outcome.budget_left, 1'000'000u - 32 * 5);
}

// Of the programs above, those that call no helpers ran on aarch64 too, where there is an
// emulator.  Its helpers are the runner's own: one adds and costs 5, one fails.
TEST_F(InstructionTest, Aarch64) {
  expect("r0 = 7; exit", 7);
  Aarch64* const aarch64 = machines_.aarch64();
  if (aarch64 == nullptr) GTEST_SKIP() << "no emulator of aarch64 here";
  EXPECT_EQ(aarch64->runs(), 2u);
  auto helpers = std::make_shared<HelperTable>();
  for (uint32_t n = 1; n <= 2; ++n) {
    const auto function = reinterpret_cast<HelperFunction>(aarch64->helper(n));
    ASSERT_TRUE(helpers->add({n, "helper" + std::to_string(n), function, 5}));
  }
  const auto run = [&](const char* text) {
    return *aarch64->run(**Program::link(image(text), {helpers, {}}), ArenaKind::kWide, "", {}, 100, "");
  };
  const Aarch64::Run added = run(
      "r6 = 50; r1 = 1; r2 = 2; r3 = 3; r4 = 4; r5 = 5; call helper 1; r0 += r6; r0 += r1; r0 += r5; exit");
  EXPECT_EQ(added.outcome.r0, 65u);
  EXPECT_EQ(added.outcome.budget_left, 95u);
  const Aarch64::Run refused = run("r1 = 1; call helper 1; call helper 2; r0 = 9; exit");
  EXPECT_EQ(refused.outcome.fault, Fault::kRefused);
  EXPECT_EQ(refused.outcome.budget_left, 95u);
  EXPECT_EQ(refused.pc, 2u);
  const Aarch64::Run below = run("call f; exit; f: r1 = 8; call helper 1; call helper 2; exit");
  EXPECT_EQ(below.outcome.fault, Fault::kRefused);
  EXPECT_EQ(below.pc, 4u);
}

TEST_F(InstructionTest, TextAndDisassemblyAgree) {
  const char* const statements[] = {
      "r3 += -5",
      "w3 s/= w4",
      "r3 s%= 7",
      "r1 = (s16)r2",
      "w1 = -w1",
      "r1 = bswap32 r1",
      "r1 = be16 r1",
      "r1 = le64 r1",
      "r0 = *(u8 *)(r1 + 3)",
      "r0 = *(s32 *)(r1 - 3)",
      "*(u64 *)(r10 - 8) = r1",
      "*(u16 *)(r1) = 9",
      "lock or(*(u64 *)(r1 + 8), r2)",
      "r2 = atomic_fetch_xor(*(u64 *)(r1 + 8), r2)",
      "w2 = xchg(*(u32 *)(r1 + 8), w2)",
      "r0 = cmpxchg(*(u64 *)(r1 + 8), r0, r2)",
      "if r1 s>= r2 goto 0",
      "if w1 & 9 goto 1",
      "goto 1",
      "call helper 4",
      "callx r7",
      "exit",
      "r1 s>>= 4",
      "r4 = 0x8182838485868788 ll",
  };
  for (const char* statement : statements) EXPECT_EQ(disassemble(assemble(statement), 0), statement);
}

}  // namespace
}  // namespace weft::vm::test
