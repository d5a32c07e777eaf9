// SPDX-License-Identifier: Apache-2.0
// Arenas, code caches, helpers and gates: what surrounds a running program.
#include "vm/instance.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/unit/testing/allocations.h"
#include "tests/unit/vm/machines.h"
#include "vm/lending.h"

namespace weft::vm::test {
namespace {

constexpr uint32_t kLend = 30;  // and 31: lent, 32: lent_read, 33: lent_write

uint64_t add_all(Call&, In bytes, uint64_t plus) {
  for (size_t i = 0; i < bytes.size; ++i) plus += bytes.data[i];
  return plus;
}
uint64_t whoami(Call& call) { return *static_cast<uint64_t*>(call.environment()); }
uint64_t from_gate(Call& call) { return call.caller() != nullptr; }

class InstanceTest : public ::testing::Test {
 protected:
  InstanceTest() {
    EXPECT_TRUE(machines_.helpers().add(make_helper<add_all>(20, "add_all")));
    EXPECT_TRUE(machines_.helpers().add(make_helper<whoami>(21, "whoami")));
    EXPECT_TRUE(machines_.helpers().add(make_helper<from_gate>(22, "from_gate")));
    EXPECT_TRUE(add_lending_helpers(machines_.helpers(), kLend));
  }
  std::shared_ptr<const Program> link(std::string_view text, std::vector<std::string> gates = {}) {
    return *Program::link(image(text), {machines_.shared_helpers(), std::move(gates)});
  }
  std::unique_ptr<Instance> instance(std::shared_ptr<const Program> program) {
    auto code = machines_.compile(program);
    return *Instance::create(machines_.space(), std::move(program), code, {});
  }

