// SPDX-License-Identifier: Apache-2.0
// The red team: programs that want out.  Each is refused with a reason, or stopped; whatever
// it does, nothing outside of its arena changes and the next program runs as if it had not
// been there.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/unit/vm/machines.h"
#include "vm/lending.h"

namespace weft::vm::test {
namespace {

uint64_t take_range(Call& call, In in, Out out) {
  if (in.size > 0 && out.size > 0) out.data[0] = in.data[0];
  return call.budget();
}
uint64_t grow(Call& call, uint64_t bytes) { return call.arena().grow_heap(uint32_t(bytes)) ? kHeap : 0; }
uint64_t refuse(Call& call, uint64_t) {
  call.fail(Fault::kRefused);
  return 0;
}

class HostileTest : public ::testing::Test {
 protected:
  // Prints what was tried, so that it can be counted.
  static void TearDownTestSuite() {
    std::printf("%u hostile programs were run on every machine, %u were refused\n", run_, refused_);
  }

  HostileTest() {
    EXPECT_TRUE(machines_.helpers().add(make_helper<take_range>(10, "take_range")));
    EXPECT_TRUE(machines_.helpers().add(make_helper<grow>(11, "grow")));
    EXPECT_TRUE(machines_.helpers().add(make_helper<refuse>(12, "refuse")));
    machines_.inspect = [this](Instance&) { expect_untouched(); };
    // A neighbour whose every byte is known.
    auto program = *Program::link(image("r0 = *(u64 *)(r1 + 0); exit"), {machines_.shared_helpers(), {}});
    neighbour_ =
        *Instance::create(machines_.space(), program, machines_.compile(program), {.heap_quota = 1 << 20});
    EXPECT_TRUE(neighbour_->arena().grow_heap(1 << 16));
    for (uint32_t at : {kStack, kHeap}) {
      const Extent& e = neighbour_->arena().writable(at);
      std::memset(neighbour_->arena().base() + e.begin, 0x5a, e.end - e.begin);
    }
    std::memset(canary_, 0xa5, sizeof canary_);
  }

  void expect_untouched() {
    for (uint8_t byte : canary_) ASSERT_EQ(byte, 0xa5);
    for (uint32_t at : {kStack, kHeap}) {
      const Extent& e = neighbour_->arena().writable(at);
      const uint8_t* bytes = neighbour_->arena().base() + e.begin;
      for (uint32_t i = 0; i < e.end - e.begin; ++i)
        ASSERT_EQ(bytes[i], 0x5a) << "the neighbour's " << e.begin + i;
    }
    const Instance::Entry entry = *neighbour_->entry("");
    const Outcome o = neighbour_->call(entry, {.r1 = kWindow}, 100);
    EXPECT_EQ(o.fault, Fault::kNone);
    EXPECT_EQ(o.r0, 0x5a5a5a5a5a5a5a5au);
  }

  // It is run, and stopped with this fault.
  void stopped(const std::string& text, Fault fault,
               const Machines::Run& how = {.arguments = {.r1 = kWindow}}) {
    SCOPED_TRACE(text);
    ++run_;
    const Trace t = machines_.run(text, how);
    EXPECT_STREQ(to_text(t.outcome.fault), to_text(fault));
  }
  // It may end, but has reached nothing.
  void harmless(const std::string& text, const Machines::Run& how = {.arguments = {.r1 = kWindow}}) {
    SCOPED_TRACE(text);
    ++run_;
    machines_.run(text, how);
  }
  // The verifier does not let it pass, and says why.
  void refused(const std::string& text, const std::string& reason) {
    SCOPED_TRACE(text);
    ++refused_;
    EXPECT_NE(machines_.refusal(image(text)).find(reason), std::string::npos)
        << machines_.refusal(image(text));
  }

