// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/snow_channel.h"

#include <algorithm>

namespace weft::snow {

// --- incoming ------------------------------------------------------------------

void SnowInChannel::open() {
  domain_.add(static_cast<DomainChannel&>(*this));
  domain_.node().worker().call([this] { SnowNode::of(domain_).inbox().open(opening_, *this); });
}

void SnowInChannel::destroy() {
  bury();
  if (node_must_hear(domain_)) to_node(domain_).call<Call::kInchanDestroy>({at_node_});
  domain_.node().worker().call([this] { let_go(); });
  domain_.remove(static_cast<DomainChannel&>(*this));
  free_memory();
}

void SnowInChannel::let_go() {
  SnowNode::of(domain_).inbox().close(opening_);
  domain_.node().worker().timers().cancel(*this);
  for (Packet* p : waiting_) PacketPtr goes(p);
  waiting_.clear();
}

an_InChan SnowInChannel::that_delivered(const Packet& p) const {
  return p.in_port != Packet::kNoPort && p.path == uint16_t(opening_.id) ? handle() : nullptr;
}

void SnowInChannel::suspend(bool suspended) {
  suspended_ = suspended;
  suspension_changed();
}

void SnowInChannel::suspension_changed() {
  if (!rests() && !waiting_.empty()) domain_.node().worker().timers().arm(*this, 0);
}

void SnowInChannel::receive(Pvec& v) {
  for (Packet* p : v) p->path = uint16_t(opening_.id);
  if (rests() || !waiting_.empty() || !to_) {
    waiting_.insert(waiting_.end(), v.begin(), v.end());
    v.release_all();
    return;
  }
  to_.deliver(domain_, v);
}

// What had to wait, in its order.
void SnowInChannel::fire(uint64_t) {
  while (!waiting_.empty() && !rests() && to_) {
    const size_t n = std::min(waiting_.size(), Pvec::kCapacity);
    Pvec v;
    v.adopt({waiting_.data(), n});
    waiting_.erase(waiting_.begin(), waiting_.begin() + ptrdiff_t(n));
    to_.deliver(domain_, v);
  }
}

// --- outgoing ------------------------------------------------------------------

void SnowOutChannel::open() {
  domain_.add(static_cast<DomainChannel&>(*this));
  domain_.node().worker().call(
      [this] { SnowNode::of(domain_).guest().limit(opening_, limit_.packets, limit_.bytes); });
}

void SnowOutChannel::destroy() {
  bury();
  if (node_must_hear(domain_)) to_node(domain_).call<Call::kOutchanDestroy>({at_node_});
  domain_.node().worker().call([this] { SnowNode::of(domain_).guest().close(opening_); });
  domain_.remove(static_cast<DomainChannel&>(*this));
  free_memory();
}

void SnowOutChannel::push_out(Pvec& v) { SnowNode::of(domain_).guest().push(opening_, v); }

}  // namespace weft::snow
