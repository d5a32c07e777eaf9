// SPDX-License-Identifier: Apache-2.0
// Every machine there is, side by side: a program is run on all of them, and whatever they do
// differently is a failure.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/vm/aarch64.h"
#include "tests/unit/vm/assemble.h"
#include "vm/code_cache.h"
#include "vm/instance.h"
#include "vm/signals.h"

namespace weft::vm::test {

// What a run left behind.
struct Trace {
  // The 8 bytes at this offset of the window.
  uint64_t in_window(size_t offset) const {
    uint64_t value;
    std::memcpy(&value, frame.data() + (kWindow - kStack / kPageBytes * kPageBytes) + offset, sizeof value);
    return value;
  }

  Outcome outcome;
  uint32_t pc = 0;          // of the fault
  std::string frame, data;  // of stack and window; of the statics
};

class Machines {
 public:
  Machines() {
    helpers_ = std::make_shared<HelperTable>();
    EXPECT_TRUE(add_memory_helpers(*helpers_, 1));
  }

  HelperTable& helpers() { return *helpers_; }
  std::shared_ptr<const HelperTable> shared_helpers() const { return helpers_; }
  ArenaSpace& space() { return *space_; }

  // The error, or "".
  std::string refusal(const Image& image) {
    auto program = Program::link(image, {helpers_, gates});
    return program ? "" : program.error().sentence;
  }

  struct Run {
    Arguments arguments{};
    uint32_t budget = 1'000'000;
    std::string window{};  // what lies in the window before
    void* environment = nullptr;
    std::string entry{};
    uint32_t heap = 0;
  };

  // Runs it on the interpreter and on every kind of machine code, in wide arenas and in packed
  // ones; what a packed one did, where almost nothing faults, is only compared.
  Trace run(const Image& image, const Run& how) {
    auto program = Program::link(image, {helpers_, gates});
    EXPECT_TRUE(program) << (program ? "" : program.error().sentence);
    if (!program) return {};
    if (how.heap == 0 && gates.empty()) {
      SCOPED_TRACE("packed");
      run_in(*packed_space_, *program, how);
    }
    return run_in(*space_, *program, how);
  }
  Trace run(std::string_view text, const Run& how) { return run(image(text), how); }
  Trace run(std::string_view text) { return run(text, Run{}); }

  // Slots that Program::link() takes for gates, and what is done with each instance.
  std::vector<std::string> gates;
  std::function<void(Instance&, bool compiled)> prepare = [](Instance&, bool) {};
  // After the run.
  std::function<void(Instance&)> inspect = [](Instance&) {};

  // Null where there is no emulator.
  Aarch64* aarch64() const { return aarch64_.get(); }

  std::shared_ptr<const MachineCode> compile(const std::shared_ptr<const Program>& program) {
    return *caches_.front().second->compile(program);
  }

 private:
  Trace run_in(ArenaSpace& space, const std::shared_ptr<const Program>& program, const Run& how) {
    const Trace expected = run_on(space, nullptr, program, how);
    for (auto& [name, cache] : caches_) {
      SCOPED_TRACE(name);
      auto code = cache->compile(program, space.kind());
      EXPECT_TRUE(code) << (code ? "" : code.error().sentence);
      if (!code) return {};
      expect_same(run_on(space, *code, program, how), expected);
    }
    if (aarch64_ != nullptr && gates.empty() && how.heap == 0)
      run_on_aarch64(space.kind(), *program, how, expected);
    return expected;
  }

  // A packed arena's frame and statics are one extent here.
  void run_on_aarch64(ArenaKind kind, const Program& program, const Run& how, const Trace& expected) {
    SCOPED_TRACE("aarch64");
    auto run = aarch64_->run(program, kind, how.entry, how.arguments, how.budget, how.window);
    if (!run) return;
    Trace got{run->outcome, run->pc, run->frame, run->data};
    if (kind == ArenaKind::kPacked) got.frame = got.data = run->frame + run->data;
    expect_same(got, expected);
  }

  Trace run_on(ArenaSpace& space, std::shared_ptr<const MachineCode> code,
               const std::shared_ptr<const Program>& program, const Run& how) {
    const bool compiled = code != nullptr;
    auto made = Instance::create(space, program, std::move(code), {.heap_quota = how.heap});
    EXPECT_TRUE(made) << (made ? "" : made.error().sentence);
    Instance& instance = **made;
    Arena& arena = instance.arena();
    prepare(instance, compiled);
    std::memcpy(arena.window(), how.window.data(), how.window.size());
    Trace t;
    t.outcome = instance.call(*instance.entry(how.entry), how.arguments, how.budget, how.environment);
    if (t.outcome.fault != Fault::kNone) t.pc = instance.fault_pc();
    inspect(instance);
    const auto bytes = [&](const Extent& e) {
      return std::string(reinterpret_cast<const char*>(arena.base()) + e.begin, e.end - e.begin);
    };
    t.frame = bytes(arena.readable(kWindow));
    t.data = bytes(arena.readable(kStatics));
    return t;
  }

  static void expect_same(const Trace& got, const Trace& expected) {
    EXPECT_STREQ(to_text(got.outcome.fault), to_text(expected.outcome.fault));
    EXPECT_EQ(got.outcome.r0, expected.outcome.r0);
    EXPECT_EQ(got.outcome.budget_left, expected.outcome.budget_left);
    EXPECT_EQ(got.pc, expected.pc);
    EXPECT_TRUE(got.frame == expected.frame) << "stack or window differ";
    EXPECT_TRUE(got.data == expected.data) << "the static variables differ";
  }

  std::unique_ptr<Aarch64> aarch64_ = Aarch64::start();
  std::unique_ptr<SignalStack> signal_stack_ = *SignalStack::create();
  std::shared_ptr<HelperTable> helpers_;
  std::unique_ptr<ArenaSpace> space_ = *ArenaSpace::create(8);
  std::unique_ptr<ArenaSpace> packed_space_ = *ArenaSpace::create(8, ArenaKind::kPacked);
  std::vector<std::pair<std::string, std::unique_ptr<CodeCache>>> caches_ = make_caches();

  static std::vector<std::pair<std::string, std::unique_ptr<CodeCache>>> make_caches() {
    std::vector<std::pair<std::string, std::unique_ptr<CodeCache>>> made;
    made.emplace_back("jit", *CodeCache::create(4 << 20));
    made.emplace_back("plain jit", *CodeCache::create(4 << 20, {.extensions = false, .unroll = false}));
    return made;
  }
};

}  // namespace weft::vm::test
