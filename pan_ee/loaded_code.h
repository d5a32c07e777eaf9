// SPDX-License-Identifier: Apache-2.0
// LoadedCode: a code object that this node evaluates capsules with: its program, in an arena
// of its own.  (PAN, section 4.5.)
//
// Threads: made and destroyed on the control thread, evaluate() and attach() on the worker;
//   counters are read by any.
// Time: evaluate() does not block, allocate or lock, and ends within the budget, whatever the
//   program does.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/counter.h"
#include "pan_ee/application.h"
#include "pan_ee/code/pni_abi.h"
#include "pan_ee/code_name.h"
#include "pan_ee/environment.h"
#include "vm/instance.h"

namespace weft::pan {

static_assert(sizeof(pniEnvironment) == PNI_BODY - PNI_ENVIRONMENT && PNI_ENVIRONMENT == vm::kWindow);
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(pniEnvironment) + PNI_MAX_WINDOW <= vm::kDefaultWindow);

class alignas(64) LoadedCode {
 public:
  // `instance` is that of `accept`.
  LoadedCode(const CodeName& name, std::string symbolic_name, std::unique_ptr<vm::Instance> instance,
             const vm::Instance::Entry& accept, uint32_t window)
      : accept_(accept),
        instance_(std::move(instance)),
        window_(window),
        name_(name),
        symbolic_name_(std::move(symbolic_name)) {}
  // Lets it finalize.
  ~LoadedCode();
  LoadedCode(const LoadedCode&) = delete;
  LoadedCode& operator=(const LoadedCode&) = delete;

  const CodeName& name() const { return name_; }
  const std::string& symbolic_name() const { return symbolic_name_; }
  bool is_compiled() const { return accept_.run != nullptr; }
  // Bytes of the body that it wants at hand.
  uint32_t window() const { return window_; }

  // Who its capsules are delivered to; null: nobody.
  void attach(Application* application) { application_ = application; }
  Application* application() const { return application_; }

  // Where the program sees the body.
  const uint8_t* at_hand() const { return accept_.window + sizeof(pniEnvironment); }
  // Evaluates a capsule.  The first window() bytes of its body, or all if there are fewer,
  // are at `body`, and are rewritten if the program wrote.  `env` then says what is to become
  // of the capsule, unless the program was stopped.
  vm::Fault evaluate(Environment& env, bool from_network, uint8_t* body, uint32_t budget) {
    const uint32_t length = env.body_length(), near = length < window_ ? length : window_;
    auto* const here = reinterpret_cast<pniEnvironment*>(accept_.window);
    // In words, which the CPU hands on to the smaller reads of the program.
    store(&here->capsule, uint64_t{length} << 32);
    store(&here->at_hand, uint64_t{near} | uint64_t{from_network} << 32);
    copy(accept_.window + sizeof(pniEnvironment), body, near);
    capsules_.add(1);
    const vm::Outcome outcome = instance_->call(accept_, {.r1 = PNI_ENVIRONMENT, .r2 = length}, budget, &env);
    if (outcome.fault != vm::Fault::kNone) [[unlikely]]
      note_failure(outcome.fault);
    else if (here->written != 0)
      copy(body, at_hand(), near);
    return outcome.fault;
  }

  // Asks the CPU for what evaluate() will touch: of this, and, once that is there, of the
  // arena and the machine code.
  void prefetch_self() const {
    __builtin_prefetch(this);
    __builtin_prefetch(&window_, 1);
  }
  void prefetch() const {
    __builtin_prefetch(accept_.window, 1);
    __builtin_prefetch(reinterpret_cast<const void*>(accept_.run));
  }

  uint64_t capsules() const { return capsules_.value(); }
  // How often it was stopped.
  uint64_t failures() const { return failures_.value(); }
  // Why and where the last time: "budget at instruction 12"; empty: never.
  std::string last_failure() const;

 private:
  // memcpy() that is no call.
  static void copy(uint8_t* to, const uint8_t* from, uint32_t n) {
    constexpr uint32_t kStep = 16;
    if (n < kStep) {
      for (uint32_t i = 0; i < n; ++i) to[i] = from[i];
      return;
    }
    for (uint32_t i = 0; i + kStep < n; i += kStep) std::memcpy(to + i, from + i, kStep);
    std::memcpy(to + n - kStep, from + n - kStep, kStep);
  }
  void note_failure(vm::Fault why);

  vm::Instance::Entry accept_;
  std::unique_ptr<vm::Instance> instance_;
  // A capsule touches this line and the one before.
  uint32_t window_;
  Application* application_ = nullptr;
  Counter capsules_;
  Counter failures_;
  Counter last_failure_;  // fault, and the instruction above it
  CodeName name_;
  std::string symbolic_name_;
};

}  // namespace weft::pan