  Machines machines_;
  std::unique_ptr<Instance> neighbour_;
  uint8_t canary_[4096];
  static inline unsigned run_ = 0, refused_ = 0;
};

TEST_F(HostileTest, OutOfTheArenaByEveryAddressingForm) {
  const char* const addresses[] = {"0",
                                   "-1",
                                   "-8",
                                   "0x8000",
                                   "0x7fffffff",
                                   "0xffffffff ll",
                                   "0xfffffff9 ll",
                                   "0x10000000",
                                   "0x40000000",
                                   "0xf0000000 ll",
                                   "0x8000000000000000 ll",
                                   "0x7fffffffffffffff ll",
                                   "0xfffff000 ll"};
  for (const char* address : addresses) {
    const std::string set = "r2 = " + std::string(address) + "; ";
    for (const char* access :
         {"r0 = *(u8 *)(r2 + 0)", "r0 = *(u16 *)(r2 + 32767)", "r0 = *(s32 *)(r2 - 32768)",
          "r0 = *(u64 *)(r2 - 1)", "*(u8 *)(r2 + 0) = 1", "*(u64 *)(r2 + 7) = -1", "*(u32 *)(r2 + 0) = r1"}) {
      stopped(set + access + "; exit", Fault::kAccess);
    }
  }
  for (const char* access :
       {"lock add(*(u64 *)(r2 + 0), r1)", "r1 = xchg(*(u64 *)(r2 + 0), r1)",
        "r1 = atomic_fetch_and(*(u64 *)(r2 + 0), r1)", "r0 = cmpxchg(*(u64 *)(r2 + 0), r0, r1)"}) {
    stopped("r2 = 0x200000; " + std::string(access) + "; exit", Fault::kAccess);
    stopped("r2 = 0xfffffff8 ll; " + std::string(access) + "; exit", Fault::kAccess);
  }
  // From the frame, as far as an instruction reaches.
  stopped("r0 = *(u64 *)(r10 - 32768); exit", Fault::kAccess);
  stopped("*(u64 *)(r10 + 32767) = 1; exit", Fault::kAccess);
  // The host's own addresses are just numbers.
  const std::string host = std::to_string(reinterpret_cast<uint64_t>(canary_)) + " ll";
  stopped("r2 = " + host + "; *(u64 *)(r2 + 0) = 1; exit", Fault::kAccess);
  // From one end to the other, by steps that a compiler might take for granted.
  stopped("r2 = r1; again: *(u8 *)(r2 + 0) = 1; r2 += 1; goto again; exit", Fault::kAccess);
  stopped("r2 = r1; again: *(u8 *)(r2 + 0) = 1; r2 += -1; goto again; exit", Fault::kAccess);
  stopped("r2 = r1; again: r0 = *(u64 *)(r2 + 0); r2 += 30000; if r2 != 0 goto again; exit", Fault::kAccess);
  stopped("*(u8 *)(r1 + 0) = 1; r1 += 0x7fffffff; r1 += 0x70000000; *(u8 *)(r1 + 0) = 1; exit",
          Fault::kAccess);
  stopped("*(u8 *)(r1 + 0) = 1; r1 += -30000; r1 += -30000; *(u8 *)(r1 - 30000) = 1; exit", Fault::kAccess);
  // Across the end of what is mapped.
  const std::string end = std::to_string(kWindow + kDefaultWindow);
  stopped("r2 = " + end + "; *(u64 *)(r2 - 4) = 1; exit", Fault::kAccess);
  stopped("r2 = " + end + "; r0 = *(u16 *)(r2 - 1); exit", Fault::kAccess);
}

TEST_F(HostileTest, ConstantsCannotBeWritten) {
  Image i = image("r2 = 0x108000; *(u8 *)(r2 + 0) = 1; exit");
  i.rodata.assign(100, 7);
  i.data.assign(100, 8);
  const Trace t = machines_.run(i, {});
  EXPECT_EQ(t.outcome.fault, Fault::kAccess);
  for (const char* access : {"lock or(*(u64 *)(r2 + 0), r1)", "r0 = cmpxchg(*(u64 *)(r2 + 0), r0, r1)",
                             "*(u64 *)(r2 + 4092) = 0", "r3 = 8; r1 = r2; r2 = 0; call helper 3"}) {
    i.text = assemble("r2 = 0x108000; " + std::string(access) + "; exit");
    EXPECT_NE(machines_.run(i, {}).outcome.fault, Fault::kNone) << access;
  }
}

TEST_F(HostileTest, EndlessLoopsAndRecursion) {
  stopped("again: goto again; exit", Fault::kBudget);
  stopped("again: r0 += 1; gotol again; exit", Fault::kBudget);
  stopped("again: if r0 == 0 goto again; exit", Fault::kBudget);
  stopped("again: r0 += 1; if r0 != 0 goto again; exit", Fault::kBudget);
  stopped("goto b; a: r0 += 1; goto c; b: goto a; c: goto b; exit", Fault::kBudget);
  stopped("call f; exit; f: call f; exit", Fault::kDepth);
  stopped("call f; exit; f: call g; exit; g: call f; exit", Fault::kDepth);
  stopped("r6 = function f; callx r6; exit; f: r6 = function f; callx r6; exit", Fault::kDepth);
  // Twice at each of 31 levels: as long as forever, and stopped by what calls cost.
  stopped(
      "r1 = 29; call f; exit; f: if r1 == 0 goto end; r6 = r1; r6 += -1; r1 = r6; call f; r1 = r6; call f; "
      "end: exit",
      Fault::kBudget);
  stopped("again: r1 = 0x14200; r2 = 0x14200; r3 = 512; call helper 1; goto again; exit", Fault::kBudget);
  // A loop that goes through calls only.
  stopped("again: call f; call f; call f; goto again; exit; f: exit", Fault::kBudget);
}

TEST_F(HostileTest, WildRangesForHelpers) {
  for (const char* range :
       {"r1 = 0; r2 = 8", "r1 = -1; r2 = 8", "r1 = 0x14200; r2 = -1", "r1 = 0x14200; r2 = 0x100000000 ll",
        "r1 = 0x14200; r2 = 0x7fffffffffffffff ll", "r1 = 0x14200; r2 = 3585", "r1 = 0x15000; r2 = 1",
        "r1 = 0xffffffff ll; r2 = 2", "r1 = 0xf0000000 ll; r2 = 1", "r1 = 0x40000000; r2 = 1",
        "r1 = 0xffff; r2 = 2", "r1 = 0x14200; r2 = 0xffffffffffffebff ll"}) {
    stopped(std::string(range) + "; r3 = 0x14200; r4 = 8; call helper 10; exit", Fault::kHelperRange);
    std::string out = range;
    out[1] = '3';
    out[out.find("; r2") + 3] = '4';
    stopped("r1 = 0x14200; r2 = 8; " + out + "; call helper 10; exit", Fault::kHelperRange);
  }
  const std::string host = std::to_string(reinterpret_cast<uint64_t>(canary_)) + " ll";
  harmless("r1 = " + host + "; r2 = 64; r3 = " + host + "; r4 = 64; call helper 10; exit");
  harmless("r1 = " + host + "; r2 = 0; r3 = 64; call helper 3; exit");
  stopped("r1 = 0x14200; r2 = 0; r3 = -1; call helper 1; exit", Fault::kHelperRange);
  // More work than it has been given to pay for.
  stopped("r1 = 0x14200; r2 = 0x14200; r3 = 3000; call helper 1; exit", Fault::kBudget, {.budget = 10});
  stopped("call helper 12; r0 = 7; *(u8 *)(r1 + 0) = 1; exit", Fault::kRefused);
}

TEST_F(HostileTest, HugeAllocations) {
  Machines::Run how{.arguments = {.r1 = kWindow}, .heap = 8192};
  for (const char* bytes : {"8193", "0x7fffffff", "-1"}) {
    EXPECT_EQ(machines_.run("r1 = " + std::string(bytes) + "; call helper 11; exit", how).outcome.r0, 0u)
        << bytes;
  }
  EXPECT_EQ(
      machines_.run("r1 = 8192; call helper 11; *(u64 *)(r0 + 8184) = 5; r0 = *(u64 *)(r0 + 8184); exit", how)
          .outcome.r0,
      5u);
  stopped("r1 = 8192; call helper 11; *(u64 *)(r0 + 8185) = 5; exit", Fault::kAccess, how);
}

TEST_F(HostileTest, WhatTheVerifierRefuses) {
  refused("r10 = 0; exit", "r10 cannot be written");
  refused("r10 += 8; exit", "r10 cannot be written");
  refused("w10 = -w10; exit", "r10 cannot be written");
  refused("r10 = *(u64 *)(r1 + 0); exit", "r10 cannot be written");
  refused("r10 = 5 ll; exit", "r10 cannot be written");
  refused("r10 = xchg(*(u64 *)(r1 + 0), r10); exit", "r10 cannot be written");
  refused("r10 = atomic_fetch_add(*(u64 *)(r1 + 0), r10); exit", "r10 cannot be written");
  refused("r10 = be16 r10; exit", "r10 cannot be written");
  refused("goto 2; r1 = 0 ll; exit", "middle of an lddw");
  refused("if r1 == 0 goto 2; r1 = 0x0000009500000000 ll; exit", "middle of an lddw");
  refused("r1 = 5; call 3; r1 = 0 ll; exit", "middle of this lddw");
  refused("r2 = function 3; r1 = 0 ll; exit", "middle of this lddw");
  refused("goto 9; exit", "leaves its function");
  refused(".raw 0x05 0 0 -9 0; exit", "leaves its function");
  refused("call f; exit; f: goto 0; exit", "leaves its function");
  refused("call 77; exit", "no function there");
  refused("call f; f: r0 = 1", "runs on behind its end");
  refused("r0 = 1", "runs on behind its end");
  refused("if r0 == 0 goto 0", "runs on behind its end");
  refused(".raw 0x18 1 0 0 5", "second half");
  refused(".raw 0x18 1 0 0 5; exit; exit", "second half");
  refused("call helper 99; exit", "no helper has the number 99");
  refused("call helper 4096; exit", "no helper has the number 4096");
  refused("call helper -1; exit", "no helper");
  refused(".raw 0x85 0 2 0 1; exit", "BTF");
  refused(".raw 0x18 1 1 0 5; .raw 0 0 0 0 0; exit", "map");
  refused(".raw 0x20 0 0 0 0; exit", "old packet");
  refused(".raw 0x50 0 1 0 0; exit", "old packet");
  refused(".raw 0xff 0 0 0 0; exit", "no such instruction");
  refused(".raw 0x00 0 0 0 0; exit", "no such instruction");
  refused(".raw 0xe7 0 0 0 0; exit", "no such instruction");
  refused(".raw 0xe5 0 0 0 0; exit", "no such instruction");
  refused(".raw 0x96 0 0 0 0; exit", "no such instruction");
  refused(".raw 0x99 0 1 0 0; exit", "no such instruction");
  refused(".raw 0xb7 11 0 0 0; exit", "registers");
  refused(".raw 0xbf 0 15 0 0; exit", "registers");
  refused(".raw 0x8d 10 0 0 0; exit", "registers");
  refused(".raw 0x8d 0 0 0 12; exit", "registers");
  refused(".raw 0x07 1 0 1 5; exit", "not zero");
  refused(".raw 0x0f 1 2 0 5; exit", "not zero");
  refused(".raw 0x95 1 0 0 0", "not zero");
  refused(".raw 0xd4 1 0 0 17; exit", "16, 32 or 64");
  refused(".raw 0xdb 1 2 0 2; exit", "no such atomic");
  refused(".raw 0xd3 1 2 0 0; exit", "4 or 8 bytes");
  // The message says where.
  EXPECT_EQ(machines_.refusal(image("r0 = 0; r10 += 1; exit")),
            "instruction 1 (r10 += 1): r10 cannot be written");
}

// Behind a gate stands a guardian with a secret, whose caller is hostile; or the caller has the
// secret, and what it calls is hostile.  Nothing gets through but scalars and what was lent.
class HostileGateTest : public HostileTest {
 protected:
  HostileGateTest() {
    EXPECT_TRUE(add_lending_helpers(machines_.helpers(), 20));
    machines_.gates = {"gate"};
    machines_.prepare = [this](Instance& instance, bool compiled) {
      auto program = *Program::link(image(callee_text_), {machines_.shared_helpers(), {"back"}});
      callee_ = *Instance::create(machines_.space(), program, compiled ? machines_.compile(program) : nullptr,
                                  {.heap_quota = 8192});
      for (Instance* one : {&instance, callee_.get()}) {
        Arena& arena = one->arena();
        std::memset(arena.window() + 512, one == &instance ? 0x11 : 0x22, 512);
      }
      EXPECT_TRUE(instance.bind_gate(0, *callee_->entry("")));
      // The way back, which must be shut while the caller runs.
      EXPECT_TRUE(callee_->bind_gate(0, *instance.entry("")));
    };
    const auto before = machines_.inspect;
    machines_.inspect = [this, before](Instance& instance) {
      before(instance);
      for (Instance* one : {&instance, callee_.get()}) {
        const uint8_t* secret = one->arena().window() + 512;
        for (int i = 0; i < 512; ++i) ASSERT_EQ(secret[i], one == &instance ? 0x11 : 0x22) << i;
      }
    };
  }

