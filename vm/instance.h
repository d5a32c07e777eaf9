// SPDX-License-Identifier: Apache-2.0
// Instance: a program in an arena of its own, ready to be called.
//
//   auto program = *Program::link(*read_image(bytes), {helpers, {}});
//   auto instance = *Instance::create(space, program, *cache->compile(program));
//   const Instance::Entry forward = *instance->entry("forward");
//   std::memcpy(instance->window(), packet, n);
//   Outcome o = instance->call(forward, {kWindow, n}, budget, environment);
//
// call() allocates nothing, and takes no lock.  Whatever the program does, it returns.
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

class Instance {
 public:
  // A function of one instance, with all that a call of it needs: who chooses among thousands
  // finds it in one line of the cache.
  struct Entry {
    EntryFunction run = nullptr;  // null when interpreted
    const void* abort = nullptr;
    uint8_t* base = nullptr;    // of the arena
    uint8_t* window = nullptr;  // in it
    Arena* arena = nullptr;
    const MachineCode* code = nullptr;
    uint32_t function = 0;
  };
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
  Result<Entry> entry(std::string_view name) const;
  // Lets calls of gate `slot` lead to an export of `callee`, which must outlive this.
  // Errors: kInvalid when the program has no such gate.
  Result<void> bind_gate(uint32_t slot, Instance& callee, const Entry& entry);

  // Runs the program.  `budget` is in instructions, at most kMaxBudget.  Helpers find
  // `environment` in the Call.
  // REQUIRES: the entry is this instance's.  Not called by a helper: programs call each other
  //   through gates.
  Outcome call(const Entry& entry, const Arguments& arguments, uint32_t budget, void* environment = nullptr) {
    Call& call = current_call;
    call.budget_ = int32_t(budget);
    call.arena_ = entry.arena;
    call.instance_ = this;
    call.environment_ = environment;
    call.lent_.any = false;
    if (entry.run == nullptr) [[unlikely]]  // in copies, so that the others may stay in registers
      return interpret(Entry(entry), Arguments(arguments));
    call.code_ = entry.code;
    call.abort_ = entry.abort;
    const Returned returned =
        entry.run(arguments.r1, arguments.r2, arguments.r3, arguments.r4, arguments.r5, entry.base);
    call.code_ = nullptr;
    if (returned.budget < 0) [[unlikely]]
      return stopped();
    return {returned.r0, uint32_t(returned.budget), Fault::kNone};
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

  struct Gate {
    Instance* callee = nullptr;
    Entry entry{};
  };

  Instance(std::shared_ptr<const Program> program, std::shared_ptr<const MachineCode> code,
           std::unique_ptr<Arena> arena);
  Outcome interpret(const Entry& entry, const Arguments& arguments);
  // After a run that was stopped: what happened, and where.
  Outcome stopped();
  static uint64_t through_gate(const Gate& gate, const Arguments& arguments, Call& call);

  std::unique_ptr<Arena> arena_;
  std::shared_ptr<const MachineCode> code_;
  std::shared_ptr<const Program> program_;
  std::unique_ptr<const Decoded> decoded_;  // when interpreted
  std::vector<Gate> gates_;
  uint32_t fault_pc_ = 0;
  std::array<Counter, kFaults> faults_{};
};

}  // namespace weft::vm
