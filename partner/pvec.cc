// SPDX-License-Identifier: Apache-2.0
#include "partner/pvec.h"

#include <algorithm>

#include "partner/pool.h"

namespace weft {

Packet Pvec::kNothing{};

Pvec::Pvec() { std::fill(slots_ + kCapacity, slots_ + kCapacity + kLookahead, &kNothing); }

void Pvec::guard_end() {
  std::fill(slots_ + end_, slots_ + std::min(end_ + kLookahead, kCapacity), &kNothing);
}

void Pvec::append(Pvec& other) {
  if (other.size() == 1 && open()) {  // as often as not
    slots_[end_++] = other[0];
    other.release_all();
    return;
  }
  const size_t n = std::min(room(), other.size());
  adopt({other.begin(), n});
  other.release_front(n);
}

void Pvec::adopt(std::span<Packet* const> packets) {
  if (end_ + packets.size() > kCapacity) close_gap();
  if (packets.size() == 1) {  // as often as not; a call of memmove costs more
    slots_[end_++] = packets[0];
    return;
  }
  std::copy(packets.begin(), packets.end(), slots_ + end_);
  end_ += packets.size();
}

void Pvec::prepend(Pvec& other) {
  Pvec rest;
  rest.append(*this);
  append(other);
  append(rest);
}

void Pvec::clear() {
  for (Packet* p : *this) Pool::free(p);
  release_all();
}

void Pvec::close_gap() {
  std::memmove(slots_, slots_ + begin_, size() * sizeof(Packet*));
  end_ -= begin_;
  begin_ = 0;
}

}  // namespace weft
