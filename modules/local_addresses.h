// SPDX-License-Identifier: Apache-2.0
// LocalAddresses: the node's own addresses, and what follows from them for a source.
//
// A router refuses packets that claim to come from itself, or from everyone on one of
// its links (RFC 1812 section 5.3.7).  Every packet is asked that, so the answer is
// nearly always read from one byte, and looked up only when that says "maybe".
//
// Threads: written by the worker between rounds; read by the worker.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.h"
#include "paths/next_hop.h"

namespace weft {

// An address of the node.
struct LocalAddress {
  uint8_t family = 4;  // 4 or 6
  uint16_t port = 0;   // Port::number
  Address address{};
  uint8_t length = 32;  // of its prefix
};

class LocalAddresses {
 public:
  void set(std::vector<LocalAddress> addresses);
  void add(const LocalAddress& address);

  const std::vector<LocalAddress>& all() const { return all_; }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

  // Whether `address` (IPv4, host order) is the broadcast address of a link that the
  // node is on: all ones, or all zeros, behind the prefix.  (RFC 1812 sections 4.2.2.11 d
  // and 4.2.3.1.)  Prefixes of 31 and 32 bits have none (RFC 3021).
  bool is_directed_broadcast(uint32_t address) const;

  // Whether an IPv4 address, as it was loaded from a packet, may be the node's own, or the
  // broadcast address of one of its links; most that are not are told by one byte.
  bool maybe_listed(uint32_t as_loaded) const { return maybe_[slot_of(as_loaded)]; }
  // Whether it is: no packet from outside can come from there.
  bool is_martian_source(uint32_t as_loaded) const {
    return maybe_listed(as_loaded) && is_listed(swap_be(as_loaded));
  }

 private:
  static constexpr unsigned kSlotsLog2 = 12;

  static uint32_t slot_of(uint32_t as_loaded) { return as_loaded * 0x9e3779b1u >> (32 - kSlotsLog2); }
  bool is_listed(uint32_t address) const;
  void list(const LocalAddress& address);

  std::array<bool, size_t{1} << kSlotsLog2> maybe_{};  // by slot_of()
  std::vector<uint32_t> listed_;                       // host order, in order: own and broadcast addresses
  std::vector<LocalAddress> all_;
};

}  // namespace weft
