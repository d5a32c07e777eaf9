// SPDX-License-Identifier: Apache-2.0
// How a packet lies, as an an_PacketView tells it.
//
// Threads: the worker.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "nodeos_api/an.h"
#include "partner/packet.h"

namespace weft {

inline an_PacketView view_of(Packet& p) { return {p.data, p.length, p.total_length(), p.writable()}; }

// Whether a packet lies in one piece in its own slot, seen by nobody else, and has `flag` (0:
// whatever it has): all that in one word of its descriptor.
template <uint16_t flag>
bool is_plain(const Packet& p) {
  static_assert(std::endian::native == std::endian::little);
  static_assert(offsetof(Packet, flags) == offsetof(Packet, segs) + 2);
  static_assert(offsetof(Packet, references) == offsetof(Packet, segs) + 4);
  constexpr auto word = [](uint16_t segs, uint16_t flags, uint32_t references) {
    return uint64_t{references} << 32 | uint64_t{flags} << 16 | segs;
  };
  constexpr uint64_t kPlain = word(1, flag, 1);
  constexpr uint64_t kLookedAt = word(UINT16_MAX, flag | Packet::kShares | Packet::kForeign, UINT32_MAX);
  return (load<uint64_t>(&p.segs) & kLookedAt) == kPlain;
}
// REQUIRES: is_plain().  Who sees it will want more than its first line, which the demux had.
inline an_PacketView view_of_plain(const Packet& p) {
  constexpr size_t kLine = 64;
  __builtin_prefetch(p.data + kLine, 1);
  return {p.data, p.length, p.length, true};
}

}  // namespace weft
