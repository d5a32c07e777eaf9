// SPDX-License-Identifier: Apache-2.0
// How packets pass between a channel and the domain that holds them: the same in the node
// and behind Snow.
//
// Threads: the worker.
#pragma once

#include <span>

#include "nodeos_api/domain.h"
#include "partner/pvec.h"

namespace weft {

// The function of an EE that an incoming channel delivers to.
class Delivery {
 public:
  void set(an_ChanRecvFunc one, an_ChanRecvVecFunc vector, void* arg) {
    one_ = one;
    vector_ = vector;
    arg_ = arg;
  }
  explicit operator bool() const { return one_ != nullptr || vector_ != nullptr; }
  // `domain` holds all packets of `v` from now on, and its function gets them.
  // REQUIRES: bool(*this)
  void deliver(Domain& domain, Pvec& v) const;

 private:
  an_ChanRecvFunc one_ = nullptr;
  an_ChanRecvVecFunc vector_ = nullptr;
  void* arg_ = nullptr;
};

// Where an outgoing channel's packets go: takes from the front of `v`, and notes why it left
// the rest.
class Exit {
 public:
  virtual ~Exit() = default;
  virtual void take(Pvec& v) = 0;
};

// How a packet came says nothing of how it is to leave.
void forget_arrival(Packet& p);

// Sends packets from the front, which `domain` holds.  Returns how many; when fewer than all,
// the failure is noted.
size_t send_held(Domain& domain, std::span<Packet* const> packets, Exit& exit);

}  // namespace weft
