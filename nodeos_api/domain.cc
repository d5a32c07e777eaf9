// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/domain.h"

#include "nodeos_api/channel.h"
#include "nodeos_api/demuxkey.h"
#include "nodeos_api/event.h"
#include "nodeos_api/node.h"
#include "nodeos_api/packet_hold.h"

namespace weft {

namespace {

constexpr uint64_t kLogLinesPerSecond = 20;
constexpr uint64_t kSecond = 1'000'000'000;

spdlog::level::level_enum to_spdlog(an_LogLevel level) {
  switch (level) {
    case AN_LOG_DEBUG:
      return spdlog::level::debug;
    case AN_LOG_INFO:
      return spdlog::level::info;
    case AN_LOG_WARNING:
      return spdlog::level::warn;
    case AN_LOG_ERROR:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

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

bool Domain::descends_from(const Domain& ancestor) const {
  for (const Domain* d = this; d != nullptr; d = d->parent_) {
    if (d == &ancestor) return true;
  }
  return false;
}

void Domain::add(Domain& child) {
  node_.worker().call([&] { children_.push_back(&child); });
}

void Domain::add(Channel& channel) {
  node_.worker().call([&] { channels_.push_back(&channel); });
}

void Domain::remove(Channel& channel) {
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
  while (!keys_.empty()) keys_.back()->destroy();
  bury();
  node_.worker().call([this] { clear_worker(); });
  if (parent_ != nullptr) node_.worker().call([this] { std::erase(parent_->children_, this); });
  if (term_ != nullptr) {
    Domain* const hears = parent_ != nullptr && parent_->parent_ != nullptr ? parent_ : nullptr;
    RunningScope scope(node_, hears, false);
    term_(handle(), reason, term_arg_);
  }
  free_memory();
}

void Domain::clear_worker() {
  while (!events_.empty()) events_.back()->destroy();
  for (Pool* pool : node_.pools()) take_back(*pool, *this);
}

void Domain::log(an_LogLevel level, const char* text) {
  const uint64_t second = node_.clock().now_ns() / kSecond;
  if (log_second_.exchange(second, std::memory_order_relaxed) != second) {
    log_lines_.store(0, std::memory_order_relaxed);
  }
  if (log_lines_.fetch_add(1, std::memory_order_relaxed) >= kLogLinesPerSecond) {
    log_lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const uint64_t lost = log_lost_.exchange(0, std::memory_order_relaxed);
  if (lost > 0) node_.log().warn("domain {}: {} lines were too many, and are lost", index(), lost);
  node_.log().log(to_spdlog(level), "domain {}: {}", index(), text);
}

}  // namespace weft
