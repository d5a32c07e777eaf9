// SPDX-License-Identifier: Apache-2.0
// Who holds a packet: the mark that an EE's packet bears.
//
// While Packet::kHeld is set, `next_hop` is the slot of the holder's handle.  A
// packet whose handle is dead is recognised by the mark being gone.
//
// Threads: the worker.
#pragma once

#include "nodeos_api/domain.h"
#include "partner/packet.h"

namespace weft {

inline Domain& holder(const Packet& p) { return *static_cast<Domain*>(handles().at(p.next_hop)); }

inline void hold(Packet& p, Domain& domain) {
  p.flags |= Packet::kHeld;
  p.next_hop = domain.index();
  if (Quota* quota = domain.quota()) quota->hold(p.segs);
}
inline void let_go(Packet& p) {
  if (Quota* quota = holder(p).quota()) quota->let_go(p.segs);
  p.flags &= uint16_t(~Packet::kHeld);
  p.next_hop = Packet::kNoNextHop;
}
inline bool holds(const Domain& domain, const Packet& p) {
  return (p.flags & Packet::kHeld) != 0 && p.next_hop == domain.index();
}

inline Packet* from_handle(an_Packet p) { return reinterpret_cast<Packet*>(p); }
// The packet of a handle, if a domain holds it; else null, with the failure noted.
inline Packet* find_held(an_Packet handle) {
  Packet* p = from_handle(handle);
  if (p == nullptr || reinterpret_cast<uintptr_t>(p) % alignof(Packet) != 0) {
    fail(AN_EINVAL, "not a packet");
    return nullptr;
  }
  if (p->flags & Packet::kHeld) return p;
  fail(AN_EDEAD, "the packet was sent or freed");
  return nullptr;
}
inline an_Packet to_handle(Packet* p) { return reinterpret_cast<an_Packet>(p); }

}  // namespace weft
