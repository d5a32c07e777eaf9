// SPDX-License-Identifier: Apache-2.0
// How packets pass between a channel and the domain that holds them: the same in the node
// and behind Snow.
//
// Threads: the worker.
#pragma once

#include <span>

#include "nodeos_api/domain.h"
#include "nodeos_api/packet_hold.h"
#include "partner/pvec.h"

namespace weft {

// The function of an EE that an incoming channel delivers to.
class Delivery {
 public:
  Delivery() = default;
  Delivery(an_ChanRecvFunc one, void* arg) : one_(one), arg_(arg) {}
  Delivery(an_ChanRecvVecFunc vector, void* arg) : vector_(vector), arg_(arg) {}
  Delivery(an_ChanRecvViewsFunc views, void* arg) : views_(views), arg_(arg) {}
  explicit operator bool() const { return one_ != nullptr || vector_ != nullptr || views_ != nullptr; }
  // `domain` holds the packets of `v` from now on, and its function gets them.  What is more
  // than its principal may hold is dropped, from the back.
  // REQUIRES: bool(*this)
  void deliver(Domain& domain, Pvec& v) const;

 private:
  // One of these, if any.
  an_ChanRecvFunc one_ = nullptr;
  an_ChanRecvVecFunc vector_ = nullptr;
  an_ChanRecvViewsFunc views_ = nullptr;
  void* arg_ = nullptr;
};

// Where an outgoing channel's packets go: takes from the front of `v`, and notes why it left
// the rest.
class Exit {
 public:
  virtual ~Exit() = default;
  virtual void take(Pvec& v) = 0;
};

// How a packet came says nothing of how it is to leave.  (kHeaders stays: given back as it came,
// a packet returns to its sender.)
inline void forget_arrival(Packet& p) {
  constexpr uint16_t kOfArrival = Packet::kOffload | Packet::kLocal | Packet::kOrigin | Packet::kLinkGroup;
  p.flags &= uint16_t(~kOfArrival);
  p.in_port = Packet::kNoPort;
}

// Sends packets from the front, which `domain` holds.  Returns how many; when fewer than all,
// the failure is noted.
size_t send_held(Domain& domain, std::span<Packet* const> packets, Exit& exit);

// Whether packets of `from` may be handed to a channel of `to`; if not, the failure is noted.
bool may_hand_over(const Domain& from, const Domain& to);
// A packet goes from its holder's hands into a channel of `to`, by `enqueue(Pvec&)`, which takes
// it or has no room.  A status.
template <typename Enqueue>
int hand_over(Packet& p, const Domain& to, Enqueue&& enqueue) {
  Domain& from = holder(p);
  if (!may_hand_over(from, to)) return an_errno();
  let_go(p);
  const uint16_t came_by = p.path;
  Pvec v;
  v.push_back(PacketPtr(&p));
  enqueue(v);
  if (!v.empty()) {
    p.path = came_by;
    hold(p, from);
    v.release_all();
    return fail(AN_EQFULL, "the channel's queue is full");
  }
  from.ledger().sent.add(1);
  from.ledger().held.set(from.ledger().held.value() - 1);
  return AN_OK;
}

// What is said of sends that cannot be.
constexpr const char* kHalfOfACut = "the channel is half of a cut-through channel, which sends by it";
constexpr const char* kOfAnotherChannel = "the address was prepared for another channel";

}  // namespace weft
