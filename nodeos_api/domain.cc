// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/domain.h"

#include <algorithm>

#include "nodeos_api/event.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "nodeos_api/packet_hold.h"

namespace weft {

namespace {

// Every packet of `pool` that `domain` holds is dropped.
void take_back(Pool& pool, Domain& domain) {
  uint8_t* const slots = pool.memory().data() + 64;
  for (size_t i = 0; i < pool.capacity() && domain.ledger().held.value() > 0; ++i) {
    auto* p = reinterpret_cast<Packet*>(slots + i * Packet::kStride);
    if (!holds(domain, *p)) continue;
    domain.give_back_slots(p->segs);
    unmark(*p);
    domain.ledger().held.set(domain.ledger().held.value() - 1);
    drop(PacketPtr(p), DropReason::kPathClosed, domain.ledger().drops);
  }
}

// An EE may have thousands, and each would wait for the worker twice: some at a time, so that
// the worker is waited for seldom and never stands for long.
void close_channels(const Domain& domain) {
  constexpr int kAtOnce = 512;  // about a millisecond
  while (!domain.channels().empty()) {
    domain.node().worker().call([&] {
      for (int i = 0; i < kAtOnce && !domain.channels().empty(); ++i) domain.channels().back()->destroy();
    });
  }
}

}  // namespace

Domain* find_open(an_Domain handle) {
  Domain* domain = find<Domain>(handle);
  if (domain != nullptr && domain->ending()) {
    fail(AN_EDEAD, "the domain is ending");
    return nullptr;
  }
  return domain;
}

Domain::Domain(Node& node, Domain* parent)
    : node_(node), parent_(parent), code_(parent != nullptr ? parent->code_ : nullptr) {}

Domain* alive(an_Domain handle) {
  const HandleTable::Found found = handles().find(reinterpret_cast<uint64_t>(handle), AN_DOMAIN);
  auto* domain = static_cast<Domain*>(found.object);
  return domain != nullptr && !domain->ending() ? domain : nullptr;
}

const CodeShare& code_of_caller(const Domain& domain) {
  return running.domain != nullptr ? running.domain->code() : domain.code();
}

bool Domain::descends_from(const Domain& ancestor) const {
  for (const Domain* d = this; d != nullptr; d = d->parent_) {
    if (d == &ancestor) return true;
  }
  return false;
}

bool Domain::may_be_destroyed() const {
  if (!node_.allows_control()) return false;
  if (parent_ == nullptr) {
    fail(AN_EPERM, "the root domain ends with its node");
  } else if (running.domain != nullptr && !descends_from(*running.domain)) {
    fail(AN_EPERM, "a domain may end itself and its descendants, not others");
  } else if (initialising()) {
    fail(AN_EINVAL, "the domain, or one of its own, is still in its init function: return a status instead");
  } else {
    return true;
  }
  return false;
}

bool Domain::may_be_suspended(bool itself) const {
  if (parent_ == nullptr) {
    fail(AN_EPERM, "the root domain runs as long as its node");
    return false;
  }
  const Domain* caller = running.domain;
  if (caller == nullptr || (descends_from(*caller) && (itself || this != caller))) return true;
  fail(AN_EPERM, "a domain may suspend itself and its descendants and resume these, not others");
  return false;
}

void Domain::add(Domain& child) {
  node_.worker().call([&] { children_.push_back(&child); });
}

void Domain::add(DomainChannel& channel) {
  node_.worker().call([&] { channels_.push_back(&channel); });
}

void Domain::remove(DomainChannel& channel) {
  // Those that end together go from the youngest on.
  node_.worker().call([&] {
    const auto at = std::find(channels_.rbegin(), channels_.rend(), &channel);
    if (at != channels_.rend()) channels_.erase(std::next(at).base());
  });
}

int Domain::initialise(an_DomainInitFunc init, void* arg) {
  if (init == nullptr) return AN_OK;
  RunningScope scope(node_, this, false);
  initialising_ = true;
  const int status = init(handle(), arg);
  initialising_ = false;
  return status;
}

bool Domain::initialising() const {
  return initialising_ || std::any_of(children_.begin(), children_.end(),
                                      [](const Domain* child) { return child->initialising(); });
}

void Domain::end_threads() {
  threads_.end();
  for (Domain* child : children_) child->end_threads();
}

void Domain::end(an_TermReason reason) {
  ending_ = true;
  end_threads();
  while (!children_.empty()) children_.back()->end(reason == AN_TERM_NODE ? AN_TERM_NODE : AN_TERM_ANCESTOR);
  if (threads_.wait() > 0) {
    an_log(handle(), AN_LOG_WARNING, "a thread did not return although the domain ends: it goes on without");
  }
  close_channels(*this);
  while (!parts_.empty()) parts_.back()->destroy();
  bury();
  node_.worker().call([this] { clear_worker(); });
  if (memory_ != nullptr) memory_->remove(*this);
  if (parent_ != nullptr) node_.worker().call([this] { std::erase(parent_->children_, this); });
  if (term_ != nullptr) {
    Domain* const hears = parent_ != nullptr && parent_->parent_ != nullptr ? parent_ : nullptr;
    RunningScope scope(node_, hears, false);
    term_(handle(), reason, term_arg_);
  }
  if (quota_ != nullptr) quota_->release_domain();
  free_memory();
}

// The worker's lists must not change while it walks them, as it does when a deliver
// function calls this.
void Domain::suspend(bool suspended) {
  if (suspended_ == suspended) return;
  suspended_ = suspended;
  Timers& timers = node_.worker().timers();
  if (node_.on_worker()) {
    timers.arm(*this, 0);
  } else {
    timers.cancel(*this);
    pause_changed();
  }
}

void Domain::pause_changed() {
  for (DomainChannel* channel : channels_) channel->suspension_changed();
  if (pauses()) return;
  for (Event* event : events_) event->resume();
}

bool Domain::charge(size_t bytes) {
  if (memory_ != nullptr && !memory_->charge(bytes)) return false;
  charged_.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

void Domain::give_back(size_t bytes) {
  charged_.fetch_sub(bytes, std::memory_order_relaxed);
  if (memory_ != nullptr) memory_->give_back(bytes);
}

uint64_t Domain::charged_bytes() const {
  return charged_.load(std::memory_order_relaxed) + (implicit() ? sizeof(Domain) : 0);
}

bool Domain::has_room_for(uint64_t slots) const {
  if (memory_ != nullptr && !memory_->has_room_for(slots)) return false;
  if (may_hold(slots)) return true;
  fail(AN_ELIMIT, "the domain's principal has no memory left");
  return false;
}

void Domain::condemn() {
  if (condemned_) return;
  condemned_ = true;
  node_.condemn(handle());
}

void Domain::clear_worker() {
  node_.worker().timers().cancel(*this);
  while (!events_.empty()) events_.back()->destroy();
  for (Pool* pool : node_.pools()) take_back(*pool, *this);
}

}  // namespace weft
