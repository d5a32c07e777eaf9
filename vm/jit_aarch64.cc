// SPDX-License-Identifier: Apache-2.0
#include "vm/jit_aarch64.h"

#include <bit>

namespace weft::vm::aarch64 {

using namespace asmjit;

namespace {

constexpr int32_t kHostFrame = 96;   // x19..x22, x24..x27, x29, x30
constexpr int32_t kLocalFrame = 48;  // x19..x22, x30

}  // namespace

Compiler::Compiler(const Program& program, CodeHolder& code, const JitOptions& options)
    : program_(program), analysis_(program), options_(options), a_(&code) {}

a64::Gp Compiler::r64(unsigned reg) {
  static const a64::Gp kMap[] = {a64::x7,  a64::x0,  a64::x1,  a64::x2,  a64::x3, a64::x4,
                                 a64::x19, a64::x20, a64::x21, a64::x22, a64::x25};
  return kMap[reg];
}

Assembled Compiler::run() {
  const auto functions = program_.functions();
  at_.resize(program_.text().size());
  local_.resize(functions.size());
  for (Label& label : local_) label = a_.newLabel();
  for (Label& label : kinds_) label = a_.newLabel();
  table_ = a_.newLabel();
  for (uint32_t function : program_.entries()) emit_entry(function);
  for (uint32_t function = 0; function < functions.size(); ++function) {
    if (analysis_.functions[function].is_called) emit_local(function);
  }
  emit_function_table();
  emit_stops();
  return std::move(out_);
}

void Compiler::restore_host() {
  a_.ldp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a_.ldp(a64::x21, a64::x22, a64::ptr(a64::sp, 32));
  a_.ldp(a64::x24, a64::x25, a64::ptr(a64::sp, 48));
  a_.ldp(a64::x26, a64::x27, a64::ptr(a64::sp, 64));
  a_.ldp(a64::x29, a64::x30, a64::ptr(a64::sp, 0));
  a_.add(a64::sp, a64::sp, kHostFrame);
  a_.ret(a64::x30);
}

// What the host calls: its registers are saved, and ours set up.
void Compiler::emit_entry(uint32_t function) {
  const Function& f = program_.functions()[function];
  is_entry_ = true;
  a_.align(AlignMode::kCode, 16);
  const uint64_t run = a_.offset();
  a_.sub(a64::sp, a64::sp, kHostFrame);
  a_.stp(a64::x29, a64::x30, a64::ptr(a64::sp, 0));
  a_.stp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a_.stp(a64::x21, a64::x22, a64::ptr(a64::sp, 32));
  a_.stp(a64::x24, a64::x25, a64::ptr(a64::sp, 48));
  a_.stp(a64::x26, a64::x27, a64::ptr(a64::sp, 64));
  a_.mov(a64::x26, a64::x5);
  a_.mrs(a64::x27, Imm(a64::Predicate::SysReg::kTPIDR_EL0));
  add_constant(a64::x27, options_.call_offset);
  a_.ldr(a64::w24, a64::ptr(a64::x27, int32_t(CallAccess::budget())));
  a_.mov(a64::x9, a64::sp);
  a_.str(a64::x9, a64::ptr(a64::x27, int32_t(CallAccess::saved_stack())));
  a_.mov(a64::w25, kStackTop);
  const RegisterSet cleared = analysis_.live[f.begin] & RegisterSet(~kArgumentSet);
  for (unsigned reg = 0; reg < kFrameRegister; ++reg) {
    if ((cleared & bit(reg)) != 0) a_.mov(r64(reg), a64::xzr);
  }
  emit_body(f);

  const uint64_t abort = a_.offset();
  a_.ldr(a64::x9, a64::ptr(a64::x27, int32_t(CallAccess::saved_stack())));
  a_.mov(a64::sp, a64::x9);
  a_.str(a64::w24, a64::ptr(a64::x27, int32_t(CallAccess::budget())));
  a_.mov(a64::x0, a64::xzr);
  a_.mov(a64::x1, -1);
  restore_host();
  out_.entries.push_back({function, run, abort});
}

// What other functions call.
void Compiler::emit_local(uint32_t function) {
  const Function& f = program_.functions()[function];
  is_entry_ = false;
  a_.align(AlignMode::kCode, 16);
  a_.bind(local_[function]);
  emit_charge(int32_t(f.slots()));
  a_.b(Condition::kMI, stop(Fault::kBudget, f.begin));
  a_.sub(a64::w25, a64::w25, kFrameBytes);
  a_.mov(a64::w9, kStack);
  a_.cmp(a64::w25, a64::w9);
  a_.b(Condition::kLS, stop(Fault::kDepth, f.begin));
  a_.sub(a64::sp, a64::sp, kLocalFrame);
  a_.stp(a64::x19, a64::x20, a64::ptr(a64::sp, 0));
  a_.stp(a64::x21, a64::x22, a64::ptr(a64::sp, 16));
  a_.str(a64::x30, a64::ptr(a64::sp, 32));
  emit_body(f);
}

void Compiler::emit_exit() {
  if (is_entry_) {
    a_.mov(a64::x0, a64::x7);
    a_.mov(a64::w1, a64::w24);
    restore_host();
    return;
  }
  a_.add(a64::w25, a64::w25, kFrameBytes);
  a_.ldp(a64::x19, a64::x20, a64::ptr(a64::sp, 0));
  a_.ldp(a64::x21, a64::x22, a64::ptr(a64::sp, 16));
  a_.ldr(a64::x30, a64::ptr(a64::sp, 32));
  a_.add(a64::sp, a64::sp, kLocalFrame);
  a_.ret(a64::x30);
}

void Compiler::emit_body(const Function& f) {
  for (uint32_t at = f.begin; at < f.end; ++at) {
    if (analysis_.is_target[at] != 0) at_[at] = a_.newLabel();
  }
  for (uint32_t at = f.begin; at < f.end; ++at) {
    if (analysis_.is_target[at] != 0) a_.bind(at_[at]);
    emit_instruction(at);
    if (program_.text()[at].is_lddw()) ++at;
  }
  for (const Stop& s : stops_) {
    a_.bind(s.from);
    mark(s.pc);
    // The link register says where.
    a_.bl(kinds_[unsigned(s.fault)]);
  }
  stops_.clear();
}

void Compiler::emit_instruction(uint32_t at) {
  const Instruction& i = program_.text()[at];
  switch (i.cls()) {
    case kAlu:
    case kAlu64:
      return emit_alu(i);
    case kJmp:
    case kJmp32:
      return emit_jump(i, at);
    case kLd:
      a_.mov(r64(i.dst()), Imm(uint32_t(i.imm) | uint64_t(uint32_t(program_.text()[at + 1].imm)) << 32));
      return;
    default:
      return emit_memory(i, at);
  }
}

void Compiler::emit_stops() {
  for (unsigned fault = 0; fault < kFaults; ++fault) {
    a_.bind(kinds_[fault]);
    a_.str(a64::x30, a64::ptr(a64::x27, int32_t(CallAccess::fault_at())));
    if (Fault(fault) != Fault::kNone) {
      a_.mov(a64::w9, fault);
      a_.str(a64::w9, a64::ptr(a64::x27, int32_t(CallAccess::fault())));
    }
    a_.ldr(a64::x9, a64::ptr(a64::x27, int32_t(CallAccess::entry())));
    a_.ldr(a64::x9, a64::ptr(a64::x9, int32_t(offsetof(Entry, abort))));
    a_.br(a64::x9);
  }
}

// For callx, as on x86-64.
void Compiler::emit_function_table() {
  if (!analysis_.sum.calls_indirectly) return;
  a_.align(AlignMode::kData, 64);
  a_.bind(table_);
  const size_t count = local_.size();
  for (size_t n = 0; n < std::bit_ceil(count); ++n) {
    const bool known = n < count && analysis_.functions[n].is_called;
    a_.embedLabelDelta(known ? local_[n] : kinds_[unsigned(Fault::kBadCall)], table_, 4);
  }
}

void Compiler::mark(uint32_t at) { out_.marks.push_back({uint32_t(a_.offset()), at, 0}); }

}  // namespace weft::vm::aarch64
