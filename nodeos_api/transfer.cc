// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/transfer.h"

#include <algorithm>

#include "nodeos_api/packet_view.h"
#include "nodeos_api/worker_run.h"

namespace weft {

namespace {

// Packets from the front that left their holder's hands, and the slots that they fill.
struct LetGo {
  size_t packets = 0, slots = 0;
};
[[gnu::noinline]] LetGo let_go_of(std::span<Packet* const> packets, uint32_t holder) {
  size_t n = 0, slots = 0;
#pragma GCC unroll 4
  for (; n < packets.size(); ++n) {
    Packet* const p = packets[n];
    if (p == nullptr || !holds(holder, *p)) [[unlikely]]
      break;
    slots += p->segs;
    unmark(*p);
    forget_arrival(*p);
  }
  return {n, slots};
}

// The packets of `v` are in the holder's hands.  Returns the slots that they fill.
size_t put_in_hands(Pvec& v, uint32_t holder, an_Packet* packets) {
  const size_t n = v.size();
  size_t slots = 0;
#pragma GCC unroll 4
  for (size_t i = 0; i < n; ++i) {
    Packet* const p = v[i];
    mark(*p, holder);
    slots += p->segs;
    packets[i] = to_handle(p);
  }
  v.release_all();
  return slots;
}

// The same, and tells how they lie.
size_t show_in_hands(Pvec& v, uint32_t holder, an_Packet* packets, an_PacketView* views) {
  const size_t n = v.size();
  size_t slots = n;
#pragma GCC unroll 4
  for (size_t i = 0; i < n; ++i) {
    Packet* const p = v[i];
    if (is_plain<0>(*p)) [[likely]] {
      views[i] = view_of_plain(*p);
    } else {
      views[i] = view_of(*p);
      slots += p->segs - 1u;
    }
    mark(*p, holder);
    packets[i] = to_handle(p);
  }
  v.release_all();
  return slots;
}

// Drops packets from the end until the domain may hold the slots of the rest.
void drop_surplus(Domain& domain, const an_Packet* packets, size_t& n, size_t& slots) {
  for (; n > 0 && !domain.may_hold(slots); --n) {
    Packet* const p = from_handle(packets[n - 1]);
    slots -= p->segs;
    unmark(*p);
    drop(PacketPtr(p), DropReason::kAccountEmpty, domain.ledger().drops);
  }
}

}  // namespace

void Delivery::deliver(Domain& domain, Pvec& v) const {
  an_Packet packets[Pvec::kCapacity];
  an_PacketView views[Pvec::kCapacity];
  size_t n = v.size();
  size_t slots = views_ != nullptr ? show_in_hands(v, domain.index(), packets, views)
                                   : put_in_hands(v, domain.index(), packets);
  domain.ledger().received.add(n);
  if (!domain.may_hold(slots)) [[unlikely]]
    drop_surplus(domain, packets, n, slots);
  if (n == 0) [[unlikely]]
    return;
  domain.ledger().held.add(n);
  domain.take_slots(slots);

  const WorkerRun run(domain);
  if (views_ != nullptr) {
    views_(arg_, packets, views, n);
  } else if (vector_ != nullptr) {
    vector_(arg_, packets, n);
  } else {
    const Delivery to = *this;  // a function may set another
    for (size_t i = 0; i < n; ++i) to.one_(to.arg_, packets[i]);
  }
}

size_t send_held(Domain& domain, std::span<Packet* const> packets, Exit& exit) {
  const uint32_t holder = domain.index();
  size_t sent = 0;
  bool all_held = true;
  while (sent < packets.size() && all_held) {
    const size_t most = std::min(packets.size() - sent, Pvec::kCapacity);
    const auto [n, slots] = let_go_of(packets.subspan(sent, most), holder);
    all_held = n == most;
    Pvec v;
    v.adopt(packets.subspan(sent, n));
    exit.take(v);
    domain.give_back_slots(slots);
    for (Packet* refused : v) hold(*refused, domain);
    const size_t taken = n - v.size();
    v.release_all();
    sent += taken;
    if (taken < n) {
      all_held = true;  // the exit said why
      break;
    }
  }
  if (!all_held) fail(AN_EINVAL, "not a packet that the channel's domain holds");
  domain.ledger().sent.add(sent);
  domain.ledger().held.set(domain.ledger().held.value() - sent);
  return sent;
}

bool may_hand_over(const Domain& from, const Domain& to) {
  if (from.descends_from(to) || to.descends_from(from)) return true;
  fail(AN_EPERM, "a packet is handed to the same domain, an ancestor or a descendant, not to others");
  return false;
}

}  // namespace weft
