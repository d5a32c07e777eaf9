// SPDX-License-Identifier: Apache-2.0
// LocalAddresses: the node's own addresses, and what follows from them for a source.
//
// A router refuses packets that claim to come from itself, or from everyone on one of
// its links (RFC 1812 section 5.3.7).  Every packet is asked that, so the answer is
// nearly always read from one byte, and looked up only when that says "perhaps".
//
// Threads: written by the worker between rounds; read by the worker.
#pragma once

#include <array>
#include <bit>
#include <vector>

#include "base/bytes.h"
#include "base/words.h"
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

  // Whether an IPv4 source, as it was loaded from a packet, is the node's own, or the
  // broadcast address of one of its links: no packet from outside can come from there.
  bool is_martian_source(uint32_t as_loaded) const {
    return perhaps_listed_[fold(as_loaded)] != 0 && is_listed(swap_be(as_loaded));
  }
  // Whether one of four sources may be such.  Mostly right when it says yes, always when no.
  [[gnu::always_inline]] bool any_perhaps_listed(Words as_loaded) const {
    const Halves folds = fold(as_loaded);
    return (perhaps_listed_[folds[0]] | perhaps_listed_[folds[2]] | perhaps_listed_[folds[4]] |
            perhaps_listed_[folds[6]]) != 0;
  }

  // Whether a packet from `source` to `destination`, as they were loaded, may be forwarded as
  // far as its addresses say (RFC 1812 section 5.3.7); class E is not, here.
  bool may_forward(uint32_t source, uint32_t destination) const {
    return !kNotOneHost[uint8_t(source)] && !kNotOneHost[uint8_t(destination)] && !is_martian_source(source);
  }

 private:
  static constexpr size_t kFolds = 4096;
  // All bits of each address in 12, in its lower half.  (Fibonacci hashing: Knuth, volume 3,
  // section 6.4.)
  [[gnu::always_inline]] static Halves fold(Words addresses) {
    return Halves(addresses ^ addresses >> 16) * uint16_t{0x9e37} >> 4;
  }
  static uint32_t fold(uint32_t address) { return fold(all_of(address))[0]; }
  bool is_listed(uint32_t address) const;
  void list(const LocalAddress& address);

  // By the first byte of an address: not one host's, but 0/8, 127/8, multicast or class E.
  static constexpr std::array<uint8_t, 256> kNotOneHost = [] {
    std::array<uint8_t, 256> no{};
    for (size_t first = 0; first < no.size(); ++first) no[first] = first == 0 || first == 127 || first >= 224;
    return no;
  }();

  std::array<uint8_t, kFolds> perhaps_listed_{};  // by fold()
  std::vector<uint32_t> listed_;                  // host order, in order: own and broadcast addresses
  std::vector<LocalAddress> all_;
};

}  // namespace weft
