// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/transfer.h"

#include <algorithm>

#include "nodeos_api/worker_run.h"

namespace weft {

namespace {

// Marks that say how a packet came, and nothing of how it is to leave.  (kHeaders stays:
// given back as it came, a packet returns to its sender.)
constexpr uint16_t kOfArrival = Packet::kOffload | Packet::kLocal | Packet::kOrigin | Packet::kLinkGroup;

size_t slots_of(const Pvec& v) {
  size_t slots = 0;
  for (const Packet* p : v) slots += p->segs;
  return slots;
}

}  // namespace

void Delivery::deliver(Domain& domain, Pvec& v) const {
  if (domain.quota() != nullptr && !domain.may_hold(slots_of(v))) [[unlikely]] {
    domain.ledger().received.add(v.size());
    return drop(v, DropReason::kAccountEmpty, domain.ledger().drops);
  }
  an_Packet packets[Pvec::kCapacity];
  const size_t n = v.size();
  size_t slots = 0;
  for (size_t i = 0; i < n; ++i) {
    mark(*v[i], domain);
    slots += v[i]->segs;
    packets[i] = to_handle(v[i]);
  }
  v.release_all();
  domain.ledger().received.add(n);
  domain.ledger().held.add(n);
  domain.take_slots(slots);

  const WorkerRun run(domain);
  if (vector_ != nullptr) {
    vector_(arg_, packets, n);
  } else {
    const Delivery to = *this;  // a function may set another
    for (size_t i = 0; i < n; ++i) to.one_(to.arg_, packets[i]);
  }
}

void forget_arrival(Packet& p) {
  p.flags &= uint16_t(~kOfArrival);
  p.in_port = Packet::kNoPort;
}

size_t send_held(Domain& domain, std::span<Packet* const> packets, Exit& exit) {
  size_t sent = 0;
  bool all_held = true;
  while (sent < packets.size() && all_held) {
    const size_t most = std::min(packets.size() - sent, Pvec::kCapacity);
    size_t n = 0, slots = 0;
    for (; n < most; ++n) {
      Packet* p = packets[sent + n];
      all_held = p != nullptr && holds(domain, *p);
      if (!all_held) break;
      slots += p->segs;
      unmark(*p);
      forget_arrival(*p);
    }
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
