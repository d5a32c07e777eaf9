// SPDX-License-Identifier: Apache-2.0
// The machines that a fuzz target compares; whatever they do differently ends the program.
//
// A program that names its gate is there twice: behind the gate it runs once more, in an arena
// of its own, on the arguments of the call.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "vm/code_cache.h"
#include "vm/instance.h"
#include "vm/lending.h"
#include "vm/signals.h"

namespace weft::vm::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline uint64_t refuse_odd(Call& call, uint64_t value) {
  if ((value & 1) != 0) call.fail(Fault::kRefused);
  return value >> 1;
}
inline uint64_t sum(Call&, In bytes) {
  uint64_t all = 0;
  for (size_t i = 0; i < bytes.size; ++i) all += bytes.data[i];
  return all;
}

class Machines {
 public:
  static constexpr uint32_t kHelpers = 10;

  Machines() {
    auto helpers = std::make_shared<HelperTable>();
    require(bool(add_memory_helpers(*helpers, 1)));
    require(bool(helpers->add(make_helper<refuse_odd>(5, "refuse_odd"))));
    require(bool(helpers->add(make_helper<sum>(6, "sum"))));
    require(bool(add_lending_helpers(*helpers, 7)));
    helpers_ = helpers;
  }

  // False when it could not be linked; the reason is printable.
  bool run(const Image& image, uint32_t budget) {
    auto program = Program::link(image, {helpers_, {"itself"}});
    if (!program) {
      for (char c : program.error().sentence) require(c >= ' ' && c <= '~');
      return false;
    }
    for (auto& space : spaces_) {
      if (space->kind() == ArenaKind::kPacked && image.statics_bytes() > kPackedBytes / 2) continue;
      const bool gate = names_gate(image);
      run_on(*space, nullptr, nullptr, *program, gate, budget, interpreted_);
      for (auto& cache : caches_) {
        auto code = cache->compile(*program, space->kind());
        require(bool(code));
        // Behind the gate of the second compiler's code it is interpreted.
        run_on(*space, *code, &cache == caches_ ? *code : nullptr, *program, gate, budget, compiled_);
        require_same();
      }
    }
    return true;
  }

 private:
  struct Trace {
    Outcome outcome;
    uint32_t pc = 0;
    std::vector<uint8_t> memory;
    std::array<uint64_t, kFaults> faults_behind{};
  };

  static bool names_gate(const Image& image) {
    return std::any_of(image.text.begin(), image.text.end(),
                       [](const Instruction& i) { return i.imm == int32_t(kFirstGate); });
  }

  std::unique_ptr<Instance> make(ArenaSpace& space, std::shared_ptr<const MachineCode> code,
                                 const std::shared_ptr<const Program>& program) {
    auto instance = Instance::create(space, program, std::move(code), {});
    require(bool(instance));
    for (uint32_t i = 0; i < 256; ++i) (*instance)->window()[i] = uint8_t(i * 37);
    return std::move(*instance);
  }

  static void append_memory(Instance& instance, std::vector<uint8_t>& memory) {
    Arena& arena = instance.arena();
    for (uint32_t part : {kWindow, kStatics}) {
      const Extent& e = arena.readable(part);
      memory.insert(memory.end(), arena.base() + e.begin, arena.base() + e.end);
    }
  }

  void run_on(ArenaSpace& space, std::shared_ptr<const MachineCode> code,
              std::shared_ptr<const MachineCode> code_behind, const std::shared_ptr<const Program>& program,
              bool gate, uint32_t budget, Trace& trace) {
    auto instance = make(space, std::move(code), program);
    auto behind = gate ? make(space, std::move(code_behind), program) : nullptr;
    if (behind) require(bool(instance->bind_gate(0, *behind->entry(""))));
    trace.outcome = instance->call(*instance->entry(""), {kWindow, 256, 3, kStatics, ~uint64_t(0)}, budget);
    trace.pc = trace.outcome.fault == Fault::kNone ? 0 : instance->fault_pc();
    trace.memory.clear();
    append_memory(*instance, trace.memory);
    trace.faults_behind = {};
    if (!behind) return;
    append_memory(*behind, trace.memory);
    for (unsigned fault = 0; fault < kFaults; ++fault)
      trace.faults_behind[fault] = behind->faults(Fault(fault));
  }

  void require_same() const {
    const Outcome &a = interpreted_.outcome, &b = compiled_.outcome;
    const bool same = a.r0 == b.r0 && a.budget_left == b.budget_left && a.fault == b.fault &&
                      interpreted_.pc == compiled_.pc && interpreted_.memory == compiled_.memory &&
                      interpreted_.faults_behind == compiled_.faults_behind;
    if (same) return;
    std::fprintf(stderr,
                 "interpreted: r0 %llx left %u fault %s at %u\ncompiled:    r0 %llx left %u fault %s at %u\n",
                 static_cast<unsigned long long>(a.r0), a.budget_left, to_text(a.fault), interpreted_.pc,
                 static_cast<unsigned long long>(b.r0), b.budget_left, to_text(b.fault), compiled_.pc);
    std::abort();
  }

  std::unique_ptr<SignalStack> stack_ = *SignalStack::create();
  std::unique_ptr<ArenaSpace> spaces_[2] = {*ArenaSpace::create(2),
                                            *ArenaSpace::create(2, ArenaKind::kPacked)};
  std::shared_ptr<const HelperTable> helpers_;
  std::unique_ptr<CodeCache> caches_[2] = {
      *CodeCache::create(32 << 20), *CodeCache::create(32 << 20, {.extensions = false, .unroll = false})};
  Trace interpreted_, compiled_;
};

}  // namespace weft::vm::fuzz
