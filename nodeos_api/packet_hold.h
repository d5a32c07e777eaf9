// SPDX-License-Identifier: Apache-2.0
// Who holds a packet: the mark that an EE's packet bears.
//
// While Packet::kHeld is set, `next_hop` is the slot of the holder's handle.  A
// packet whose handle is dead is recognised by the mark being gone.  The domain is charged
// for the slots of what it holds.
//
// Threads: the worker.
#pragma once

#include "nodeos_api/domain.h"
#include "partner/packet.h"

namespace weft {

extern const size_t kAttachedSize;  // of what stands for attached memory: an_sizeof(AN_ATTACHED)

inline Domain& holder(const Packet& p) { return *static_cast<Domain*>(handles().at(p.next_hop)); }

// The mark alone, for who counts the slots of a vector at once.  `holder`: Domain::index().
inline void mark(Packet& p, uint32_t holder) {
  p.flags |= Packet::kHeld;
  p.next_hop = holder;
}
inline void unmark(Packet& p) {
  p.flags &= uint16_t(~Packet::kHeld);
  p.next_hop = Packet::kNoNextHop;
}
inline bool holds(uint32_t holder, const Packet& p) {
  return (p.flags & Packet::kHeld) != 0 && p.next_hop == holder;
}
inline bool holds(const Domain& domain, const Packet& p) { return holds(domain.index(), p); }

inline void hold(Packet& p, Domain& domain) {
  mark(p, domain.index());
  domain.take_slots(p.segs);
}
inline void let_go(Packet& p) {
  holder(p).give_back_slots(p.segs);
  unmark(p);
}

inline Packet* from_handle(an_Packet p) { return reinterpret_cast<Packet*>(p); }
[[gnu::noinline]] inline Packet* no_packet(an_Status status, const char* sentence) {
  fail(status, sentence);
  return nullptr;
}
inline bool may_be_packet(const Packet* p) {
  return p != nullptr && reinterpret_cast<uintptr_t>(p) % alignof(Packet) == 0;
}
// The packet of a handle, if a domain holds it; else null, with the failure noted.
inline Packet* find_held(an_Packet handle) {
  Packet* p = from_handle(handle);
  if (!may_be_packet(p)) [[unlikely]]
    return no_packet(AN_EINVAL, "not a packet");
  if ((p->flags & Packet::kHeld) == 0) [[unlikely]]
    return no_packet(AN_EDEAD, "the packet was sent or freed");
  return p;
}
inline an_Packet to_handle(Packet* p) { return reinterpret_cast<an_Packet>(p); }

// A packet that the domain made is in its hands.
inline an_Packet taken_by(Domain& domain, PacketPtr p) {
  hold(*p, domain);
  domain.ledger().made.add(1);
  domain.ledger().held.add(1);
  return to_handle(p.release());
}

}  // namespace weft