  void between(const std::string& caller, const std::string& callee, Fault fault) {
    SCOPED_TRACE("behind the gate: " + callee);
    callee_text_ = callee;
    stopped(caller, fault);
  }

  std::string callee_text_;
  std::unique_ptr<Instance> callee_;
};

TEST_F(HostileGateTest, Callers) {
  // Numbers that are no gate.
  refused("call helper 4097; exit", "no helper has the number 4097");
  refused("call helper 0x7fffffff; exit", "no helper");
  for (const char* wild : {"4097", "4351", "4352", "0x7fffffff", "-4096", "0x80001000 ll"})
    between("r6 = " + std::string(wild) + "; callx r6; exit", "exit", Fault::kBadCall);
  // Only the low half of a number counts, as of a handle.
  between("r6 = 0x100001000 ll; callx r6; exit", "exit", Fault::kNone);
  // Its own addresses mean nothing behind the gate, nor host addresses.
  const std::string host = std::to_string(reinterpret_cast<uint64_t>(canary_)) + " ll";
  between("r1 = 0x14400; call helper 4096; exit", "r0 = *(u64 *)(r1 + 0); r0 = 0; exit", Fault::kNone);
  between("r1 = " + host + "; call helper 4096; exit", "*(u64 *)(r1 + 0) = 1; exit", Fault::kGate);
  between("r1 = -8; call helper 4096; exit", "*(u64 *)(r1 + 0) = 1; exit", Fault::kGate);
  // Lent: what is not its own, or not there.
  for (const char* wild :
       {"r1 = 0; r2 = 0; r3 = 8", "r1 = 0; r2 = -8; r3 = 8", "r1 = 0; r2 = 0x14400; r3 = -1",
        "r1 = 0; r2 = 0x14400; r3 = 0xfffffffffffff000 ll", "r1 = 4; r2 = 0x14400; r3 = 8",
        "r1 = -1; r2 = 0x14400; r3 = 8", "r1 = 0; r2 = 0x14fff; r3 = 2", "r1 = 0; r2 = 0x40000000; r3 = 1"}) {
    between(std::string(wild) + "; r4 = 1; call helper 20; call helper 4096; exit", "exit",
            Fault::kHelperRange);
  }
  between("r1 = 0; r2 = " + host + "; r3 = 8; r4 = 1; call helper 20; exit", "exit", Fault::kHelperRange);
}

TEST_F(HostileGateTest, Callees) {
  const std::string lends = "r1 = 0; r2 = 0x14200; r3 = 512; r4 = 1; call helper 20; call helper 4096; exit";
  // Beyond what was lent: the caller's secret lies right behind it.
  for (const char* beyond : {"r2 = 505; r4 = 8", "r2 = 512; r4 = 1", "r2 = -1; r4 = 1", "r2 = 0; r4 = 513",
                             "r2 = 0; r4 = -1", "r2 = 0x100000000 ll; r4 = 8",
                             "r2 = 0xffffffffffffffff ll; r4 = 2", "r2 = 0x7fffffffffffffff ll; r4 = 1"}) {
    for (const char* helper : {"22", "23"}) {
      between(lends, "r1 = 0; r3 = 0x14200; " + std::string(beyond) + "; call helper " + helper + "; exit",
              Fault::kGate);
    }
  }
  // Windows that were not lent; one that was lent to be read.
  for (const char* window : {"1", "3", "4", "-1", "0x100000000 ll"}) {
    between(lends, "r1 = " + std::string(window) + "; r2 = 0; r3 = 0x14200; r4 = 8; call helper 22; exit",
            Fault::kGate);
  }
  between("r1 = 0; r2 = 0x14400; r3 = 512; r4 = 0; call helper 20; call helper 4096; exit",
          "r1 = 0; r2 = 0; r3 = 0x14200; r4 = 8; call helper 23; exit", Fault::kGate);
  // What it was told of is not kept for a call that lends nothing.
  between(
      "r1 = 0; r2 = 0x14400; r3 = 512; r4 = 1; call helper 20; call helper 4096; call helper 4096; exit",
      "r7 = 0x14200; r6 = *(u8 *)(r7 + 0); *(u8 *)(r7 + 0) = 1; if r6 == 0 goto end; r1 = 0; r2 = 0; r3 = "
      "0x14200; r4 = 8; call helper 23; end: exit",
      Fault::kGate);
  // What it lends itself, and calls nobody, is not taken for its caller's: else it would reach the same
  // place of its caller's arena when it is called again.
  between(
      "call helper 4096; call helper 4096; exit",
      "r7 = 0x14200; r6 = *(u8 *)(r7 + 0); *(u8 *)(r7 + 0) = 1; if r6 != 0 goto again; r1 = 0; r2 = 0x14400; "
      "r3 = 512; r4 = 1; call helper 20; r0 = 0; exit; again: r1 = 0; r2 = 0; r3 = 0x14200; r4 = 8; call "
      "helper 23; exit",
      Fault::kGate);
  // On its caller's budget and no more; nobody is entered twice.
  between("call helper 4096; exit", "again: goto again; exit", Fault::kBudget);
  between("call helper 4096; exit", "call f; exit; f: call f; exit", Fault::kGate);
  between("call helper 4096; exit", "call helper 4096; exit", Fault::kGate);
  between("call helper 4096; exit", "r6 = 4096; callx r6; exit", Fault::kGate);
  // The caller's frame, by the stack.
  between(
      "*(u64 *)(r10 - 8) = 7; call helper 4096; r1 = *(u64 *)(r10 - 8); if r1 != 7 goto bad; exit; bad: r0 = "
      "*(u64 *)(r0 - 8); exit",
      "*(u64 *)(r10 - 8) = 9; *(u64 *)(r10 - 512) = 9; r0 = 0; exit", Fault::kNone);
  between("call helper 4096; exit", "*(u64 *)(r10 + 0x7000) = 9; exit", Fault::kGate);
  between("call helper 4096; exit",
          "r1 = -1; call helper 11; if r0 != 0 goto bad; exit; bad: call helper 12; exit", Fault::kNone);
}

// Packed arenas lie beside each other without a guard: what cannot fault must stay inside.
TEST_F(HostileTest, PackedNeighboursAreNotReached) {
  auto space = *ArenaSpace::create(3, ArenaKind::kPacked);
  auto before = *Arena::create(*space, {}), middle = *Arena::create(*space, {}),
       behind = *Arena::create(*space, {});
  ASSERT_LT(before->base(), middle->base());
  ASSERT_LT(middle->base(), behind->base());
  middle.reset();
  for (Arena* neighbour : {before.get(), behind.get()}) std::memset(neighbour->base(), 0x5a, kPackedBytes);
  unsigned programs = 0;
  for (const char* address : {"0", "-1", "-8", "0xffff", "0x10000", "0x1fffc", "0xffffffff ll", "0x7fff",
                              "0x8000", "0x14200", "0x7fffffffffffffff ll", "0x8000000000000000 ll"}) {
    for (const char* access :
         {"*(u64 *)(r2 + 0) = -1", "*(u64 *)(r2 + 7) = -1", "*(u8 *)(r2 - 1) = 1",
          "*(u32 *)(r2 + 32767) = r1", "*(u64 *)(r2 - 32768) = r1", "*(u64 *)(r10 + 32767) = -1",
          "*(u64 *)(r10 - 32768) = -1", "r1 = xchg(*(u64 *)(r2 + 0), r1)",
          "r1 = r2; r2 = 0x55; r3 = 65536; call helper 3",
          "again: *(u64 *)(r2 + 0) = -1; r2 += 24001; r3 += 1; if r3 != 50 goto again",
          "call f; r0 = 0; exit; f: *(u64 *)(r10 - 1000) = -1; *(u64 *)(r10 + 32767) = -1"}) {
      const std::string text = "r2 = " + std::string(address) + "; " + access + "; exit";
      SCOPED_TRACE(text);
      auto program = *Program::link(image(text), {machines_.shared_helpers(), {}});
      for (bool compiled : {false, true}) {
        auto cache = *CodeCache::create(1 << 16);
        auto code = compiled ? *cache->compile(program, ArenaKind::kPacked) : nullptr;
        auto one = *Instance::create(*space, program, code, {});
        one->call(*one->entry(""), {}, 100000);
        for (Arena* neighbour : {before.get(), behind.get()}) {
          for (uint32_t i = 0; i < kPackedBytes; ++i) ASSERT_EQ(neighbour->base()[i], 0x5a) << i;
        }
        ++programs;
      }
    }
  }
  EXPECT_EQ(programs, 264u);
}

// Code for one kind of arena is never run in the other.
TEST_F(HostileTest, CodeAndArenaAreOfOneKind) {
  auto space = *ArenaSpace::create(1, ArenaKind::kPacked);
  auto program = *Program::link(image("exit"), {machines_.shared_helpers(), {}});
  auto made = Instance::create(*space, program, machines_.compile(program), {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().sentence, "the machine code is for another kind of arena");
  EXPECT_EQ(space->free_windows(), 1u);
  EXPECT_FALSE(Arena::create(*space, {.heap_quota = 1}));
  EXPECT_FALSE(Arena::create(*space, {.data = 40000}));
  EXPECT_EQ(space->free_windows(), 1u);
}

// Machine code cannot be found, read or changed: it is nowhere in the arena, and a handle is
// no address.
TEST_F(HostileTest, SelfModification) {
  stopped("r2 = function f; *(u64 *)(r2 + 0) = 1; exit; f: exit", Fault::kAccess);
  stopped("r2 = function f; r0 = *(u64 *)(r2 + 0); exit; f: exit", Fault::kAccess);
  stopped("r2 = function f; r2 += 1; callx r2; exit; f: exit", Fault::kBadCall);
  stopped("r2 = 0x14200; *(u64 *)(r2 + 0) = 0x95; callx r2; exit", Fault::kBadCall);
  stopped("r2 = r10; callx r2; exit", Fault::kBadCall);
}

// No registers of the host shine through: not at the start, not after a helper.
TEST_F(HostileTest, NothingOfTheHostIsSeen) {
  std::string all =
      "r0 |= r6; r0 |= r7; r0 |= r8; r0 |= r9; r0 |= r1; r0 |= r2; r0 |= r3; r0 |= r4; r0 |= r5; exit";
  EXPECT_EQ(machines_.run(all, {}).outcome.r0, 0u);
  EXPECT_EQ(machines_.run("r1 = 0x14200; r2 = 0x14200; call helper 1; r0 = 0; " + all, {}).outcome.r0, 0u);
  EXPECT_EQ(
      machines_.run("r6 = 1; r1 = 0x14200; r2 = 0x14200; callx r6; r0 = 0; r6 = 0; " + all, {}).outcome.r0,
      0u);
  EXPECT_EQ(machines_.run("call f; r0 = 0; " + all + "; f: r1 = 9; r5 = 9; r0 = 9; exit", {}).outcome.r0, 0u);
}

// While a program runs, no mapping of this process is writable and executable.
uint64_t look_at_maps(Call& call) {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  auto* report = static_cast<std::string*>(call.environment());
  uint64_t executable = 0;
  while (std::getline(maps, line)) {
    std::istringstream words(line);
    std::string range, rights;
    words >> range >> rights;
    if (rights[2] != 'x') continue;
    executable += line.find("weft-code") != std::string::npos;
    if (rights[1] == 'w') *report += line + "\n";
  }
  return executable;
}

TEST_F(HostileTest, NoMappingIsWritableAndExecutable) {
  ASSERT_TRUE(machines_.helpers().add(make_helper<look_at_maps>(13, "look_at_maps")));
  std::string report;
  const Trace t = machines_.run("call helper 13; exit", {.environment = &report});
  EXPECT_EQ(t.outcome.fault, Fault::kNone);
  EXPECT_GE(t.outcome.r0, 2u);  // each code cache, mapped to run
  EXPECT_EQ(report, "");
}

// A fault of the host's own, in a helper, is not taken for the program's.
uint64_t crash(Call& call) {
  *reinterpret_cast<volatile uint8_t*>(call.arena().base()) = 1;
  return 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// The sanitizer's handler, which was there before, reports it and exits.
bool died_of_it(int status) { return WIFEXITED(status) && WEXITSTATUS(status) != 0; }
constexpr const char* kLastWords = "SEGV";
#else
bool died_of_it(int status) { return ::testing::KilledBySignal(SIGSEGV)(status); }
constexpr const char* kLastWords = "";
#endif

TEST_F(HostileTest, FaultsOfTheHostAreNotHidden) {
  ASSERT_TRUE(machines_.helpers().add(make_helper<crash>(14, "crash")));
  auto program = *Program::link(image("call helper 14; exit"), {machines_.shared_helpers(), {}});
  // By machine code, which the handler would stop: it tells by where the thread was.
  auto compiled = *Instance::create(machines_.space(), program, machines_.compile(program), {});
  const Instance::Entry entry = *compiled->entry("");
  EXPECT_EXIT(compiled->call(entry, {}, 100), died_of_it, kLastWords);
}

}  // namespace
}  // namespace weft::vm::test
