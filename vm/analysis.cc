// SPDX-License-Identifier: Apache-2.0
#include "vm/analysis.h"

#include <algorithm>

namespace weft::vm {

namespace {

bool is_memory(const Instruction& i) { return i.cls() == kLdx || i.cls() == kSt || i.cls() == kStx; }
bool is_atomic(const Instruction& i) { return i.cls() == kStx && i.mode() == kAtomic; }

RegisterSet reads_of_call(const Instruction& i, const HelperTable& helpers) {
  if (i.opcode == kCallxOpcode) return kArgumentSet | bit(i.callx_register());
  if (i.src() == kCallLocal) return 0;
  const Helper* helper = helpers.find(uint32_t(i.imm));
  return helper == nullptr ? kArgumentSet : RegisterSet((2u << helper->arguments) - 2);
}

}  // namespace

RegisterSet reads(const Instruction& i, const HelperTable& helpers) {
  const RegisterSet dst = bit(i.dst()), src = bit(i.src());
  switch (i.cls()) {
    case kAlu:
    case kAlu64: {
      const RegisterSet operand = i.from_register() && i.operation() != kEnd ? src : 0;
      return i.operation() == kMov ? operand : dst | operand;
    }
    case kJmp:
    case kJmp32:
      if (i.operation() == kExit) return bit(0);
      if (i.operation() == kCall) return reads_of_call(i, helpers);
      if (i.operation() == kJa) return 0;
      return i.from_register() ? dst | src : dst;
    case kLdx:
      return src;
    case kSt:
      return dst;
    case kStx:
      return dst | src | (is_atomic(i) && i.imm == kCmpXchg ? bit(0) : 0);
    default:
      return 0;
  }
}

RegisterSet writes(const Instruction& i) {
  switch (i.cls()) {
    case kAlu:
    case kAlu64:
    case kLdx:
    case kLd:
      return bit(i.dst());
    case kStx:
      if (!is_atomic(i) || (i.imm & kFetch) == 0) return 0;
      return i.imm == kCmpXchg ? bit(0) : bit(i.src());
    case kJmp:
      return i.is_call() ? kArgumentSet | bit(0) : 0;
    default:
      return 0;
  }
}

FunctionFacts& FunctionFacts::operator|=(const FunctionFacts& other) {
  writes |= other.writes;
  uses_frame |= other.uses_frame;
  uses_memory |= other.uses_memory;
  charges |= other.charges;
  calls_host |= other.calls_host;
  calls_functions |= other.calls_functions;
  calls_indirectly |= other.calls_indirectly;
  is_called |= other.is_called;
  return *this;
}

Analysis::Analysis(const Program& program)
    : live(program.text().size() + 1),
      is_target(program.text().size()),
      loop_end(program.text().size()),
      functions(program.functions().size()) {
  find_facts(program);
  find_loops(program);
  find_live(program);
}

void Analysis::find_facts(const Program& program) {
  const auto text = program.text();
  for (size_t n = 0; n < functions.size(); ++n) {
    FunctionFacts& facts = functions[n];
    const Function& f = program.functions()[n];
    for (uint32_t at = f.begin; at < f.end; ++at) {
      const Instruction& i = text[at];
      facts.writes |= writes(i);
      facts.uses_frame |= ((reads(i, program.helpers()) & kFrameSet) != 0);
      facts.uses_memory |= is_memory(i);
      if (i.is_jump()) {
        is_target[uint32_t(int64_t(at) + 1 + i.distance())] = 1;
        facts.charges |= i.distance() < 0;
      } else if (i.opcode == kCallOpcode && i.src() == kCallLocal) {
        facts.calls_functions = true;
        functions[program.function_at(uint32_t(int64_t(at) + 1 + i.imm))].is_called = true;
      } else if (i.is_call()) {
        facts.calls_host = true;
        if (i.opcode == kCallxOpcode) facts.calls_functions = facts.calls_indirectly = true;
      }
      if (i.is_lddw()) ++at;
    }
  }
  for (const FunctionFacts& facts : functions) sum |= facts;
  if (!sum.calls_indirectly) return;
  sum.is_called = true;
  for (FunctionFacts& facts : functions) facts.is_called = true;
}

void Analysis::find_loops(const Program& program) {
  const auto text = program.text();
  for (const Function& f : program.functions()) {
    uint32_t block = f.begin;  // where the current block began
    for (uint32_t at = f.begin; at < f.end; ++at) {
      const Instruction& i = text[at];
      if (is_target[at] != 0) block = at;
      if (i.is_jump() && !i.is_unconditional_jump() && int64_t(at) + 1 + i.distance() == int64_t(block)) {
        loop_end[block] = at;
      }
      if (i.is_jump() || i.is_call() || i.is_exit()) block = at + 1;
      if (i.is_lddw()) ++at;
    }
  }
  // A jump to itself ends where it begins, and is told from none by no table; leave it out.
  for (uint32_t at = 0; at < loop_end.size(); ++at) {
    if (loop_end[at] == at) loop_end[at] = 0;
  }
}

// Backwards over the text until nothing changes: loops and recursion take more than one round.
// A program can be made so that it takes as many as it has jumps; then everything counts as
// live, which costs it time and nobody else.
void Analysis::find_live(const Program& program) {
  const auto text = program.text();
  std::vector<uint8_t> second_half(text.size());
  for (uint32_t at = 0; at < text.size(); ++at) {
    if (text[at].is_lddw()) second_half[++at] = 1;
  }
  constexpr int kRounds = 32;
  bool changed = true;
  for (int round = 0; changed && round < kRounds; ++round) {
    changed = false;
    for (uint32_t at = uint32_t(text.size()); at-- > 0;) {
      const Instruction& i = text[at];
      RegisterSet after = 0;
      if (second_half[at] != 0) {
        live[at] = live[at + 1];
        continue;
      }
      if (!i.is_exit() && !i.is_unconditional_jump()) after = live[at + 1];
      if (i.is_jump()) after |= live[uint32_t(int64_t(at) + 1 + i.distance())];
      RegisterSet before = RegisterSet(after & ~writes(i)) | reads(i, program.helpers());
      if (i.opcode == kCallOpcode && i.src() == kCallLocal) before |= live[uint32_t(int64_t(at) + 1 + i.imm)];
      if (i.opcode == kCallxOpcode) before |= RegisterSet(~kFrameSet & 0x7ff);
      before &= RegisterSet(~kFrameSet);
      changed |= before != live[at];
      live[at] = before;
    }
  }
  if (changed) std::fill(live.begin(), live.end(), RegisterSet(kFrameSet - 1));
}

}  // namespace weft::vm
