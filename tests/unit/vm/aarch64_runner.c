// SPDX-License-Identifier: Apache-2.0
// Runs machine code for aarch64 that another machine has assembled: a static program for an
// emulator.  Requests come on standard input, answers go to standard output (aarch64.h).
//
// It stands in for arena, Call and signal handler.  A call of the host's functions cannot be
// followed from here: it faults outside of the code, and is answered as kHostCall.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/unit/vm/aarch64_protocol.h"

enum { kCallBytes = 4096, kFaultAccess = 3, kFaultRefused = 7 };

static uint8_t call[kCallBytes] __attribute__((aligned(64)));
static uint8_t *code, *wide, *packed;
static struct aarch64_request request;
static struct aarch64_answer answer;
static sigjmp_buf host_call;

struct returned {
  uint64_t r0;
  int64_t budget;
};
typedef struct returned (*entry_function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint8_t*);

static void set_thread_pointer(uint64_t to) { __asm__ volatile("msr tpidr_el0, %0" ::"r"(to) : "memory"); }
static uint64_t thread_pointer(void) {
  uint64_t at;
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(at)::"memory");
  return at;
}

static uint64_t own_thread_pointer;

static void on_fault(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  ucontext_t* u = context;
  const uint64_t at = u->uc_mcontext.pc - (uint64_t)code;
  if (at >= request.code_bytes) {
    set_thread_pointer(own_thread_pointer);
    siglongjmp(host_call, 1);
  }
  const uint32_t fault = kFaultAccess;
  const uint64_t fault_at = u->uc_mcontext.pc + 1;
  memcpy(call + request.fault_offset, &fault, sizeof fault);
  memcpy(call + request.fault_at_offset, &fault_at, sizeof fault_at);
  u->uc_mcontext.pc = (uint64_t)code + request.abort;
}

static void read_all(void* to, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = read(0, (char*)to + done, bytes - done);
    if (n <= 0) _exit(n == 0 && done == 0 ? 0 : 1);
    done += (size_t)n;
  }
}
static void write_all(const void* from, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = write(1, (const char*)from + done, bytes - done);
    if (n <= 0) _exit(1);
    done += (size_t)n;
  }
}

static void run(uint8_t* base) {
  answer.status = 0;
  own_thread_pointer = thread_pointer();
  if (sigsetjmp(host_call, 1) != 0) {
    answer.status = kHostCall;
    return;
  }
  memset(call, 0, sizeof call);
  memcpy(call + request.budget_offset, &request.budget, sizeof request.budget);
  const uint64_t abort = (uint64_t)code + request.abort;
  uint8_t chosen[64];
  memcpy(chosen + request.abort_offset, &abort, sizeof abort);
  const uint64_t chosen_at = (uint64_t)chosen;
  memcpy(call + request.entry_offset, &chosen_at, sizeof chosen_at);
  const entry_function entry = (entry_function)(code + request.run);
  set_thread_pointer((uint64_t)call - (uint64_t)request.call_offset);
  const struct returned r = entry(request.r[0], request.r[1], request.r[2], request.r[3], request.r[4], base);
  set_thread_pointer(own_thread_pointer);
  answer.r0 = r.r0;
  answer.budget = r.budget;
  if (r.budget >= 0) return;
  int32_t left;
  uint32_t fault;
  uint64_t fault_at;
  memcpy(&left, call + request.budget_offset, sizeof left);
  memcpy(&fault, call + request.fault_offset, sizeof fault);
  memcpy(&fault_at, call + request.fault_at_offset, sizeof fault_at);
  answer.status = fault;
  answer.budget = left < 0 ? 0 : left;
  answer.fault_at = fault_at - (uint64_t)code;
}

// The helpers: the sum of their arguments, for 5 of the budget; and a refusal.
static uint64_t add(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint8_t* of) {
  int32_t budget;
  memcpy(&budget, of + request.budget_offset, sizeof budget);
  budget -= 5;
  memcpy(of + request.budget_offset, &budget, sizeof budget);
  return a + b + c + d + e;
}
static uint64_t refuse(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint8_t* of) {
  const uint32_t fault = kFaultRefused;
  memcpy(of + request.fault_offset, &fault, sizeof fault);
  return a + b + c + d + e;
}

int main(void) {
  const uint64_t helpers[] = {(uint64_t)add, (uint64_t)refuse};
  write_all(helpers, sizeof helpers);
  const size_t guard = 1 << 20, arena = (size_t)1 << 32;
  wide = mmap(NULL, arena + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  packed = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  code = mmap(NULL, kMaxCode, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (wide == MAP_FAILED || packed == MAP_FAILED || code == MAP_FAILED) return 1;
  wide += guard;
  packed += 1 << 16;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  for (int s = 0; s < 3; ++s) sigaction((const int[]){SIGSEGV, SIGILL, SIGBUS}[s], &action, NULL);
  for (;;) {
    read_all(&request, sizeof request);
    if (request.code_bytes > kMaxCode || mprotect(code, kMaxCode, PROT_READ | PROT_WRITE) != 0) return 1;
    read_all(code, request.code_bytes);
    if (mprotect(code, kMaxCode, PROT_READ | PROT_EXEC) != 0) return 1;
    __builtin___clear_cache((char*)code, (char*)code + request.code_bytes);
    uint8_t* base = request.is_packed ? packed : wide;
    memset(packed + (1 << 16), 0, 64);  // the gap behind it
    for (int part = 0; part < kParts; ++part) {
      const struct aarch64_part* p = &request.parts[part];
      if (p->bytes == 0) continue;
      if (!request.is_packed && mprotect(base + p->at, p->bytes, PROT_READ | PROT_WRITE) != 0) return 1;
      read_all(base + p->at, p->bytes);
      if (p->is_read_only && mprotect(base + p->at, p->bytes, PROT_READ) != 0) return 1;
    }
    run(base);
    write_all(&answer, sizeof answer);
    for (int part = 0; part < kParts; ++part) {
      const struct aarch64_part* p = &request.parts[part];
      write_all(base + p->at, p->bytes);
      if (!request.is_packed && p->bytes > 0 && mprotect(base + p->at, p->bytes, PROT_NONE) != 0) return 1;
    }
  }
}
