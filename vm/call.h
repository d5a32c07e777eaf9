// SPDX-License-Identifier: Apache-2.0
// Call: one run of a program, as its helpers and its machine code see it.
//
// There is one per thread, in thread-local storage, so that text can be shared by all threads
// and arenas and reaches it without a register: machine code knows its distance from the
// thread pointer.  A call through a gate borrows it and gives it back.
//
// Arenas stay apart at a gate: the callee reaches of the caller's what the caller lent it
// before, for that one call, and by helpers only (lending.h).
//
// Invariant: between runs, fault is kNone.
// Threads: its own only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vm/arena.h"
#include "vm/entry.h"
#include "vm/fault.h"
#include "vm/speculation.h"

namespace weft::vm {

// How many bytes a helper may touch for the price of one instruction.
inline constexpr uint64_t kBytesPerUnit = 8;
// Ranges that a program can lend at once.
inline constexpr uint32_t kLentWindows = 4;

// A range of a program's arena that the program behind its next gate may reach.
struct LentWindow {
  uint32_t at = 0;
  uint32_t length = 0;  // 0: none
  bool writable = false;
};

// A range of the arena, as the host sees it, that the program may read.
struct In {
  const uint8_t* data;
  size_t size;
};
// ... that it may write.
struct Out {
  uint8_t* data;
  size_t size;
};

class Call {
 public:
  // Where [offset, offset + length) of the arena is, when the program may read (write) all of
  // it; charges for the bytes.  Null and 0 after fail().  Only the low 32 bits of `offset` count,
  // as for the program's own accesses.  Who goes on uses the size that came back, which is
  // masked, and not the length that it asked for (speculation.h).
  In readable(uint64_t offset, uint64_t length) {
    return reach<In>(arena().readable(offset), offset, length);
  }
  Out writable(uint64_t offset, uint64_t length) {
    return reach<Out>(arena().writable(offset), offset, length);
  }

  // Lends [at, at + length), which the program may read (and write), to the callee of the next
  // gate, as its window `which`; length 0 takes that back.  Fails where the range is not the
  // program's own or there is no such window.
  void lend(uint64_t which, uint64_t at, uint64_t length, bool writable) {
    const uint32_t from = uint32_t(at) & arena().mask();
    const uint64_t mask = inside(writable ? arena().writable(at) : arena().readable(at), from, length);
    if (which >= kLentWindows || (mask == 0 && length != 0)) return fail(Fault::kHelperRange);
    if (!lent_.any) lent_.windows = {};
    lent_.any = true;
    lent_.windows[bounded(which, kLentWindows)] = {from, uint32_t(length & mask), writable};
  }
  // What the caller lent; length 0: nothing of that name, or the host called.
  LentWindow lent(uint64_t which) const {
    if (outer_ == nullptr || !outer_->lent.any || which >= kLentWindows) return {};
    return outer_->lent.windows[bounded(which, kLentWindows)];
  }
  // Where [offset, offset + length) of a lent window is, as above; of no bytes, null and 0.
  In lent_readable(uint64_t which, uint64_t offset, uint64_t length) {
    return reach_lent<In>(lent(which), offset, length, false);
  }
  Out lent_writable(uint64_t which, uint64_t offset, uint64_t length) {
    return reach_lent<Out>(lent(which), offset, length, true);
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

  Instance& instance() const { return *entry_->instance; }
  // Who called through a gate; null when the host did.
  Instance* caller() const { return outer_ == nullptr ? nullptr : outer_->entry->instance; }
  // What the host passed to Instance::call().
  void* environment() const { return environment_; }
  Arena& arena() const { return *entry_->arena; }

 private:
  friend class Instance;
  friend struct CallAccess;

  struct Lending {
    bool any = false;  // else the windows are those of an earlier run
    std::array<LentWindow, kLentWindows> windows{};
  };

  // What a call through a gate puts aside.
  struct Outer {
    const Entry* entry;
    void* environment;
    uint64_t saved_stack;
    Outer* outer;
    Lending lent;
  };

  // All ones when [at, at + length) lies in the extent, else 0.
  static uint64_t inside(const Extent& e, uint64_t at, uint64_t length) {
    const uint64_t size = e.end - e.begin, from = at - e.begin;
    return mask_up_to(from, size) & mask_up_to(length, size - from);
  }

  // Looks the range up anew: a heap may have been taken back since it was lent.
  template <typename Range>
  Range reach_lent(const LentWindow& window, uint64_t offset, uint64_t length, bool write) {
    uint64_t mask = mask_up_to(offset, window.length) & mask_up_to(length, window.length - offset);
    if (mask == 0 || (write && !window.writable)) return refuse<Range>();
    if (length == 0) return {};
    Arena& arena = *outer_->entry->arena;
    const uint64_t at = window.at + (offset & mask);
    mask &= inside(write ? arena.writable(at) : arena.readable(at), at, length);
    return mask != 0 ? charged(Range{arena.base() + (at & mask), length & mask}) : refuse<Range>();
  }

  // Of no bytes it does not matter where they are.
  template <typename Range>
  Range reach(const Extent& e, uint64_t offset, uint64_t length) {
    const uint64_t at = uint32_t(offset) & arena().mask(), mask = inside(e, at, length);
    if (mask == 0 && length != 0) return refuse<Range>();
    return charged(Range{arena().base() + (at & mask), length & mask});
  }

  template <typename Range>
  Range charged(Range range) {
    return charge((range.size + kBytesPerUnit - 1) / kBytesPerUnit) ? range : Range{};
  }
  template <typename Range>
  Range refuse() {
    fail(Fault::kHelperRange);
    return {};
  }

  // Machine code knows these by their offset.
  uint64_t saved_stack_ = 0;      // stack pointer to unwind to
  int32_t budget_ = 0;            // negative when used up
  Fault fault_ = Fault::kNone;    //
  uint32_t number_ = 0;           // of an indirect call
  uint64_t fault_at_ = 0;         // host address of the instruction that faulted
  const Entry* entry_ = nullptr;  // what runs; null: nothing
  void* environment_ = nullptr;
  Outer* outer_ = nullptr;
  Lending lent_;
};

extern constinit thread_local Call current_call;

// What the interpreter, the JIT and the signal handler need of a Call.
struct CallAccess {
  static constexpr size_t saved_stack() { return offsetof(Call, saved_stack_); }
  static constexpr size_t budget() { return offsetof(Call, budget_); }
  static constexpr size_t fault() { return offsetof(Call, fault_); }
  static constexpr size_t number() { return offsetof(Call, number_); }
  static constexpr size_t entry() { return offsetof(Call, entry_); }
  static constexpr size_t fault_at() { return offsetof(Call, fault_at_); }

  static int32_t& budget(Call& c) { return c.budget_; }
  static Fault& fault(Call& c) { return c.fault_; }
  static uint32_t& number(Call& c) { return c.number_; }
  static uint64_t& fault_at(Call& c) { return c.fault_at_; }
  static const void* abort(const Call& c) { return c.entry_->abort; }
  // Null when it is interpreted, or nothing runs.
  static const MachineCode* code(const Call& c) { return c.entry_ == nullptr ? nullptr : c.entry_->code; }
};

}  // namespace weft::vm
