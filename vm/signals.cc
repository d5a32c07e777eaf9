// SPDX-License-Identifier: Apache-2.0
#include "vm/signals.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cerrno>
#include <cstdint>
#include <mutex>

#include "vm/call.h"
#include "vm/code_cache.h"

namespace weft::vm {

namespace {

constexpr uint64_t kGuard = 0x10000;  // how far an address may miss its arena
constexpr size_t kStackBytes = 64 << 10;

struct sigaction g_before;  // written once, before the handler can run

// Where the thread was, and will go on.
uint64_t instruction(const ucontext_t& context) {
#if defined(__x86_64__)
  return uint64_t(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return context.uc_mcontext.pc;
#endif
}
void set_instruction(ucontext_t& context, const void* at) {
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(at);
#elif defined(__aarch64__)
  context.uc_mcontext.pc = reinterpret_cast<uint64_t>(at);
#endif
}

// True when the thread may go on.
bool stop_program(const siginfo_t& info, ucontext_t& context) {
  Call& call = current_call;
  const MachineCode* code = CallAccess::code(call);
  const uint64_t at = instruction(context);
  if (code == nullptr || !code->contains(at)) return false;
  const uint64_t base = reinterpret_cast<uint64_t>(call.arena().base());
  if (reinterpret_cast<uint64_t>(info.si_addr) - (base - kGuard) >= kArenaBytes + 2 * kGuard) return false;
  CallAccess::fault(call) = Fault::kAccess;
  CallAccess::fault_at(call) = at + 1;  // as a return address would
  set_instruction(context, CallAccess::abort(call));
  return true;
}

void on_fault(int signal, siginfo_t* info, void* context) {
  if (stop_program(*info, *static_cast<ucontext_t*>(context))) return;
  if ((g_before.sa_flags & SA_SIGINFO) != 0) return g_before.sa_sigaction(signal, info, context);
  if (g_before.sa_handler != SIG_DFL && g_before.sa_handler != SIG_IGN) return g_before.sa_handler(signal);
  // Back at the faulting instruction, it ends the process as it should.
  struct sigaction end {};
  end.sa_handler = SIG_DFL;
  ::sigaction(signal, &end, nullptr);
}

}  // namespace

constinit thread_local Call current_call;

void install_fault_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGSEGV, nullptr, &g_before);
    ::sigaction(SIGSEGV, &action, nullptr);
  });
}

struct SignalStack::State {
  void* stack = MAP_FAILED;
  stack_t before{};

  ~State() {
    if (stack == MAP_FAILED) return;
    ::sigaltstack(&before, nullptr);
    ::munmap(stack, kStackBytes);
  }
};

SignalStack::SignalStack(std::unique_ptr<State> state) : state_(std::move(state)) {}
SignalStack::~SignalStack() = default;

Result<std::unique_ptr<SignalStack>> SignalStack::create() {
  auto state = std::make_unique<State>();
  stack_t stack{};
  stack.ss_sp =
      ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  stack.ss_size = kStackBytes;
  if (stack.ss_sp == MAP_FAILED) return system_error("map a signal stack", errno);
  if (::sigaltstack(&stack, &state->before) != 0) {
    const int why = errno;
    ::munmap(stack.ss_sp, kStackBytes);
    return system_error("use a signal stack", why);
  }
  state->stack = stack.ss_sp;
  return std::unique_ptr<SignalStack>(new SignalStack(std::move(state)));
}

}  // namespace weft::vm