  Machines machines_;
};

TEST_F(InstanceTest, HelpersTakeRangesAndNumbers) {
  Machines::Run how{.arguments = {.r1 = kWindow}, .window = "\x01\x02\x03\x04"};
  EXPECT_EQ(machines_.run("r2 = 4; r3 = 100; call helper 20; exit", how).outcome.r0, 110u);
  EXPECT_EQ(machines_.run("r1 = 0; r2 = 0; r3 = 100; call helper 20; exit", how).outcome.r0, 100u);
  uint64_t me = 42;
  EXPECT_EQ(machines_.run("call helper 21; exit", {.environment = &me}).outcome.r0, 42u);
  EXPECT_EQ(machines_.helpers().find(20)->arguments, 3u);
  EXPECT_EQ(machines_.helpers().find("whoami")->number, 21u);
}

TEST_F(InstanceTest, HelpersAreAddedOnce) {
  EXPECT_FALSE(machines_.helpers().add(make_helper<whoami>(20, "other")));
  EXPECT_FALSE(machines_.helpers().add(make_helper<whoami>(30, "whoami")));
  EXPECT_FALSE(machines_.helpers().add(make_helper<whoami>(0, "none")));
  EXPECT_FALSE(machines_.helpers().add(make_helper<whoami>(kMaxHelpers, "far")));
}

TEST_F(InstanceTest, MemoryHelpers) {
  Machines::Run how{.arguments = {.r1 = kWindow}, .window = "abcdefgh"};
  const Trace moved = machines_.run("r2 = r1; r1 += 2; r3 = 6; call helper 2; exit", how);
  EXPECT_EQ(moved.outcome.r0, kWindow + 2u);
  EXPECT_EQ(std::string(moved.frame.data() + (kWindow - 0x10000), 8), "ababcdef");
  EXPECT_EQ(machines_.run("r2 = 0x1ff; r3 = 8; call helper 3; r0 = *(u64 *)(r0 + 0); exit", how).outcome.r0,
            UINT64_MAX);
  EXPECT_EQ(machines_.run("r2 = r1; r2 += 1; r3 = 4; call helper 4; exit", how).outcome.r0, UINT64_MAX);
  EXPECT_EQ(machines_.run("r2 = r1; r1 += 1; r3 = 4; call helper 4; exit", how).outcome.r0, 1u);
}

TEST_F(InstanceTest, CallsDoNotAllocate) {
  auto one = instance(link("r0 = *(u64 *)(r1 + 0); r0 += 1; *(u64 *)(r1 + 0) = r0; exit"));
  auto faulty = instance(link("r0 = *(u64 *)(r0 + 0); exit"));
  const Instance::Entry entry = *one->entry(""), bad = *faulty->entry("");
  const uint64_t before = weft::testing::allocations();
  for (int i = 1; i <= 1000; ++i) EXPECT_EQ(one->call(entry, {.r1 = kWindow}, 10).r0, uint64_t(i));
  for (int i = 1; i <= 100; ++i) EXPECT_EQ(faulty->call(bad, {}, 10).fault, Fault::kAccess);
  EXPECT_EQ(weft::testing::allocations(), before);
  EXPECT_EQ(faulty->faults(Fault::kAccess), 100u);
  EXPECT_EQ(faulty->faults(Fault::kBudget), 0u);
  EXPECT_EQ(faulty->fault_pc(), 0u);
}

TEST_F(InstanceTest, ManyCallsInARow) {
  // The first word of the window says what to do: 0 comes to its end, 1 runs for ever, 2 faults.
  const auto program = link(
      "r0 = *(u64 *)(r1 + 0); if r0 == 0 goto end; if r0 == 2 goto fault; again: goto again; "
      "fault: r2 = 0; r0 = *(u64 *)(r2 + 8); end: exit");
  for (bool compiled : {true, false}) {
    SCOPED_TRACE(compiled);
    auto one = compiled ? instance(program)
                        : *Instance::create(machines_.space(), program, nullptr, Instance::Sizes{});
    const Entry entry = *one->entry("");
    {
      Instance::Calls calls(entry);
      for (const auto& [what, fault] : {std::pair{0, Fault::kNone},
                                        {1, Fault::kBudget},
                                        {0, Fault::kNone},
                                        {2, Fault::kAccess},
                                        {0, Fault::kNone},
                                        {1, Fault::kBudget},
                                        {0, Fault::kNone}}) {
        *one->window() = uint8_t(what);
        const Outcome o = calls({.r1 = kWindow}, 100, nullptr);
        EXPECT_EQ(o.fault, fault);
        EXPECT_EQ(o.budget_left, fault == Fault::kBudget ? 0u : 100u);
      }
    }
    EXPECT_EQ(one->faults(Fault::kBudget), 2u);
    EXPECT_EQ(one->faults(Fault::kAccess), 1u);
  }
}

// What a compiler may do without: additions and constants that only an access asks for.
TEST_F(InstanceTest, AddressesThatAreKnownOrMadeOnTheWay) {
  Machines::Run how{.arguments = {.r1 = kWindow}, .window = "abcdefgh"};
  const std::string at = std::to_string(kWindow);
  const auto r0 = [&](const std::string& text) { return machines_.run(text, how).outcome.r0; };
  EXPECT_EQ(r0("r2 = " + at + "; r2 = *(u8 *)(r2 + 1); r0 = r2; exit"), uint64_t{'b'});
  // The constant is wanted afterwards: read, jumped past, or moved on.
  EXPECT_EQ(r0("r2 = " + at + "; r0 = *(u8 *)(r2 + 1); r0 += r2; exit"), kWindow + uint64_t{'b'});
  EXPECT_EQ(r0("r2 = " + at + "; r2 += 2; r0 = *(u8 *)(r2 + 1); r0 += r2; exit"),
            kWindow + 2 + uint64_t{'d'});
  EXPECT_EQ(r0("r2 = " + at + "; w2 += 2; r0 = *(u8 *)(r2 + 1); exit"), uint64_t{'d'});
  EXPECT_EQ(r0("r2 = " + at + "; if r1 == 0 goto on; r2 += 3; on: r0 = *(u8 *)(r2 + 0); exit"),
            uint64_t{'d'});
  EXPECT_EQ(r0("r2 = " + at + "; *(u8 *)(r2 + 1) = 122; r0 = *(u8 *)(r1 + 1); exit"), uint64_t{'z'});
  EXPECT_EQ(r0("r2 = " + at + "; *(u32 *)(r2 + 4) = r2; r0 = *(u32 *)(r1 + 4); exit"), uint64_t{kWindow});
  EXPECT_EQ(r0("r2 = r1; r2 += 3; r0 = *(u8 *)(r2 + 1); r0 += r2; exit"), kWindow + 3 + uint64_t{'e'});
  EXPECT_EQ(r0("r1 = r1; r1 += 3; r0 = *(u8 *)(r1 + 0); exit"), uint64_t{'d'});
  EXPECT_EQ(r0("r2 = r1; if r1 == 0 goto on; on: r2 += 3; r0 = *(u8 *)(r2 + 0); exit"), uint64_t{'d'});
  // Outside of everything, from below and from above; the interpreter says the same.
  for (const char* far : {"4294967288", "-8", "2147483647", "-2147483648", "8"}) {
    machines_.run(std::string("r2 = ") + far + "; r0 = *(u64 *)(r2 + 16); exit", how);
    machines_.run(std::string("r2 = ") + far + "; r0 = *(u64 *)(r2 - 16); exit", how);
  }
}

TEST_F(InstanceTest, EntriesHaveNames) {
  Image i = image("r0 = 1; exit; r0 = 2; exit");
  i.symbols = {{Symbol::Kind::kExport, 0, "a"}, {Symbol::Kind::kExport, 2, "b"}};
  EXPECT_EQ(machines_.run(i, {.entry = "a"}).outcome.r0, 1u);
  EXPECT_EQ(machines_.run(i, {.entry = "b"}).outcome.r0, 2u);
  auto one = instance(*Program::link(i, {machines_.shared_helpers(), {}}));
  EXPECT_EQ(one->entry("c").error().sentence, "the program exports no 'c'");
}

TEST_F(InstanceTest, TheSameTextIsCompiledOnce) {
  auto cache = *CodeCache::create(1 << 20);
  auto a = link("r0 = 1; exit"), b = link("r0 = 1; exit"), c = link("r0 = 2; exit");
  auto code_a = *cache->compile(a), code_b = *cache->compile(b), code_c = *cache->compile(c);
  EXPECT_EQ(code_a, code_b);
  EXPECT_NE(code_a, code_c);
  EXPECT_EQ(cache->programs(), 2u);
  code_a.reset();
  code_b.reset();
  EXPECT_EQ(cache->programs(), 1u);
  code_c.reset();
  EXPECT_EQ(cache->bytes_used(), 0u);
}

TEST_F(InstanceTest, AFullCacheSaysSoAndRecovers) {
  auto cache = *CodeCache::create(16 << 10);
  std::vector<std::shared_ptr<const MachineCode>> kept;
  std::string error;
  for (int i = 0; i < 1000 && error.empty(); ++i) {
    auto code = cache->compile(link("r0 = " + std::to_string(i) + "; *(u64 *)(r1 + 0) = r0; exit"));
    code ? kept.push_back(*code) : void(error = code.error().sentence);
  }
  EXPECT_EQ(error, "the memory for machine code is used up");
  EXPECT_GT(kept.size(), 20u);
  // In any order: what is free grows together again.
  for (size_t i = 0; i < kept.size(); i += 2) kept[i].reset();
  kept.clear();
  EXPECT_EQ(cache->bytes_used(), 0u);
  std::string text;
  for (int i = 0; i < 400; ++i) text += "*(u64 *)(r1 + 8) = r1; ";
  EXPECT_TRUE(cache->compile(link(text + "exit")));
}

// Loops that become much code: few slots, written out eight times.
std::string heavy_loops(size_t loops) {
  std::string text;
  for (size_t i = 0; i < loops; ++i) {
    const std::string label = "again" + std::to_string(i);
    text += label + ": ";
    for (int k = 0; k < 5; ++k) text += "r3 = atomic_fetch_or(*(u64 *)(r1 + 0), r3); ";
    text += "if r3 == 1 goto " + label + "; ";
  }
  return text + "exit";
}

#if defined(__x86_64__)
// How long code becomes is not known before: it goes where it has room, not where it might have had.
TEST_F(InstanceTest, LongCodeFindsTheLargerRange) {
  auto cache = *CodeCache::create(512 << 10);
  std::string text;
  for (int i = 0; i < 24'000; ++i) text += "*(u64 *)(r1 + 8) = r1; ";
  auto first = *cache->compile(link(text + "exit"));
  auto between = *cache->compile(link("r0 = 1; exit"));
  const size_t small = first->bytes().size();
  first.reset();  // now there are two free ranges, this and a larger one behind `between`
  auto program = link(heavy_loops(60));
  const size_t guess = program->text().size() * 256 + kPageBytes;
  ASSERT_LT(guess, small);
  auto code = cache->compile(program);
  ASSERT_TRUE(code) << code.error().sentence;
  ASSERT_GT((*code)->bytes().size(), small) << "it would have had room in the smaller one";
  auto compiled = *Instance::create(machines_.space(), program, *code, {});
  EXPECT_EQ(compiled->call(*compiled->entry(""), {.r1 = kWindow}, 1000).fault, Fault::kNone);
}

// Nobody's loops make more code than a program of this length can be anyway.
TEST_F(InstanceTest, WhatUnrollingAddsIsBounded) {
  auto cache = *CodeCache::create(64 << 20);
  const auto bytes_per_slot = [&](size_t loops) {
    auto program = link(heavy_loops(loops));
    return double((*cache->compile(program))->bytes().size()) / double(program->text().size());
  };
  EXPECT_GT(bytes_per_slot(10), 256);
  EXPECT_LT(bytes_per_slot(10'900), 80);
}
#endif

// As long as programs may be, and made to be slow to understand: each of its jumps back tells
// the one before that one more register is wanted.
TEST_F(InstanceTest, TheLongestPrograms) {
  auto cache = *CodeCache::create(64 << 20);
  Image sums;
  for (uint32_t i = 0; i + 2 < kMaxInstructions; ++i) sums.text.push_back(make(kAlu64 | kAdd, 0, 0, 0, 1));
  sums.text.insert(sums.text.begin(), make(kJmp32 | kJa, 0, 0, 0, 1000));
  sums.text.push_back(make(kExitOpcode, 0, 0, 0, 0));
  Image jumps;
  for (uint32_t i = 0; i + 2 < kMaxInstructions; i += 2) {
    jumps.text.push_back(make(kAlu64 | kMov | kFromRegister, i / 2 % 9, i / 2 % 9 + 1, 0, 0));
    jumps.text.push_back(make(kJmp | kJeq, 9, 0, int16_t(i == 0 ? 0 : -4), 1));
  }
  jumps.text.push_back(make(kExitOpcode, 0, 0, 0, 0));
  for (const Image* image : {&sums, &jumps}) {
    auto program = Program::link(*image, {machines_.shared_helpers(), {}});
    ASSERT_TRUE(program) << program.error().sentence;
    const auto start = std::chrono::steady_clock::now();
    auto code = cache->compile(*program);
    ASSERT_TRUE(code) << code.error().sentence;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    auto compiled = *Instance::create(machines_.space(), *program, *code, {});
    auto interpreted = *Instance::create(machines_.space(), *program, nullptr, {});
    const Outcome a = compiled->call(*compiled->entry(""), {1, 2, 3, 4, 5}, 1000);
    const Outcome b = interpreted->call(*interpreted->entry(""), {1, 2, 3, 4, 5}, 1000);
    EXPECT_EQ(a.fault, Fault::kNone);
    EXPECT_EQ(a.r0, b.r0);
    EXPECT_EQ(a.budget_left, b.budget_left);
    EXPECT_EQ(a.r0, image == &sums ? kMaxInstructions - 2 - 1000 : b.r0);
  }
  Image longer = sums;
  longer.text.push_back(make(kExitOpcode, 0, 0, 0, 0));
  EXPECT_FALSE(read_image(write_image(longer)));
}

TEST_F(InstanceTest, ArenasAreGivenBack) {
  const size_t before = machines_.space().free_windows();
  {
    std::vector<std::unique_ptr<Arena>> all;
    while (machines_.space().free_windows() > 0) all.push_back(*Arena::create(machines_.space(), {}));
    EXPECT_EQ(Arena::create(machines_.space(), {}).error().sentence, "all arenas are in use");
    std::memset(all.back()->window(), 1, all.back()->window_bytes());
  }
  EXPECT_EQ(machines_.space().free_windows(), before);
  auto again = *Arena::create(machines_.space(), {});
  for (uint32_t i = 0; i < again->window_bytes(); ++i) ASSERT_EQ(again->window()[i], 0);
}

TEST_F(InstanceTest, HeapsGrowToTheirQuota) {
  auto arena = *Arena::create(machines_.space(), {.heap_quota = 3 * kPageBytes});
  EXPECT_EQ(arena->heap_bytes(), 0u);
  EXPECT_TRUE(arena->grow_heap(1));
  EXPECT_EQ(arena->heap_bytes(), kPageBytes);
  arena->base()[kHeap] = 9;
  EXPECT_TRUE(arena->grow_heap(3 * kPageBytes));
  EXPECT_FALSE(arena->grow_heap(3 * kPageBytes + 1));
  EXPECT_EQ(arena->base()[kHeap], 9);
  const uint64_t mapped = arena->mapped_bytes();
  arena->release_heap();
  EXPECT_EQ(arena->mapped_bytes(), mapped - 3 * kPageBytes);
  EXPECT_TRUE(arena->grow_heap(1));
  EXPECT_EQ(arena->base()[kHeap], 0);
}

TEST_F(InstanceTest, SharedArenasAreCleared) {
  auto arena = *Arena::create(machines_.space(), {});
  arena->window()[5] = 1;
  arena->base()[kStackTop - 8] = 1;
  arena->clear_window_and_stack();
  EXPECT_EQ(arena->window()[5], 0);
  EXPECT_EQ(arena->base()[kStackTop - 8], 0);
}

// Two threads, one text: each has its own Call.
TEST_F(InstanceTest, ThreadsShareText) {
  auto program =
      link("again: call helper 21; *(u64 *)(r10 - 8) = r0; r6 += 1; if r6 != 2000 goto again; exit");
  auto code = machines_.compile(program);
  auto a = *Instance::create(machines_.space(), program, code, {});
  auto b = *Instance::create(machines_.space(), program, code, {});
  const auto in_thread = [&](Instance& instance, uint64_t me) {
    auto stack = *SignalStack::create();
    for (int i = 0; i < 50; ++i) {
      const Outcome o = instance.call(*instance.entry(""), {}, 1'000'000, &me);
      EXPECT_EQ(o.r0, me);
      EXPECT_EQ(o.budget_left, 1'000'000u - 1999 * 4);
    }
  };
  std::thread first([&] { in_thread(*a, 7); });
  std::thread second([&] { in_thread(*b, 8); });
  first.join();
  second.join();
}

class GateTest : public InstanceTest {
 protected:
  // `caller` has the gate "service", which leads to `callee`.
  Trace through(std::string_view caller, std::string_view callee, uint32_t budget = 10000) {
    callee_program_ = link(callee);
    machines_.gates = {"service"};
    machines_.prepare = [this](Instance& instance, bool compiled) {
      callee_ = *Instance::create(machines_.space(), callee_program_,
                                  compiled ? machines_.compile(callee_program_) : nullptr, {});
      EXPECT_TRUE(instance.bind_gate(0, *callee_->entry("")));
      EXPECT_FALSE(instance.bind_gate(1, *callee_->entry("")));
    };
    return machines_.run(image(caller), {.budget = budget});
  }
  std::shared_ptr<const Program> callee_program_;
  std::unique_ptr<Instance> callee_;
};

TEST_F(GateTest, ScalarsGoThroughAndArenasStayApart) {
  const Trace t = through(
      "*(u64 *)(r10 - 8) = 5; r6 = 100; r1 = 1; r2 = 2; r3 = 3; r4 = 4; r5 = 5; call helper 4096; r0 += r6;"
      "r1 = *(u64 *)(r10 - 8); r0 += r1; exit",
      "*(u64 *)(r10 - 8) = 77; r6 = 9; r0 = r1; r0 += r2; r0 += r3; r0 += r4; r0 += r5; r1 = *(u64 *)(r10 - "
      "8);"
      "r0 += r1; exit");
  EXPECT_EQ(t.outcome.r0, 15u + 77 + 100 + 5);
}

TEST_F(GateTest, TheCalleeKnowsThatAProgramCalled) {
  EXPECT_EQ(through("call helper 4096; exit", "call helper 22; exit").outcome.r0, 1u);
  machines_.prepare = [](Instance&, bool) {};
  EXPECT_EQ(machines_.run("call helper 22; exit").outcome.r0, 0u);
}

TEST_F(GateTest, TheBudgetIsShared) {
  const char* const callee = "again: r0 += 1; if r0 != 10 goto again; exit";
  EXPECT_EQ(through("call helper 4096; exit", callee).outcome.budget_left, 10000u - 18);
  EXPECT_EQ(through("call helper 4096; exit", callee, 18).outcome.fault, Fault::kNone);
  EXPECT_EQ(through("call helper 4096; exit", callee, 17).outcome.fault, Fault::kBudget);
}

TEST_F(GateTest, AFaultBehindItStopsBoth) {
  const Trace t = through("r6 = 1; call helper 4096; r0 = 1; exit", "r0 = *(u64 *)(r0 + 0); exit");
  EXPECT_EQ(t.outcome.fault, Fault::kGate);
  EXPECT_EQ(t.pc, 1u);
  EXPECT_EQ(callee_->faults(Fault::kAccess), 1u);
  // And both may be called again.
  EXPECT_EQ(machines_.run("r0 = 5; exit").outcome.r0, 5u);
}

TEST_F(GateTest, ByPointerToo) {
  EXPECT_EQ(through("r6 = 4096; callx r6; exit", "r0 = 8; exit").outcome.r0, 8u);
}

TEST_F(GateTest, NobodyIsEnteredTwice) {
  machines_.gates = {"self"};
  machines_.prepare = [](Instance& instance, bool) {
    EXPECT_TRUE(instance.bind_gate(0, *instance.entry("")));
  };
  EXPECT_EQ(machines_.run("call helper 4096; exit").outcome.fault, Fault::kGate);
}

TEST_F(GateTest, UnboundGatesLeadNowhere) {
  machines_.gates = {"nobody"};
  EXPECT_EQ(machines_.run("call helper 4096; exit").outcome.fault, Fault::kBadCall);
}

TEST_F(GateTest, ChainsHaveAnEnd) {
  auto program = link("r1 += 1; call helper 4096; exit", {"next"});
  auto code = machines_.compile(program);
  auto space = *ArenaSpace::create(16);
  std::vector<std::unique_ptr<Instance>> chain;
  for (int i = 0; i < 12; ++i) chain.push_back(*Instance::create(*space, program, code, {}));
  for (int i = 0; i + 1 < 12; ++i) ASSERT_TRUE(chain[i]->bind_gate(0, *chain[i + 1]->entry("")));
  EXPECT_EQ(chain[0]->call(*chain[0]->entry(""), {}, 1000).fault, Fault::kGate);
  EXPECT_EQ(chain[kGateDepth]->faults(Fault::kGate), 1u);
  EXPECT_EQ(chain[kGateDepth + 1]->faults(Fault::kGate), 0u);
  EXPECT_EQ(chain[4]->call(*chain[4]->entry(""), {}, 1000).fault, Fault::kGate);
}

// --- what is lent through a gate -------------------------------------------------

class LendingTest : public GateTest {
 protected:
  // Lends `bytes` of its window at 8, which hold 1, 2, 3, .., and adds what it finds there behind
  // the gate to what came back, shifted by 8.
  static std::string lend(unsigned window, unsigned bytes, bool writable) {
    return "*(u64 *)(r10 - 8) = 0; r6 = 0x14200; *(u8 *)(r6 + 8) = 1; *(u8 *)(r6 + 9) = 2; r1 = " +
           std::to_string(window) + "; r2 = 0x14208; r3 = " + std::to_string(bytes) +
           "; r4 = " + (writable ? "1" : "0") + "; call helper 30; ";
  }
  static constexpr const char* kAndLook =
      "call helper 4096; r7 = 0x14200; r1 = *(u8 *)(r7 + 8); r1 <<= 8; r0 += r1; exit";
};

TEST_F(LendingTest, TheCalleeReadsAndWritesWhatWasLent) {
  const Trace t = through(lend(2, 2, true) + kAndLook,
                          "r1 = 2; r2 = 0; r3 = r10; r3 += -8; r4 = 2; call helper 32;"  // 1, 2 come in
                          "r6 = *(u16 *)(r10 - 8); *(u8 *)(r10 - 8) = 9;"
                          "r1 = 2; r2 = 0; r3 = r10; r3 += -8; r4 = 1; call helper 33;"  // 9 goes back
                          "r0 = r6; exit");
  EXPECT_STREQ(to_text(t.outcome.fault), "none");
  EXPECT_EQ(t.outcome.r0, 0x0201u + 0x900u);
}

TEST_F(LendingTest, TheCalleeKnowsHowMuch) {
  const char* const both =
      "r1 = 1; r2 = 0; call helper 31; r6 = r0; r1 = 1; r2 = 1; call helper 31; r6 <<= 8; r0 += r6; exit";
  EXPECT_EQ(through(lend(1, 5, true) + "call helper 4096; exit", both).outcome.r0, 0x505u);
  EXPECT_EQ(through(lend(1, 5, false) + "call helper 4096; exit", both).outcome.r0, 0x500u);
  EXPECT_EQ(through(lend(2, 5, true) + "call helper 4096; exit", both).outcome.r0, 0u);
  EXPECT_EQ(through("call helper 4096; exit", both).outcome.r0, 0u);
  EXPECT_EQ(through(lend(1, 5, true) + lend(1, 0, true) + "call helper 4096; exit", both).outcome.r0, 0u);
  // The last one counts.
  EXPECT_EQ(through(lend(1, 5, true) + lend(1, 7, false) + "call helper 4096; exit", both).outcome.r0,
            0x700u);
  const char* const wild = "r1 = 4; r2 = 0; call helper 31; r6 = r0; r1 = -1; call helper 31; r0 += r6; exit";
  EXPECT_EQ(through(lend(1, 5, true) + "call helper 4096; exit", wild).outcome.r0, 0u);
}

TEST_F(LendingTest, NothingElseIsReached) {
  struct Reach {
    const char* arguments;  // r1 window, r2 offset, r4 bytes
    bool good;
  };
  const Reach reaches[] = {{"r1 = 0; r2 = 0; r4 = 16", true},
                           {"r1 = 0; r2 = 15; r4 = 1", true},
                           {"r1 = 0; r2 = 16; r4 = 0", true},
                           {"r1 = 0; r2 = 16; r4 = 1", false},
                           {"r1 = 0; r2 = 17; r4 = 0", false},
                           {"r1 = 0; r2 = 0; r4 = 17", false},
                           {"r1 = 0; r2 = 1; r4 = 16", false},
                           {"r1 = 0; r2 = -1; r4 = 1", false},
                           {"r1 = 0; r2 = -1; r4 = 2", false},
                           {"r1 = 0; r2 = 0x100000000 ll; r4 = 1", false},
                           {"r1 = 0; r2 = 0x7fffffffffffffff ll; r4 = 8", false},
                           {"r1 = 0; r2 = 0; r4 = 0x100000001 ll", false},
                           {"r1 = 1; r2 = 0; r4 = 1", false},
                           {"r1 = 4; r2 = 0; r4 = 1", false},
                           {"r1 = -1; r2 = 0; r4 = 1", false},
                           {"r1 = 0x100000000 ll; r2 = 0; r4 = 1", false}};
  for (const char* helper : {"32", "33"}) {
    for (const Reach& reach : reaches) {
      SCOPED_TRACE(std::string(reach.arguments) + " helper " + helper);
      const Trace t =
          through(lend(0, 16, true) + "call helper 4096; exit",
                  std::string(reach.arguments) + "; r3 = 0x14200; call helper " + helper + "; exit");
      EXPECT_STREQ(to_text(t.outcome.fault), reach.good ? "none" : "gate");
      EXPECT_EQ(callee_->faults(Fault::kHelperRange), reach.good ? 0u : 1u);
    }
  }
  // Its own memory is checked as ever.
  const Trace t = through(lend(0, 16, true) + "call helper 4096; exit",
                          "r1 = 0; r2 = 0; r3 = 0; r4 = 8; call helper 32; exit");
  EXPECT_EQ(t.outcome.fault, Fault::kGate);
}

TEST_F(LendingTest, WhatIsLentToReadIsNotWritten) {
  const char* const write = "r1 = 0; r2 = 0; r3 = r10; r3 += -8; r4 = 1; call helper 33; exit";
  const Trace t = through(lend(0, 16, false) + kAndLook, write);
  EXPECT_EQ(t.outcome.fault, Fault::kGate);
  EXPECT_EQ(t.in_window(8), 0x0201u);
  EXPECT_EQ(through(lend(0, 16, true) + kAndLook, write).outcome.fault, Fault::kNone);
}

TEST_F(LendingTest, OnlyWhatIsOnesOwnIsLent) {
  const std::string rest = "; call helper 30; exit";
  for (const char* wild :
       {"r1 = 0; r2 = 0; r3 = 8; r4 = 0", "r1 = 0; r2 = 0x14200; r3 = 3585; r4 = 1",
        "r1 = 0; r2 = 0x14200; r3 = -1; r4 = 0", "r1 = 0; r2 = 0x14200; r3 = 0x100000001 ll; r4 = 0",
        "r1 = 0; r2 = 0x40000000; r3 = 1; r4 = 1", "r1 = 4; r2 = 0x14200; r3 = 8; r4 = 1",
        "r1 = -1; r2 = 0x14200; r3 = 8; r4 = 1", "r1 = 0; r2 = -1; r3 = 1; r4 = 0"}) {
    SCOPED_TRACE(wild);
    EXPECT_EQ(through(wild + rest, "exit").outcome.fault, Fault::kHelperRange);
  }
  // Constants may be read by another, not written.
  const std::string constant = "r1 = 0; r2 = " + std::to_string(kStatics) + "; r3 = 8; ";
  Image constants = image(constant + "r4 = 1" + rest);
  constants.rodata.assign(64, 7);
  EXPECT_EQ(machines_.run(constants, {}).outcome.fault, Fault::kHelperRange);
  constants.text = assemble(constant + "r4 = 0" + rest);
  EXPECT_EQ(machines_.run(constants, {}).outcome.fault, Fault::kNone);
}

TEST_F(LendingTest, ItIsForOneCall) {
  const char* const how_much = "r1 = 0; r2 = 0; call helper 31; exit";
  EXPECT_EQ(
      through(lend(0, 16, true) + "call helper 4096; r6 = r0; call helper 4096; r6 <<= 8; r0 += r6; exit",
              how_much)
          .outcome.r0,
      16u << 8);
  // And not for the next run, which may be another program's.
  auto callee = instance(link(how_much));
  auto forgetful = instance(link(lend(0, 16, true) + "exit", {"service"}));
  auto next = instance(link("call helper 4096; exit", {"service"}));
  for (Instance* caller : {forgetful.get(), next.get()})
    ASSERT_TRUE(caller->bind_gate(0, *callee->entry("")));
  EXPECT_EQ(forgetful->call(*forgetful->entry(""), {}, 1000).fault, Fault::kNone);
  EXPECT_EQ(next->call(*next->entry(""), {}, 1000).r0, 0u);
}

// The host lends nothing, and what was lent is not passed on.
TEST_F(LendingTest, ItGoesNoFurther) {
  auto last = instance(link("r1 = 0; r2 = 0; call helper 31; exit"));
  auto middle =
      instance(link("r1 = 0; r2 = 0; call helper 31; r6 = r0; call helper 4096; r6 <<= 8; r0 += r6; "
                    "r1 = 0; r2 = 0; r7 = r0; call helper 31; r0 <<= 16; r0 += r7; exit",
                    {"next"}));
  auto first = instance(link(lend(0, 16, true) + "call helper 4096; exit", {"next"}));
  ASSERT_TRUE(middle->bind_gate(0, *last->entry("")));
  ASSERT_TRUE(first->bind_gate(0, *middle->entry("")));
  // The first lends 16 to the middle, which still has them after it called the last, which has none.
  EXPECT_EQ(first->call(*first->entry(""), {}, 10000).r0, (16u << 16) + (16u << 8) + 0);
  EXPECT_EQ(middle->call(*middle->entry(""), {}, 10000).r0, 0u);
  EXPECT_EQ(last->call(*last->entry(""), {}, 10000).r0, 0u);
}

// Both sides of a copy are paid for, as with memcpy.
TEST_F(LendingTest, CopiesAreCharged) {
  const char* const read = "r1 = 0; r2 = 0; r3 = 0x14200; r4 = 512; call helper 32; exit";
  const std::string caller = lend(0, 512, true) + "call helper 4096; exit";
  EXPECT_EQ(through(caller, read, 1000).outcome.budget_left, 1000u - 128);
  EXPECT_EQ(through(caller, read, 128).outcome.fault, Fault::kNone);
  EXPECT_EQ(through(caller, read, 127).outcome.fault, Fault::kBudget);
}

// A heap that is taken back while it is lent is not reached any more.
uint64_t take_back(Call& call) {
  static_cast<Arena*>(call.environment())->release_heap();
  return 0;
}

TEST_F(LendingTest, AHeapThatIsGoneIsNotReached) {
  ASSERT_TRUE(machines_.helpers().add(make_helper<take_back>(23, "take_back")));
  auto callee = instance(link("call helper 23; r1 = 0; r2 = 0; r3 = 0x14200; r4 = 8; call helper 32; exit"));
  auto program =
      link("r1 = 0; r2 = 0x40000000; r3 = 8; r4 = 1; call helper 30; call helper 4096; exit", {"g"});
  auto caller =
      *Instance::create(machines_.space(), program, machines_.compile(program), {.heap_quota = 8192});
  ASSERT_TRUE(caller->arena().grow_heap(4096));
  ASSERT_TRUE(caller->bind_gate(0, *callee->entry("")));
  EXPECT_EQ(caller->call(*caller->entry(""), {}, 1000, &caller->arena()).fault, Fault::kGate);
  EXPECT_EQ(callee->faults(Fault::kHelperRange), 1u);
}

// One side compiled, the other interpreted: what one puts aside, the other leaves alone.
TEST_F(LendingTest, MachinesMix) {
  auto callee_program =
      link("r1 = 0; r2 = 0; r3 = r10; r3 += -8; r4 = 2; call helper 32; r0 = *(u16 *)(r10 - 8); exit");
  auto caller_program = link(lend(0, 16, true) + "call helper 4096; r0 += 0x10000; exit", {"g"});
  for (bool caller_compiled : {false, true}) {
    for (bool callee_compiled : {false, true}) {
      auto callee = *Instance::create(machines_.space(), callee_program,
                                      callee_compiled ? machines_.compile(callee_program) : nullptr, {});
      auto caller = *Instance::create(machines_.space(), caller_program,
                                      caller_compiled ? machines_.compile(caller_program) : nullptr, {});
      ASSERT_TRUE(caller->bind_gate(0, *callee->entry("")));
      for (int i = 0; i < 3; ++i) {
        const Outcome o = caller->call(*caller->entry(""), {}, 10000);
        EXPECT_EQ(o.r0, 0x10201u);
        EXPECT_EQ(o.fault, Fault::kNone);
      }
    }
  }
}

// Packed arenas too, where only the mask keeps a range inside.
TEST_F(LendingTest, InPackedArenas) {
  auto space = *ArenaSpace::create(2, ArenaKind::kPacked);
  auto callee_program =
      link("r3 = r10; r3 += -8; r1 = 0; r2 = 0; r4 = 2; call helper 32; r0 = *(u16 *)(r10 - 8); exit");
  auto caller_program = link(lend(0, 16, true) + "call helper 4096; exit", {"g"});
  auto callee = *Instance::create(*space, callee_program, nullptr, {});
  auto caller = *Instance::create(*space, caller_program, nullptr, {});
  ASSERT_TRUE(caller->bind_gate(0, *callee->entry("")));
  EXPECT_EQ(caller->call(*caller->entry(""), {}, 10000).r0, 0x201u);
}

}  // namespace
}  // namespace weft::vm::test
