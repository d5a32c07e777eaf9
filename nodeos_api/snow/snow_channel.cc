// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/snow_channel.h"

#include <algorithm>

#include "nodeos_api/snow/snow_send_addr.h"

namespace weft::snow {

// --- incoming ------------------------------------------------------------------

void SnowInChannel::open() {
  domain_.add(static_cast<DomainChannel&>(*this));
  domain_.node().worker().call([this] {
    SnowNode& node = SnowNode::of(domain_);
    node.inbox().open(opening_, *this);
    node.guest().open(opening_, queue_);
  });
}

void SnowInChannel::destroy() {
  if (cut_ != nullptr) cut_->destroy();
  bury();
  if (node_must_hear(domain_)) to_node(domain_).call<Call::kInchanDestroy>({at_node_});
  domain_.node().worker().call([this] { let_go(); });
  domain_.remove(static_cast<DomainChannel&>(*this));
  free_memory();
}

void SnowInChannel::let_go() {
  SnowNode::of(domain_).inbox().close(opening_);
  SnowNode::of(domain_).guest().close(opening_);
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

int SnowInChannel::pause() {
  domain_.node().carry([this]() -> int {
    suspend(true);
    return AN_OK;
  });
  return SnowNode::of(domain_).connection().call<Call::kInchanSuspend>({at_node_});
}

int SnowInChannel::resume() {
  const int status = SnowNode::of(domain_).connection().call<Call::kInchanResume>({at_node_});
  if (status != AN_OK) return status;
  return domain_.node().carry([this]() -> int {
    suspend(false);
    return AN_OK;
  });
}

bool SnowInChannel::has_function() const {
  return domain_.node().carry([this] { return bool(to_); });
}

// The node's channel always has where to deliver to: it is here that a function is missing.
void SnowInChannel::join_cut(SnowCutChannel* cut) {
  cut_ = cut;
  if (!node_must_hear(domain_) || has_function()) return;
  cut != nullptr ? resume() : pause();
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

int SnowInChannel::take_over(Packet& p) {
  return hand_over(p, domain_, [this](Pvec& v) { SnowNode::of(domain_).guest().push(opening_, v); });
}

// --- outgoing ------------------------------------------------------------------

void SnowOutChannel::open() {
  domain_.add(static_cast<DomainChannel&>(*this));
  domain_.node().worker().call([this] { SnowNode::of(domain_).guest().open(opening_, queue_); });
}

void SnowOutChannel::destroy() {
  if (cut_ != nullptr) cut_->destroy();
  while (!addresses_.empty()) addresses_.back()->destroy();
  bury();
  if (node_must_hear(domain_)) to_node(domain_).call<Call::kOutchanDestroy>({at_node_});
  domain_.node().worker().call([this] { SnowNode::of(domain_).guest().close(opening_); });
  domain_.remove(static_cast<DomainChannel&>(*this));
  free_memory();
}

void SnowOutChannel::push_out(Pvec& v) { SnowNode::of(domain_).guest().push(way_out_, v); }

size_t SnowOutChannel::send(std::span<Packet* const> packets) {
  if (cut_ == nullptr) return send_held(domain_, packets, *this);
  fail(AN_EINVAL, kHalfOfACut);
  return 0;
}

int SnowOutChannel::send_to(Packet* p, const SnowSendAddr& to) {
  way_out_ = to.opening();
  const size_t sent = send({&p, 1});
  way_out_ = opening_;
  return sent == 1 ? int{AN_OK} : an_errno();
}

void SnowOutChannel::join_cut(SnowCutChannel* cut) {
  domain_.node().worker().call([&] { cut_ = cut; });
}

// --- cut-through -----------------------------------------------------------------

void SnowCutChannel::join(SnowInChannel& in, SnowOutChannel& out) {
  in_ = &in;
  out_ = &out;
  out.join_cut(this);
  in.join_cut(this);
}

// An incoming half that has no function rests before the node ends the other.
void SnowCutChannel::destroy() {
  if (in_ != nullptr) {
    in_->join_cut(nullptr);
    out_->join_cut(nullptr);
  }
  close();
}

}  // namespace weft::snow
