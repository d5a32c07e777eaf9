// SPDX-License-Identifier: Apache-2.0
#include "partner/pvec.h"

#include <algorithm>
#include <cstring>

#include "partner/pool.h"

namespace weft {

namespace {
Packet dummy{};  // what a look behind the end finds
}

Pvec::Pvec() { std::fill(slots_ + kCapacity, slots_ + kCapacity + kLookahead, &dummy); }

void Pvec::append(Pvec& other) {
  const size_t n = std::min(room(), other.size());
  adopt({other.begin(), n});
  other.release_front(n);
}

void Pvec::adopt(std::span<Packet* const> packets) {
  if (end_ + packets.size() > kCapacity) close_gap();
  std::copy(packets.begin(), packets.end(), slots_ + end_);
  end_ += packets.size();
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
