// SPDX-License-Identifier: Apache-2.0
// The peer `rte_bpf_jit` of bench_vm: DPDK's BPF library.  It proves the bounds of accesses
// before it compiles, counts nothing, and refuses what has a loop.
#include "bench/vm_programs.h"

#if __has_include(<rte_bpf.h>)
#include <rte_bpf.h>

namespace weft::vm::bench {

namespace {

uint64_t g_forwarded = 0;

uint64_t forward(uint64_t hop, uint64_t, uint64_t, uint64_t, uint64_t) {
  ++g_forwarded;
  return hop;
}

}  // namespace

RteBpf::RteBpf(const BenchProgram& program, const std::vector<Instruction>& text) {
  if (program.has_loop) return;
  rte_bpf_xsym symbols[1] = {};
  symbols[0].name = "forward";
  symbols[0].type = RTE_BPF_XTYPE_FUNC;
  symbols[0].func.val = forward;
  symbols[0].func.nb_args = 1;
  symbols[0].func.args[0] = {RTE_BPF_ARG_RAW, 8, 0};
  symbols[0].func.ret = {RTE_BPF_ARG_RAW, 8, 0};
  std::vector<ebpf_insn> instructions(text.size());
  static_assert(sizeof(ebpf_insn) == sizeof(Instruction));
  for (size_t i = 0; i < text.size(); ++i) {
    Instruction copy = text[i];
    if (copy.opcode == kCallOpcode) copy.imm = 0;  // the first symbol
    __builtin_memcpy(&instructions[i], &copy, sizeof copy);
  }
  rte_bpf_prm parameters{};
  parameters.ins = instructions.data();
  parameters.nb_ins = uint32_t(instructions.size());
  parameters.xsym = symbols;
  parameters.nb_xsym = 1;
  parameters.prog_arg = {RTE_BPF_ARG_PTR, 4096, 0};
  rte_bpf* loaded = rte_bpf_load(&parameters);
  if (loaded == nullptr) return;
  loaded_ = loaded;
  rte_bpf_jit jit{};
  if (rte_bpf_get_jit(loaded, &jit) == 0) function_ = jit.func;
}

RteBpf::~RteBpf() { rte_bpf_destroy(static_cast<rte_bpf*>(loaded_)); }

}  // namespace weft::vm::bench

#else

namespace weft::vm::bench {

RteBpf::RteBpf(const BenchProgram&, const std::vector<Instruction>&) {}
RteBpf::~RteBpf() = default;

}  // namespace weft::vm::bench

#endif
