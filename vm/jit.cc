// SPDX-License-Identifier: Apache-2.0
#include "vm/jit.h"

#include "vm/jit_aarch64.h"
#include "vm/jit_x86_64.h"

namespace weft::vm {

int64_t call_thread_offset() {
  uint64_t thread_pointer;
#if defined(__x86_64__)
  asm("mov %%fs:0, %0" : "=r"(thread_pointer));
#elif defined(__aarch64__)
  asm("mrs %0, tpidr_el0" : "=r"(thread_pointer));
#else
#error "no thread pointer known for this CPU"
#endif
  return int64_t(reinterpret_cast<uint64_t>(&current_call) - thread_pointer);
}

Result<Assembled> assemble(const Program& program, asmjit::CodeHolder& code, const JitOptions& options) {
  struct Collector final : asmjit::ErrorHandler {
    asmjit::Error first = asmjit::kErrorOk;
    void handleError(asmjit::Error error, const char*, asmjit::BaseEmitter*) override {
      if (first == asmjit::kErrorOk) first = error;
    }
  } errors;
  code.setErrorHandler(&errors);
  Assembled assembled;
  switch (code.environment().arch()) {
    case asmjit::Arch::kX64:
      assembled = x86_64::Compiler(program, code, options).run();
      break;
    case asmjit::Arch::kAArch64:
      assembled = aarch64::Compiler(program, code, options).run();
      break;
    default:
      errors.first = asmjit::kErrorInvalidArch;
      break;
  }
  code.setErrorHandler(nullptr);
  if (errors.first != asmjit::kErrorOk) {
    return Error{Code::kUnsupported, std::string("the program cannot be compiled: ") +
                                         asmjit::DebugUtils::errorAsString(errors.first)};
  }
  return assembled;
}

}  // namespace weft::vm
