// SPDX-License-Identifier: Apache-2.0
// The programs of bench_vm in C, for the peer `native`: compiled with -O2.
#include "base/bytes.h"
#include "bench/vm_programs.h"

namespace weft::vm::bench {

namespace {

uint64_t g_forwarded = 0;

// By a pointer, as the node gives it to what it loads.
uint64_t forward(uint64_t hop) {
  ++g_forwarded;
  return hop;
}
uint64_t (*volatile g_forward)(uint64_t) = forward;

}  // namespace

uint64_t native_empty(uint8_t*, uint64_t) { return 0; }

uint64_t native_compare(uint8_t* p, uint64_t) {
  if (load<uint64_t>(p + 8) == 0x1111111111111111 && load<uint64_t>(p + 16) == 0x2222222222222222) return 0;
  return g_forward(5);
}

// The last bit only: the packet lies somewhere else for each machine, and is the seed.
uint64_t native_sum(uint8_t* p, uint64_t n) {
  uint64_t sum = 0;
  const uint64_t seed = reinterpret_cast<uint64_t>(p);
  for (uint64_t i = 0; i != n; ++i) sum += i ^ seed;
  return sum & 1;
}

uint64_t native_copy(uint8_t* p, uint64_t n) {
  uint64_t sum = 0;
  uint8_t* to = p + 2048;
  for (; n != 0; --n) {
    const uint8_t byte = *p++;
    *to++ = byte;
    sum += byte;
  }
  return sum;
}

uint64_t native_forward(uint8_t* p, uint64_t) {
  if (p[0] != 1 || p[2] < 2 || load_be16(p + 4) < 64) return uint64_t(-1);
  p[2] = uint8_t(p[2]);
  if (load<uint64_t>(p + 8) == 0x1111111111111111 && load<uint64_t>(p + 16) == 0x2222222222222222) return 0;
  const uint32_t address = load<uint32_t>(p + 24);
  volatile uint64_t hop = (address ^ address >> 16) & 7;
  return g_forward(hop);
}

}  // namespace weft::vm::bench
