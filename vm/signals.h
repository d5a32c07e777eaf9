// SPDX-License-Identifier: Apache-2.0
// What happens when machine code touches what is not mapped.
//
// The kernel sends SIGSEGV.  When the instruction lies in the code that this thread is
// running, and the address in that program's arena or its guards, the thread goes on at the
// code's abort; any other SIGSEGV goes to whoever handled it before.  Helpers check their
// ranges, so this never unwinds C++.
#pragma once

#include <memory>

#include "base/result.h"

namespace weft::vm {

// Once for the process; again does nothing.  Threads: any.
void install_fault_handler();

// A stack of its own for a thread's signal handlers, so that the handler does not depend on
// how much of the thread's is left.  One for each thread that runs programs, for as long as
// it does.  Threads: made and destroyed on that thread.
class SignalStack {
 public:
  static Result<std::unique_ptr<SignalStack>> create();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  struct State;
  explicit SignalStack(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weft::vm
