// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/routes.h"

#include <algorithm>

namespace weft::pan {

bool Routes::add(const Prefix& to, Neighbour& neighbour) {
  Length& length = length_of(to.length);
  if (kSparse * (length.used + 1) > length.slots.size()) length.resize(65 - length.shift);
  const Words prefix = words_of(to.address);
  Slot& slot = length.find(prefix);
  if (slot.neighbour != nullptr) return false;
  slot = {prefix, &neighbour};
  ++length.used;
  forget_recent();
  return true;
}

Neighbour* Routes::find_anew(Slot& recent, uint64_t word_0, uint64_t word_1) const {
  recent = {{word_0, word_1}, find_longest({word_0, word_1})};
  return recent.neighbour;
}

Neighbour* Routes::find_longest(const Words& destination) const {
  for (const Length& length : lengths_) {
    const Slot& slot = length.find({destination.high & length.mask.high, destination.low & length.mask.low});
    if (slot.neighbour != nullptr) return slot.neighbour;
  }
  return nullptr;
}

// All then name the address of zeros.
void Routes::forget_recent() { recent_.fill({Words{}, find_longest({})}); }

Routes::Length& Routes::length_of(uint8_t bits) {
  auto it = std::find_if(lengths_.begin(), lengths_.end(), [&](const Length& l) { return l.bits <= bits; });
  if (it != lengths_.end() && it->bits == bits) return *it;
  NodeAddress mask;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned ones = bits > 8 * i ? std::min(8u, bits - 8 * i) : 0;
    mask.bytes[i] = uint8_t(0xff00u >> ones);
  }
  Length& length = *lengths_.insert(it, Length{bits, words_of(mask), {}, 0});
  length.resize(5);
  return length;
}

void Routes::Length::resize(unsigned log2) {
  std::vector<Slot> before(size_t{1} << log2);
  before.swap(slots);
  shift = 64 - log2;
  for (const Slot& slot : before) {
    if (slot.neighbour != nullptr) find(slot.prefix) = slot;
  }
}

}  // namespace weft::pan
