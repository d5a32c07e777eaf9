// SPDX-License-Identifier: Apache-2.0
// PaidExit: the way out of an outgoing channel, which keeps to the channel's rate and to that of
// all channels of its domain's principal.
//
// Threads: the worker; made on the control thread.
// Invariants: what was not sent was not paid for.
#pragma once

#include <optional>

#include "nodeos_api/errors.h"
#include "nodeos_api/transfer.h"
#include "paths/rate_meter.h"

namespace weft {

class PaidExit : protected Exit {
 public:
  // Sends that were refused.
  uint64_t refused() const { return refused_.value(); }

 protected:
  explicit PaidExit(Domain& payer) : payer_(payer) {}

  // REQUIRES: before the first packet
  void set_rate(const Tspec& rate);
  // Whether so long a packet conforms at some time.
  bool conforms(uint32_t length) const { return length <= most_; }

  // Exit: what is left was refused, and why is noted.
  void take(Pvec& v) override;
  // Pushes from the front what keeps to the rate and has room.  Whether all that is left is
  // over the rate.
  bool push_paid(Pvec& v);
  // Takes from the front what there is room for.
  virtual void push_out(Pvec& v) = 0;

  // Before packets are paid for.
  void fill_meters();
  // Whether the packet keeps to the rate; if so, it is paid for.
  bool pay_for(const Packet& p);
  void give_back(const Packet& p);
  // Notes that the channel's queue is full, or the packet over its rate.  The status.
  int refuse_for_room() { return refuse(AN_EQFULL, "the channel's queue is full"); }
  int refuse_for_rate() { return refuse(AN_EBANDWIDTH, "the packet is over the channel's rate"); }

 private:
  int refuse(an_Status status, const char* sentence) {
    refused_.add(1);
    return fail(status, sentence);
  }
  // That of all channels of the principal; null: it has none.
  RateMeter* shared() const { return payer_.quota() != nullptr ? payer_.quota()->meter() : nullptr; }
  bool metered() const { return meter_.has_value() || shared() != nullptr; }

  Domain& payer_;
  std::optional<RateMeter> meter_;
  uint32_t most_ = UINT32_MAX;
  Counter refused_;
};

}  // namespace weft
