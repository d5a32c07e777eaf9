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

inline void hold(Packet& p, const Domain& domain) {
  p.flags |= Packet::kHeld;
  p.next_hop = domain.index();
}
inline void let_go(Packet& p) {
  p.flags &= uint16_t(~Packet::kHeld);
  p.next_hop = Packet::kNoNextHop;
}
inline bool holds(const Domain& domain, const Packet& p) {
  return (p.flags & Packet::kHeld) != 0 && p.next_hop == domain.index();
}
inline Domain& holder(const Packet& p) { return *static_cast<Domain*>(handles().at(p.next_hop)); }

inline Packet* from_handle(an_Packet p) { return reinterpret_cast<Packet*>(p); }
inline an_Packet to_handle(Packet* p) { return reinterpret_cast<an_Packet>(p); }

}  // namespace weft
