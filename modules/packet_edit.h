// SPDX-License-Identifier: Apache-2.0
// Taking headers off packets and putting them on, with what goes along.
//
// Threads: the worker.
#pragma once

#include <algorithm>
#include <cstring>

#include "partner/pool.h"

namespace weft {

// Makes the first `n` bytes of a packet readable in one piece.
// False when the packet is shorter, or the pool is exhausted.
inline bool gather_front(Pool& pool, PacketPtr& p, uint32_t n) {
  return p->length >= n || pool.unshare_front(p, n);
}

// Takes `n` bytes off the front.
// REQUIRES: n <= p.length
inline void strip_front(Packet& p, uint32_t n) {
  p.pop(n);
  if (p.flags & Packet::kOffload) p.offload().popped(n);
}

// Makes room for `n` bytes in front of a packet, which must not be empty, and gives
// that room to it.  Copies the front when its bytes are shared, or when there is no
// room.  False when the pool is exhausted; the packet is then unchanged.
// REQUIRES: n <= kHeadroom - kReserved
inline bool prepend(Pool& pool, PacketPtr& p, uint32_t n) {
  if (p->headroom() < n) {
    const uint32_t front = std::min<uint32_t>(p->total_length(), 64);
    if (!p->writable()) {
      if (!pool.unshare_front(p, front)) return false;
    } else {
      PacketPtr apart = pool.clone(*p);  // shares its bytes, so that they move
      if (!apart || !pool.unshare_front(apart, front)) return false;
      p = std::move(apart);
    }
  }
  p->push(n);
  if (p->flags & Packet::kOffload) p->offload().pushed(n);
  return true;
}

// Copies bytes [offset, offset + n) of a chain, or as many as there are, to `to`.
// Returns how many.
inline uint32_t read_bytes(const Packet& p, uint32_t offset, uint8_t* to, uint32_t n) {
  uint32_t copied = 0;
  for (const Seg* s = &p; s != nullptr && copied < n; s = s->next) {
    if (offset >= s->length) {
      offset -= s->length;
      continue;
    }
    const uint32_t part = std::min(n - copied, s->length - offset);
    std::memcpy(to + copied, s->data + offset, part);
    copied += part;
    offset = 0;
  }
  return copied;
}

}  // namespace weft
