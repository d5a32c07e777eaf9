// SPDX-License-Identifier: Apache-2.0
// NextHop: where a packet goes next, and all that is needed to send it there.
//
// The result of the longest prefix match.  Its index rides in Packet::next_hop,
// so that a path's loop has no lookup left to do.
//
// Threads: written by the worker between rounds (the control thread hands it
//   closures), read by the worker.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "partner/packet.h"

namespace weft {

using Address = std::array<uint8_t, 16>;  // IPv6, or IPv4 in the first four bytes, rest zero

struct alignas(64) NextHop {
  enum Kind : uint8_t {
    kNoRoute,      // nothing matches
    kForward,      // `header` is complete: send it out of `out_port`
    kResolve,      // on a link whose neighbour's address is not known yet
    kLocal,        // addressed to this node
    kBlackhole,    // lose it silently
    kUnreachable,  // lose it and say so
    kProhibit,     // lose it and say that it is forbidden
    kKernel,       // addressed to the kernel of this machine, see Fib::kernel_answers()
  };

  // Whether there is a way on by `out_port`.
  bool leads_on() const { return kind == kForward || kind == kResolve; }

  Kind kind = kNoRoute;     // with link_length, read as one by modules/fusion.cc
  uint8_t link_length = 0;  // bytes of `header` in front of the packet; 0 on a raw link
  uint16_t out_port = Packet::kNoPort;
  uint32_t mtu = 0;         // largest network-layer packet, bytes
  uint8_t header[16] = {};  // link header: destination, source, type
  Address gateway{};        // zero: the destination itself is on the link
  bool has_gateway = false;
};
static_assert(sizeof(NextHop) == 64);

// All next hops, by index.  Index 0 is "no route" and stays so.
class NextHops {
 public:
  static constexpr uint32_t kCapacity = 32768;  // what a 15-bit table entry can name

  NextHops() : entries_(kCapacity) {}

  const NextHop& operator[](uint32_t index) const { return entries_[index]; }
  const NextHop* data() const { return entries_.data(); }

  // Which index is used for what is the control thread's business.
  // REQUIRES: 0 < index < kCapacity
  void set(uint32_t index, const NextHop& hop) { entries_[index] = hop; }

 private:
  std::vector<NextHop> entries_;
};

}  // namespace weft
