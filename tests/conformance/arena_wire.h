// SPDX-License-Identifier: Apache-2.0
// What the arena over Snow says to the process that its node runs in: one message for
// each call of arena.h, beside Snow's own socket.
//
// Threads: plain values.
#pragma once

#include <cstdint>

namespace weft::arena_wire {

enum class Do : uint32_t { kInject = 1, kTake, kSettle, kAdvance, kFiles, kListen, kHangUp, kStop };

struct Order {
  Do what;
  char port[4];
  uint64_t value;  // bytes that may come back; nanoseconds
};
// Behind either stand `value` bytes, of a packet or a path.
struct Answer {
  uint64_t value;
};

constexpr uint32_t kMaxMessage = 70'000;
constexpr int kControl = 3, kSnow = 4;  // the descriptors that the process starts with

}  // namespace weft::arena_wire
