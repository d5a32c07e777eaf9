// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/paid_exit.h"

#include "nodeos_api/node.h"

namespace weft {

void PaidExit::set_rate(const Tspec& rate) {
  if (!rate.limits()) return;
  meter_.emplace(rate, payer_.node().worker().now_ns());
  most_ = rate.max_packet;
}

void PaidExit::fill_meters() {
  for (RateMeter* meter : {meter_ ? &*meter_ : nullptr, shared()}) {
    if (meter != nullptr) meter->fill(payer_.node().worker().now_ns());
  }
}

bool PaidExit::pay_for(const Packet& p) {
  const uint32_t length = p.total_length();
  if (meter_ && !meter_->take(length)) return false;
  RateMeter* const all = shared();
  if (all == nullptr || all->take(length)) return true;
  if (meter_) meter_->give_back(length);
  return false;
}

void PaidExit::give_back(const Packet& p) {
  for (RateMeter* meter : {meter_ ? &*meter_ : nullptr, shared()}) {
    if (meter != nullptr) meter->give_back(p.total_length());
  }
}

bool PaidExit::push_paid(Pvec& v) {
  if (!metered()) {
    push_out(v);
    return false;
  }
  fill_meters();
  size_t n = 0;
  while (n < v.size() && pay_for(*v[n])) ++n;
  Pvec paid;
  paid.adopt({v.begin(), n});
  v.release_front(n);
  push_out(paid);
  const bool all_went = paid.empty();
  for (const Packet* refused : paid) give_back(*refused);
  v.prepend(paid);
  return all_went;
}

void PaidExit::take(Pvec& v) {
  const bool over_rate = push_paid(v);
  if (v.empty()) return;
  over_rate ? refuse_for_rate() : refuse_for_room();
}

}  // namespace weft
