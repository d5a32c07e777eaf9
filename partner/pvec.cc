// SPDX-License-Identifier: Apache-2.0
#include "partner/pvec.h"

#include <algorithm>

#include "partner/pool.h"

namespace weft {

Packet Pvec::kNothing{};

void Pvec::append_all(Pvec& other) {
  const size_t n = std::min(room(), other.size());
  adopt({other.begin(), n});
  other.release_front(n);
}

void Pvec::adopt_all(std::span<Packet* const> packets) {
  if (end_ + packets.size() > kCapacity) close_gap();
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
