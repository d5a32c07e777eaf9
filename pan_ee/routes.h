// SPDX-License-Identifier: Apache-2.0
// Routes: which neighbour is the way to a node.  The longest prefix decides.
//
// Threads: add() before capsules flow; find() on the worker.
// Time: an exact address is one hash lookup; a prefix is found in time linear in the number
//   of different prefix lengths, of which a network has few.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "pan_ee/address.h"

namespace weft::pan {

class Routes {
 public:
  static constexpr uint16_t kNone = 0xffff;

  // False when there is a route for that prefix already.
  bool add(const Prefix& to, uint16_t neighbour);
  // The index of the neighbour; kNone when there is no way.
  uint16_t find(const NodeAddress& destination) const;

 private:
  struct Hash {
    size_t operator()(const NodeAddress& a) const;
  };
  struct Length {
    uint8_t bits;
    std::unordered_map<NodeAddress, uint16_t, Hash> routes;
  };
  std::vector<Length> lengths_;  // the longest first
};

}  // namespace weft::pan
