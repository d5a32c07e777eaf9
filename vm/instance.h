// SPDX-License-Identifier: Apache-2.0
// Instance: a program in an arena of its own, ready to be called.
//
//   auto program = *Program::link(*read_image(bytes), {helpers, {}});
//   auto instance = *Instance::create(space, program, *cache->compile(program), {});
//   const Instance::Entry forward = *instance->entry("forward");
//   std::memcpy(instance->window(), packet, n);
//   Outcome o = instance->call(forward, {kWindow, n}, budget, environment);
//
//   Instance::Calls calls(forward);           // many of them
//   for (...) o = calls({kWindow, n}, budget, environment);
//
// A call allocates nothing, and takes no lock.  Whatever the program does, it returns.
//
// Threads: one at a time.  A thread that calls should own a SignalStack.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/counter.h"
#include "base/result.h"
#include "vm/arena.h"
#include "vm/call.h"
#include "vm/code_cache.h"
#include "vm/interpreter.h"
#include "vm/program.h"

namespace weft::vm {

inline constexpr uint32_t kMaxBudget = INT32_MAX;
inline constexpr unsigned kGateDepth = 8;  // calls through gates, each inside the other

struct Arguments {
  uint64_t r1 = 0, r2 = 0, r3 = 0, r4 = 0, r5 = 0;
};

// current_call, asked for once: its address would be computed again for each use.
Call& call_of_this_thread();

class Instance {
 public:
  using Entry = vm::Entry;
  struct Sizes {
    uint32_t window = kDefaultWindow;
    uint32_t heap_quota = 0;
  };

  // Runs by machine code if it is given, else interpreted.
  // Errors: kLimit, kNoMemory from the arena; kInvalid when the code is for another kind of it.
  static Result<std::unique_ptr<Instance>> create(ArenaSpace& space, std::shared_ptr<const Program> program,
                                                  std::shared_ptr<const MachineCode> code,
                                                  const Sizes& sizes);

  // An export, or with no name the first function.  Errors: kNotFound.
  Result<Entry> entry(std::string_view name);
  // Lets calls of gate `slot` lead to an export of another instance, which must outlive this.
  // Errors: kInvalid when the program has no such gate.
  Result<void> bind_gate(uint32_t slot, const Entry& callee);

  // Calls of one function, each after the other, and then of another: what is the same for all is
  // written down once.
  // REQUIRES: not made by a helper: programs call each other through gates.  While it lives, the
  //   thread calls nothing else.
  class Calls {
   public:
    Calls() : call_(call_of_this_thread()) {}
    explicit Calls(const Entry& entry) : Calls() { choose(entry); }
    ~Calls() { call_.entry_ = nullptr; }
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

    // From now on they are of that function.
    void choose(const Entry& entry) {
      run_ = entry.run;
      base_ = entry.base;
      call_.entry_ = &entry;
    }
    // Runs the program.  REQUIRES: one was chosen.  `budget` is in instructions, at most kMaxBudget.  Helpers
    // find `environment` in the Call.
    Outcome operator()(const Arguments& arguments, uint32_t budget, void* environment) {
      call_.budget_ = int32_t(budget);
      call_.environment_ = environment;
      call_.lent_.any = false;
      const Returned returned =
          run_(arguments.r1, arguments.r2, arguments.r3, arguments.r4, arguments.r5, base_);
      if (returned.budget < 0) [[unlikely]]
        return call_.instance().stopped();
      return {returned.r0, uint32_t(returned.budget), Fault::kNone};
    }

   private:
    Call& call_;
    EntryFunction run_ = nullptr;
    uint8_t* base_ = nullptr;
  };
  // One of them.
  Outcome call(const Entry& entry, const Arguments& arguments, uint32_t budget, void* environment = nullptr) {
    return Calls(entry)(arguments, budget, environment);
  }

  Arena& arena() { return *arena_; }
  uint8_t* window() const { return arena_->window(); }
  const Program& program() const { return *program_; }
  // The slot of the text where the last fault was.
  uint32_t fault_pc() const { return fault_pc_; }
  // How often this program was stopped, and why.
  uint64_t faults(Fault why) const { return faults_[unsigned(why)].value(); }

 private:
  friend uint64_t call_by_number(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, Call*);

  Instance(std::shared_ptr<const Program> program, std::shared_ptr<const MachineCode> code,
           std::unique_ptr<Arena> arena);
  static Returned interpret(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, uint8_t* arena);
  // After a run that was stopped: what happened, and where.
  Outcome stopped();
  static uint64_t through_gate(const Entry& callee, const Arguments& arguments, Call& call);

  std::unique_ptr<Arena> arena_;
  std::shared_ptr<const MachineCode> code_;
  std::shared_ptr<const Program> program_;
  std::unique_ptr<const Decoded> decoded_;  // when interpreted
  std::vector<Entry> gates_;                // of no instance: not bound
  uint32_t fault_pc_ = 0;
  std::array<Counter, kFaults> faults_{};
};

}  // namespace weft::vm
