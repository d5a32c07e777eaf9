// SPDX-License-Identifier: Apache-2.0
// The programs that bench_vm measures, for each machine that runs them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vm/instruction.h"

namespace weft::vm::bench {

inline constexpr uint32_t kForwardHelper = 1;
inline constexpr unsigned kPacketBytes = 1500;

struct BenchProgram {
  const char* name;
  // As clang -O2 -target bpf writes it; R1 is the packet, R2 the argument.
  std::string_view text;
  // The same in C, compiled with gcc -O2 (vm_native.cc).
  uint64_t (*native)(uint8_t* packet, uint64_t argument);
  uint64_t argument;
  bool has_loop;  // which rte_bpf refuses
};

// In a fixed order; the last is the forward-like one.
std::span<const BenchProgram> programs();

// What lies in the window: kPacketBytes.
const uint8_t* packet();

// The program under DPDK's rte_bpf, where that is installed and takes it.
class RteBpf {
 public:
  RteBpf(const BenchProgram& program, const std::vector<Instruction>& text);
  ~RteBpf();
  RteBpf(const RteBpf&) = delete;
  RteBpf& operator=(const RteBpf&) = delete;

  // Null when there is none.
  uint64_t (*function() const)(void*) { return function_; }

 private:
  void* loaded_ = nullptr;
  uint64_t (*function_)(void*) = nullptr;
};

uint64_t native_empty(uint8_t* packet, uint64_t argument);
uint64_t native_compare(uint8_t* packet, uint64_t argument);
uint64_t native_sum(uint8_t* packet, uint64_t argument);
uint64_t native_copy(uint8_t* packet, uint64_t argument);
uint64_t native_forward(uint8_t* packet, uint64_t argument);

}  // namespace weft::vm::bench
