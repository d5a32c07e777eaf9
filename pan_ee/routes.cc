// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/routes.h"

#include <algorithm>

namespace weft::pan {

namespace {

NodeAddress masked(const NodeAddress& a, unsigned bits) {
  NodeAddress m;
  std::memcpy(m.bytes.data(), a.bytes.data(), bits / 8);
  if (bits % 8 != 0) m.bytes[bits / 8] = a.bytes[bits / 8] & uint8_t(0xff00u >> (bits % 8));
  return m;
}

}  // namespace

// The table is the operator's, so nobody outside can choose keys that collide.
size_t Routes::Hash::operator()(const NodeAddress& a) const {
  uint64_t high, low;
  std::memcpy(&high, a.bytes.data(), 8);
  std::memcpy(&low, a.bytes.data() + 8, 8);
  return size_t((low ^ (high * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu >> 16);
}

bool Routes::add(const Prefix& to, uint16_t neighbour) {
  auto it =
      std::find_if(lengths_.begin(), lengths_.end(), [&](const Length& l) { return l.bits <= to.length; });
  if (it == lengths_.end() || it->bits != to.length) it = lengths_.insert(it, Length{to.length, {}});
  return it->routes.emplace(to.address, neighbour).second;
}

uint16_t Routes::find(const NodeAddress& destination) const {
  for (const Length& length : lengths_) {
    auto it = length.routes.find(masked(destination, length.bits));
    if (it != length.routes.end()) return it->second;
  }
  return kNone;
}

}  // namespace weft::pan
