// SPDX-License-Identifier: Apache-2.0
// LoadedCode: a code object that this node evaluates capsules with: its program, in an arena
// of its own.  (PAN, section 4.5.)
//
// Threads: made and destroyed on the control thread; prefetch(), evaluate() and attach() on
//   the worker; counters are read by any.
// Time: evaluate() does not block, allocate or lock, and each capsule's ends within the budget,
//   whatever the program does.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/counter.h"
#include "pan_ee/application.h"
#include "pan_ee/capsule.h"
#include "pan_ee/code/pni_abi.h"
#include "pan_ee/code_name.h"
#include "pan_ee/environment.h"
#include "vm/instance.h"

namespace weft::pan {

static_assert(sizeof(pniEnvironment) == PNI_BODY - PNI_ENVIRONMENT && PNI_ENVIRONMENT == vm::kWindow);
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(pniEnvironment) + PNI_MAX_WINDOW <= vm::kDefaultWindow);
static_assert(offsetof(pniEnvironment, written) == offsetof(pniEnvironment, at_hand) + 6);

class alignas(64) LoadedCode {
 public:
  // `instance` is that of `accept`.
  LoadedCode(const CodeName& name, std::string symbolic_name, std::unique_ptr<vm::Instance> instance,
             const vm::Entry& accept, uint32_t window, std::string why_interpreted)
      : accept_(accept),
        instance_(std::move(instance)),
        window_(window),
        name_(name),
        symbolic_name_(std::move(symbolic_name)),
        why_interpreted_(std::move(why_interpreted)) {}
  // Lets it finalize.
  ~LoadedCode();
  LoadedCode(const LoadedCode&) = delete;
  LoadedCode& operator=(const LoadedCode&) = delete;

  const CodeName& name() const { return name_; }
  const std::string& symbolic_name() const { return symbolic_name_; }
  bool is_compiled() const { return accept_.code != nullptr; }
  // Why it is not, where the node has a compiler; else empty.
  const std::string& why_interpreted() const { return why_interpreted_; }
  // Bytes of the body that it wants at hand.
  uint32_t window() const { return window_; }

  // Who its capsules are delivered to; null: nobody.
  void attach(Application* application) { application_ = application; }
  Application* application() const { return application_; }

  // Where the program sees the body.
  const uint8_t* at_hand() const { return accept_.window + sizeof(pniEnvironment); }
  // Asks the CPU for what evaluate() will touch of the arena and the machine code.
  void prefetch() const {
    constexpr size_t kLine = 64, kLines = 5;  // as many as `forward` has
    __builtin_prefetch(accept_.window, 1);
    const auto* const code = reinterpret_cast<const uint8_t*>(accept_.run);
    for (size_t i = 0; i < kLines; ++i) __builtin_prefetch(code + kLine * i, 0, 2);
  }
  // Evaluates a capsule of this code.  The first window() bytes of the body, or all if there are
  // fewer, are rewritten if the program wrote.  The environment then says what is to become of it.
  void evaluate(Environment& env, vm::Instance::Calls& calls, uint32_t budget) {
    calls.choose(accept_);
    capsules_.add(1);
    auto* const here = reinterpret_cast<pniEnvironment*>(accept_.window);
    show(env, here);
    const vm::Outcome outcome = calls({.r1 = PNI_ENVIRONMENT, .r2 = env.body_length()}, budget, &env);
    if (outcome.budget_left != budget) charged_.add(budget - outcome.budget_left);
    if (outcome.fault != vm::Fault::kNone) [[unlikely]]
      stopped(env, outcome.fault);
    else if (here->written != 0)
      copy(env.header() + capsule::kHeader, at_hand(), env.at_hand());
  }

  uint64_t capsules() const { return capsules_.value(); }
  // What they took from their budgets, in instructions.
  uint64_t charged() const { return charged_.value(); }
  // Of its arena and machine code, in bytes.
  uint64_t memory() const;
  // How often it was stopped.
  uint64_t failures() const { return failures_.value(); }
  // Why and where the last time: "budget at instruction 12"; empty: never.
  std::string last_failure() const;

 private:
  // Lays out what the program sees of a capsule.
  static void show(const Environment& env, pniEnvironment* here) {
    // In words, which the CPU hands on to the smaller reads of the program.
    store(&here->capsule, uint64_t{env.body_length()} << 32);
    store(&here->at_hand, load<uint64_t>(&env.shown_));
    copy(reinterpret_cast<uint8_t*>(here + 1), env.header() + capsule::kHeader, env.at_hand());
  }
  // memcpy() that is no call.
  static void copy(uint8_t* to, const uint8_t* from, size_t n) {
    constexpr size_t kStep = 16;
    if (n < kStep) [[unlikely]] {
      for (size_t i = 0; i < n; ++i) to[i] = from[i];
      return;
    }
    // The last step, which may go over what the one before it copies, is often the only one.
    const size_t last = n - kStep;
    std::memcpy(to + last, from + last, kStep);
    for (size_t i = 0; i < last; i += kStep) std::memcpy(to + i, from + i, kStep);
  }
  void stopped(Environment& env, vm::Fault why);

  vm::Entry accept_;
  // A capsule touches this line and the one before.
  std::unique_ptr<vm::Instance> instance_;
  uint32_t window_;
  Application* application_ = nullptr;
  Counter capsules_;
  Counter charged_;
  Counter failures_;
  Counter last_failure_;  // fault, and the instruction above it
  CodeName name_;
  std::string symbolic_name_;
  std::string why_interpreted_;
};

}  // namespace weft::pan
