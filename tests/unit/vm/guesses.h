// SPDX-License-Identifier: Apache-2.0
// Guesses: a CPU that takes every conditional jump as it took it the last time.
//
// It walks through a function one instruction after the other (the trap flag of x86), and writes
// down which way each conditional jump goes.  Then it walks again, with other arguments, and
// sends each jump the way that was written down, whatever the flags say: what a CPU does between
// a guess and finding out that it was wrong.  What is seen then is what speculation sees.
//
// Threads: one, and one Guesses at a time.
#pragma once

#if defined(__x86_64__)

#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

namespace weft::vm::test {

class Guesses {
 public:
  Guesses() {
    turns_.reserve(kMost);
    struct sigaction action {};
    action.sa_sigaction = on_step;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGTRAP, &action, &before_);
    self_ = this;
  }
  ~Guesses() {
    ::sigaction(SIGTRAP, &before_, nullptr);
    self_ = nullptr;
  }
  Guesses(const Guesses&) = delete;
  Guesses& operator=(const Guesses&) = delete;

  // Walks through f() and writes down how it goes.
  void learn(const std::function<void()>& f) {
    turns_.clear();
    walk(false, f);
  }
  // Walks through f() as if it went as it did then.  How many jumps went another way than they
  // should have.
  unsigned mislead(const std::function<void()>& f) {
    next_ = wrong_ = 0;
    walk(true, f);
    return wrong_;
  }

 private:
  static constexpr size_t kMost = 100'000;
  static constexpr greg_t kTrap = 0x100;

  struct Turn {
    uint64_t at;
    bool taken;
  };
  struct Jump {
    bool is = false, taken = false;
    uint64_t target = 0, behind = 0;
  };

  void walk(bool guess, const std::function<void()>& f) {
    guess_ = guess;
    on_ = true;
    ::raise(SIGTRAP);
    f();
    on_ = false;
  }

  static bool holds(unsigned condition, uint64_t flags) {
    const bool c = flags & 1, p = flags >> 2 & 1, z = flags >> 6 & 1, s = flags >> 7 & 1, o = flags >> 11 & 1;
    const bool of[] = {o, c, z, c || z, s, p, s != o, z || s != o};
    return of[condition >> 1] != bool(condition & 1);
  }
  static Jump decode(uint64_t at, uint64_t flags) {
    const auto* code = reinterpret_cast<const uint8_t*>(at);
    while (*code == 0x2e || *code == 0x3e || *code == 0xf2) ++code;  // hints
    const uint64_t begin = reinterpret_cast<uint64_t>(code);
    if ((code[0] & 0xf0) == 0x70) {
      const uint64_t behind = begin + 2;
      return {true, holds(code[0] & 15, flags), behind + uint64_t(int64_t(int8_t(code[1]))), behind};
    }
    if (code[0] == 0x0f && (code[1] & 0xf0) == 0x80) {
      int32_t distance;
      std::memcpy(&distance, code + 2, sizeof distance);
      const uint64_t behind = begin + 6;
      return {true, holds(code[1] & 15, flags), behind + uint64_t(int64_t(distance)), behind};
    }
    return {};
  }

  // Before each instruction.
  static void on_step(int, siginfo_t*, void* context) {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    registers[REG_EFL] = self_->on_ ? registers[REG_EFL] | kTrap : registers[REG_EFL] & ~kTrap;
    if (self_->on_) self_->step(registers);
  }
  void step(gregset_t& registers) {
    for (;;) {
      const uint64_t at = uint64_t(registers[REG_RIP]);
      const Jump jump = decode(at, uint64_t(registers[REG_EFL]));
      if (!jump.is) return;
      if (!guess_) {
        if (turns_.size() < kMost) turns_.push_back({at, jump.taken});
        return;
      }
      size_t turn = next_;
      while (turn < turns_.size() && turns_[turn].at != at) ++turn;
      if (turn == turns_.size()) return;  // where it was never before it goes as it should
      next_ = turn + 1;
      const bool taken = turns_[turn].taken;
      wrong_ += taken != jump.taken;
      registers[REG_RIP] = greg_t(taken ? jump.target : jump.behind);
    }
  }

  static inline Guesses* self_ = nullptr;
  struct sigaction before_ {};
  volatile bool on_ = false;
  bool guess_ = false;
  unsigned wrong_ = 0;
  size_t next_ = 0;
  std::vector<Turn> turns_;
};

}  // namespace weft::vm::test

#endif
