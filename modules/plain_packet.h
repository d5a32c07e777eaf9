// SPDX-License-Identifier: Apache-2.0
// What a loop over packets asks of a descriptor and of a next hop, in one load each.
//
// Threads: pure functions.
#pragma once

#include <bit>
#include <cstddef>

#include "base/bytes.h"
#include "partner/packet.h"
#include "paths/next_hop.h"

namespace weft {

static_assert(std::endian::native == std::endian::little, "words are taken as little-endian here");

// Length, segs and flags of a packet.
class Front {
 public:
  explicit Front(const Packet& p) : word_(load<uint64_t>(&p.length)) {}
  uint32_t length() const { return uint32_t(word_); }
  // Whether its bytes are those of its own slot, and none of `flags` is set.
  template <uint16_t flags>
  bool own() const {
    return (word_ & kUnusual<flags>) == 0;
  }
  // The same, and it is one Seg.
  template <uint16_t flags>
  bool plain() const {
    return (uint32_t(word_ >> 32) & (uint32_t(kUnusual<flags> >> 32) | 0xffff)) == 1;
  }

 private:
  static_assert(offsetof(Packet, segs) == offsetof(Packet, length) + 4);
  static_assert(offsetof(Packet, flags) == offsetof(Packet, length) + 6);
  template <uint16_t flags>
  static constexpr uint64_t kUnusual = uint64_t{flags | Packet::kShares | Packet::kForeign} << 48;
  uint64_t word_;
};

// What a next hop asks for.
class Lead {
 public:
  explicit Lead(const NextHop& hop) : word_(load<uint64_t>(&hop)) {}
  // Whether it is reachable, behind a link whose header has `length` bytes.
  bool forwards(uint8_t length) const {
    return uint16_t(word_) == (NextHop::kForward | uint32_t{length} << 8);
  }
  // The same, on `port`.
  bool forwards(uint8_t length, uint16_t port) const {
    return uint32_t(word_) == (NextHop::kForward | uint32_t{length} << 8 | uint32_t{port} << 16);
  }
  // Whether it is reachable on `port`.
  bool forwards_to(uint16_t port) const {
    return (uint32_t(word_) & 0xffff00ff) == (NextHop::kForward | uint32_t{port} << 16);
  }
  uint16_t out_port() const { return uint16_t(word_ >> 16); }
  uint32_t mtu() const { return uint32_t(word_ >> 32); }

 private:
  static_assert(offsetof(NextHop, kind) == 0 && offsetof(NextHop, link_length) == 1);
  static_assert(offsetof(NextHop, out_port) == 2 && offsetof(NextHop, mtu) == 4);
  uint64_t word_;
};

}  // namespace weft
