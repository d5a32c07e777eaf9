// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/domain.h"

#include <algorithm>

#include "nodeos_api/event.h"
#include "nodeos_api/node.h"

namespace weft {

Domain* find_open(an_Domain handle) {
  Domain* domain = find<Domain>(handle);
  if (domain != nullptr && domain->ending()) {
    fail(AN_EDEAD, "the domain is ending");
    return nullptr;
  }
  return domain;
}

Domain::Domain(Node& node, Domain* parent)
    : node_(node),
      parent_(parent),
      level_(parent != nullptr ? parent->level_ + 1 : 0),
      code_(parent != nullptr ? parent->code_ : nullptr) {}

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

bool Domain::is_callers() const {
  return running.domain != nullptr ? descends_from(*running.domain) : !running.ended;
}

bool Domain::may_be_destroyed() const {
  if (!node_.allows_control()) return false;
  if (parent_ == nullptr) {
    fail(AN_EPERM, "the root domain ends with its node");
  } else if (!is_callers()) {
    fail(AN_EPERM, "a domain may end itself and its descendants, not others");
  } else if (in_transition()) {
    fail(AN_EINVAL,
         "the domain, or one of its own, is still in its init function, or just ending: return from there");
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
  if (is_callers() && (itself || this != running.domain)) return true;
  fail(AN_EPERM, "a domain may suspend itself and its descendants and resume these, not others");
  return false;
}

void Domain::add(Domain& child) {
  node_.worker().call([&] { children_.push_back(&child); });
}

void Domain::add(DomainChannel& channel) {
  node_.worker().call([&] { channels_.push_back(&channel); });
}

// Those that end together go from the youngest on.
void Domain::remove(DomainChannel& channel) {
  node_.worker().call([&] {
    const auto at = std::find(channels_.rbegin(), channels_.rend(), &channel);
    if (at != channels_.rend()) channels_.erase(std::next(at).base());
  });
}

void Domain::remove(DomainPart& part) {
  const auto at = std::find(parts_.rbegin(), parts_.rend(), &part);
  if (at != parts_.rend()) parts_.erase(std::next(at).base());
}

int Domain::initialise(an_DomainInitFunc init, void* arg) {
  if (init == nullptr) return AN_OK;
  RunningScope scope(node_, this, false);
  initialising_ = true;
  const int status = init(handle(), arg);
  initialising_ = false;
  return status;
}

bool Domain::in_transition() const {
  return initialising_ || ending_ || std::any_of(children_.begin(), children_.end(), [](const Domain* child) {
           return child->in_transition();
         });
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

}  // namespace weft
