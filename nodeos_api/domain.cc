// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/domain.h"

#include "nodeos_api/event.h"
#include "nodeos_api/file.h"
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
    let_go(*p);
    domain.ledger().held.set(domain.ledger().held.value() - 1);
    drop(PacketPtr(p), DropReason::kPathClosed, domain.ledger().drops);
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
    : node_(node), parent_(parent), files_{parent != nullptr ? parent->files_.space : node.files(), {}, {}} {}

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
  } else if (initialising_) {
    fail(AN_EINVAL, "the domain is still in its init function: return a status instead");
  } else {
    return true;
  }
  return false;
}

void Domain::add(Domain& child) {
  node_.worker().call([&] { children_.push_back(&child); });
}

void Domain::add(DomainChannel& channel) {
  node_.worker().call([&] { channels_.push_back(&channel); });
}

void Domain::remove(DomainChannel& channel) {
  node_.worker().call([&] { std::erase(channels_, &channel); });
}

int Domain::initialise(an_DomainInitFunc init, void* arg) {
  if (init == nullptr) return AN_OK;
  RunningScope scope(node_, this, false);
  initialising_ = true;
  const int status = init(handle(), arg);
  initialising_ = false;
  return status;
}

void Domain::end(an_TermReason reason) {
  ending_ = true;
  while (!children_.empty()) children_.back()->end(reason == AN_TERM_NODE ? AN_TERM_NODE : AN_TERM_ANCESTOR);
  while (!channels_.empty()) channels_.back()->destroy();
  while (!parts_.empty()) parts_.back()->destroy();
  close_files(*this);
  bury();
  node_.worker().call([this] { clear_worker(); });
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
    fire(node_.worker().now_ns());
  }
}

void Domain::fire(uint64_t) {
  for (DomainChannel* channel : channels_) channel->suspension_changed();
  if (suspended_) return;
  for (Event* event : events_) event->resume();
}

void Domain::clear_worker() {
  node_.worker().timers().cancel(*this);
  while (!events_.empty()) events_.back()->destroy();
  for (Pool* pool : node_.pools()) take_back(*pool, *this);
}

}  // namespace weft

using namespace weft;

extern "C" {

an_Domain an_domainSelf(void) { return running.domain != nullptr ? running.domain->handle() : nullptr; }

an_Domain an_domainParent(an_Domain d) {
  Domain* domain = find<Domain>(d);
  if (domain == nullptr) return nullptr;
  if (domain->parent() != nullptr) return domain->parent()->handle();
  fail(AN_ENOENT, "a root domain has no parent");
  return nullptr;
}

}  // extern "C"
