// SPDX-License-Identifier: Apache-2.0
// Call: one run of a program, as its helpers and its machine code see it.
//
// There is one per thread, in thread-local storage, so that text can be shared by all threads
// and arenas and reaches it without a register: machine code knows its distance from the
// thread pointer.  A call through a gate borrows it and gives it back.
//
// Invariant: between runs, fault is kNone.
// Threads: its own only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vm/arena.h"
#include "vm/fault.h"

namespace weft::vm {

class MachineCode;
class Instance;

// How many bytes a helper may touch for the price of one instruction.
inline constexpr uint64_t kBytesPerUnit = 8;

class Call {
 public:
  // The host address of [offset, offset + length) of the arena, when the program may read
  // (write) all of it; charges for the bytes.  Null after fail().  Only the low 32 bits of
  // `offset` count, as for the program's own accesses.
  const uint8_t* readable(uint64_t offset, uint64_t length) {
    return reach(arena().readable(offset), offset, length);
  }
  uint8_t* writable(uint64_t offset, uint64_t length) {
    return reach(arena().writable(offset), offset, length);
  }

  // Takes from the budget.  False when it did not suffice: then the call has failed.
  bool charge(uint64_t units) {
    if (units > uint64_t(budget_ < 0 ? 0 : budget_)) {
      budget_ = 0;
      fail(Fault::kBudget);
      return false;
    }
    budget_ -= int32_t(units);
    return true;
  }
  uint32_t budget() const { return uint32_t(budget_ < 0 ? 0 : budget_); }

  // The program will not go on behind this helper.  The first failure counts.
  void fail(Fault fault) {
    if (fault_ == Fault::kNone) fault_ = fault;
  }
  bool failed() const { return fault_ != Fault::kNone; }

  Instance& instance() const { return *instance_; }
  // Who called through a gate; null when the host did.
  Instance* caller() const { return outer_ == nullptr ? nullptr : outer_->instance; }
  // What the host passed to Instance::call().
  void* environment() const { return environment_; }
  Arena& arena() const { return *arena_; }

 private:
  friend class Instance;
  friend struct CallAccess;

  // What a call through a gate puts aside.
  struct Outer {
    Instance* instance;
    void* environment;
    Arena* arena;
    const MachineCode* code;
    uint64_t saved_stack;
    const void* abort;
    Outer* outer;
  };

  uint8_t* reach(const Extent& e, uint64_t offset, uint64_t length) {
    const uint64_t at = uint32_t(offset) & arena().mask();
    const uint64_t size = e.end - e.begin;
    const bool good = bool(unsigned(at - e.begin <= size) & unsigned(length <= size - (at - e.begin)) &
                           unsigned(length <= size)) |
                      (length == 0);
    // The mask, and not only the branch, keeps a wild offset from being used speculatively.
    uint8_t* host = arena().base() + (at & (0 - uint64_t(good)));
    if (!good) {
      fail(Fault::kHelperRange);
      return nullptr;
    }
    return charge((length + kBytesPerUnit - 1) / kBytesPerUnit) ? host : nullptr;
  }

  // Machine code knows these by their offset.
  uint64_t saved_stack_ = 0;           // stack pointer to unwind to
  int32_t budget_ = 0;                 // negative when used up
  Fault fault_ = Fault::kNone;         //
  uint32_t number_ = 0;                // of an indirect call
  uint64_t fault_at_ = 0;              // host address of the instruction that faulted
  const void* abort_ = nullptr;        // where to unwind in the running code
  const MachineCode* code_ = nullptr;  // null when interpreted
  Arena* arena_ = nullptr;
  Instance* instance_ = nullptr;
  void* environment_ = nullptr;
  Outer* outer_ = nullptr;
};

extern constinit thread_local Call current_call;

// What the interpreter, the JIT and the signal handler need of a Call.
struct CallAccess {
  static constexpr size_t saved_stack() { return offsetof(Call, saved_stack_); }
  static constexpr size_t budget() { return offsetof(Call, budget_); }
  static constexpr size_t fault() { return offsetof(Call, fault_); }
  static constexpr size_t number() { return offsetof(Call, number_); }
  static constexpr size_t abort_offset() { return offsetof(Call, abort_); }
  static constexpr size_t fault_at() { return offsetof(Call, fault_at_); }

  static int32_t& budget(Call& c) { return c.budget_; }
  static Fault& fault(Call& c) { return c.fault_; }
  static uint32_t& number(Call& c) { return c.number_; }
  static uint64_t& fault_at(Call& c) { return c.fault_at_; }
  static const void* abort(const Call& c) { return c.abort_; }
  static const MachineCode* code(const Call& c) { return c.code_; }
};

}  // namespace weft::vm
