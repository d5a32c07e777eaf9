// SPDX-License-Identifier: Apache-2.0
#include "vm/instance.h"

#include <string>

namespace weft::vm {

const char* to_text(Fault fault) {
  static constexpr const char* kTexts[kFaults] = {
      "none", "budget", "depth", "access", "alignment", "bad call", "helper range", "refused", "gate"};
  return kTexts[unsigned(fault)];
}

Call& call_of_this_thread() { return current_call; }

Result<std::unique_ptr<Instance>> Instance::create(ArenaSpace& space, std::shared_ptr<const Program> program,
                                                   std::shared_ptr<const MachineCode> code,
                                                   const Sizes& sizes) {
  if (code != nullptr && code->kind() != space.kind()) {
    return Error{Code::kInvalid, "the machine code is for another kind of arena"};
  }
  auto arena = Arena::create(space, {.window = sizes.window,
                                     .rodata = uint32_t(program->rodata().size()),
                                     .data = uint32_t(program->data().size()) + program->bss_bytes(),
                                     .heap_quota = sizes.heap_quota});
  if (!arena) return arena.error();
  if (auto filled = (*arena)->fill_statics(program->rodata(), program->data()); !filled)
    return filled.error();
  return std::unique_ptr<Instance>(new Instance(std::move(program), std::move(code), std::move(*arena)));
}

Instance::Instance(std::shared_ptr<const Program> program, std::shared_ptr<const MachineCode> code,
                   std::unique_ptr<Arena> arena)
    : arena_(std::move(arena)),
      code_(std::move(code)),
      program_(std::move(program)),
      decoded_(code_ == nullptr ? std::make_unique<const Decoded>(*program_) : nullptr),
      gates_(program_->gates()) {}

Result<Entry> Instance::entry(std::string_view name) {
  uint32_t function = program_->entries().front();
  if (!name.empty()) {
    auto found = program_->find_export(name);
    if (!found) return Error{Code::kNotFound, "the program exports no '" + std::string(name) + "'"};
    function = *found;
  }
  Entry e{.run = &Instance::interpret,
          .base = arena_->base(),
          .window = arena_->window(),
          .arena = arena_.get(),
          .code = code_.get(),
          .instance = this,
          .function = function};
  if (code_ != nullptr) {
    const MachineCode::Entry machine = code_->entry(function);
    e.run = machine.run;
    e.abort = machine.abort;
  }
  return e;
}

Result<void> Instance::bind_gate(uint32_t slot, const Entry& callee) {
  if (slot >= gates_.size()) return Error{Code::kInvalid, "the program has no gate " + std::to_string(slot)};
  gates_[slot] = callee;
  return {};
}

// What an entry without machine code runs.
Returned Instance::interpret(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, uint8_t*) {
  Call& call = current_call;
  Instance& self = call.instance();
  const uint64_t r[] = {r1, r2, r3, r4, r5};
  const Outcome outcome = self.decoded_->run(call.entry_->function, r, call, self.fault_pc_);
  if (outcome.fault == Fault::kNone) return {outcome.r0, outcome.budget_left};
  call.fault_ = outcome.fault;
  call.budget_ = int32_t(outcome.budget_left);
  return {0, -1};
}

Outcome Instance::stopped() {
  Call& call = current_call;
  const Fault fault = call.fault_;
  call.fault_ = Fault::kNone;
  faults_[unsigned(fault)].add(1);
  int32_t left = call.budget_;
  if (code_ != nullptr) {  // else the interpreter said where
    const Mark mark = code_->locate(call.fault_at_);
    fault_pc_ = mark.pc;
    left -= mark.owed;
  }
  return {0, uint32_t(left < 0 ? 0 : left), fault};
}

// The callee runs in its own arena, on the caller's budget.
uint64_t Instance::through_gate(const Entry& callee, const Arguments& arguments, Call& call) {
  unsigned depth = 1;
  bool busy = &call.instance() == callee.instance;
  for (const Call::Outer* outer = call.outer_; outer != nullptr; outer = outer->outer, ++depth) {
    busy |= outer->entry->instance == callee.instance;
  }
  if (busy || depth > kGateDepth) {
    call.fail(Fault::kGate);
    return 0;
  }
  Call::Outer mine{call.entry_, call.environment_, call.saved_stack_, call.outer_, call.lent_};
  call.outer_ = &mine;
  const Outcome outcome = callee.instance->call(callee, arguments, call.budget(), call.environment_);
  call.entry_ = mine.entry;
  call.environment_ = mine.environment;
  call.saved_stack_ = mine.saved_stack;
  call.outer_ = mine.outer;
  call.lent_.any = false;  // it was for this call
  call.budget_ = int32_t(outcome.budget_left);
  if (outcome.fault != Fault::kNone)
    call.fail(outcome.fault == Fault::kBudget ? Fault::kBudget : Fault::kGate);
  return outcome.r0;
}

uint64_t call_by_number(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, Call* call) {
  const uint32_t number = CallAccess::number(*call);
  const Instance& caller = call->instance();
  if (number >= kFirstGate) {
    const uint32_t slot = number - kFirstGate;
    if (slot < caller.gates_.size()) {
      const Entry& gate = caller.gates_[bounded(slot, caller.gates_.size())];
      if (gate.instance != nullptr) return Instance::through_gate(gate, {r1, r2, r3, r4, r5}, *call);
    }
  } else if (const Helper* helper = caller.program().helpers().find(number); helper != nullptr) {
    return helper->function(r1, r2, r3, r4, r5, call);
  }
  call->fail(Fault::kBadCall);
  return 0;
}

}  // namespace weft::vm
