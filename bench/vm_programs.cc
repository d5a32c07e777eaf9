// SPDX-License-Identifier: Apache-2.0
#include "bench/vm_programs.h"

#include <array>

namespace weft::vm::bench {

namespace {

constexpr BenchProgram kPrograms[] = {
    {"empty", "r0 = 0; exit", native_empty, 0, false},
    // 16 bytes of an address against a constant; who is not meant forwards.
    {"compare",
     "r2 = *(u64 *)(r1 + 8); r3 = 0x1111111111111111 ll; if r2 != r3 goto away;"
     "r2 = *(u64 *)(r1 + 16); r3 = 0x2222222222222222 ll; if r2 != r3 goto away; r0 = 0; exit;"
     "away: r1 = 5; call helper 1; exit",
     native_compare, 0, false},
    {"sum1000",
     "r0 = 0; r3 = 0; again: r4 = r3; r4 ^= r1; r0 += r4; r3 += 1; if r3 != r2 goto again; r0 &= 1; exit",
     native_sum, 1000, true},
    {"copy1500",
     "r0 = 0; r3 = r1; r3 += 2048; again: r4 = *(u8 *)(r1 + 0); *(u8 *)(r3 + 0) = r4; r0 += r4; r1 += 1; r3 "
     "+= 1;"
     "r2 += -1; if r2 != 0 goto again; exit",
     native_copy, 1500, true},
    // A capsule at a node on its way: version and TTL are looked at, the TTL is lowered, the
    // destination compared, a next hop chosen from it, and the capsule sent there.
    {"forward",
     "r2 = *(u8 *)(r1 + 0); if r2 != 1 goto drop; r3 = *(u8 *)(r1 + 2); if r3 < 2 goto drop;"
     "r4 = *(u16 *)(r1 + 4); r4 = be16 r4; if r4 < 64 goto drop; *(u8 *)(r1 + 2) = r3;"
     "r2 = *(u64 *)(r1 + 8); r3 = 0x1111111111111111 ll; if r2 != r3 goto away;"
     "r2 = *(u64 *)(r1 + 16); r3 = 0x2222222222222222 ll; if r2 == r3 goto mine;"
     "away: r2 = *(u32 *)(r1 + 24); r3 = r2; r3 >>= 16; r2 ^= r3; r2 &= 7; *(u64 *)(r10 - 8) = r2;"
     "r1 = *(u64 *)(r10 - 8); call helper 1; exit;"
     "mine: r0 = 0; exit; drop: r0 = -1; exit",
     native_forward, 0, false},
};

}  // namespace

std::span<const BenchProgram> programs() { return kPrograms; }

const uint8_t* packet() {
  static const auto bytes = [] {
    std::array<uint8_t, kPacketBytes> made{};
    for (unsigned i = 0; i < kPacketBytes; ++i) made[i] = uint8_t(i * 7);
    made[0] = 1;
    made[2] = 64;
    made[4] = 5;
    return made;
  }();
  return bytes.data();
}

}  // namespace weft::vm::bench
