// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/mem_pool.h"

#include <sys/mman.h>

#include <algorithm>

#include "nodeos_api/heap_object.h"
#include "nodeos_api/node.h"

namespace weft {

namespace {

constexpr const char* kBeyond = "beyond the limit of the memory pool";

// Saturates: a grace of 500 years never ends.
uint64_t after(uint64_t now_ns, uint64_t grace_ns) {
  return grace_ns < UINT64_MAX - 1 - now_ns ? now_ns + grace_ns : UINT64_MAX - 1;
}

}  // namespace

bool may_join(const Domain& under, const MemPool& pool) {
  if (&under.node() != &pool.domain().node()) {
    fail(AN_EINVAL, "the memory pool is of another node");
    return false;
  }
  if (under.descends_from(pool.domain())) return true;
  fail(AN_EPERM, "a domain joins a memory pool of its own, or of an ancestor's");
  return false;
}

// --- control -----------------------------------------------------------------

void MemPool::destroy() {
  bury();
  while (!heaps_.empty()) heaps_.back()->destroy();
  while (!domains_.empty()) remove(*domains_.back());
  Node& node = owner_.node();
  node.remove(*this);
  node.worker().call([this, &node] { node.worker().timers().cancel(*this); });
  for (const auto& [pages, bytes] : pages_) ::munmap(pages, bytes);
  owner_.remove(*this);
  free_memory();
}

void MemPool::add(Domain& domain) {
  domains_.push_back(&domain);
  domain_count_.set(domains_.size());
  bytes_.fetch_add(domain.charged_bytes(), std::memory_order_relaxed);
  owner_.node().worker().call([&] {
    domain.set_memory(this);
    take_slots(domain.ledger().slots.value());
  });
}

// The worker has no more to do with one that is ending.
void MemPool::remove(Domain& domain) {
  const auto at = std::find(domains_.rbegin(), domains_.rend(), &domain);
  if (at != domains_.rend()) domains_.erase(std::next(at).base());
  domain_count_.set(domains_.size());
  const auto leave = [&] {
    domain.set_memory(nullptr);
    give_back_slots(domain.ledger().slots.value());
  };
  if (domain.ending()) {
    leave();
  } else {
    owner_.node().worker().call(leave);
  }
  give_back(domain.charged_bytes());
}

void MemPool::set_limit(uint64_t limit) {
  limit_.store(limit, std::memory_order_relaxed);
  if (over() > 0) tell();
}

void MemPool::check() {
  told_.store(false, std::memory_order_relaxed);
  const uint64_t excess = over();
  if (excess == 0) {
    asked_ = false;
  } else if (!asked_) {
    ask(excess);
  } else if (owner_.node().clock().now_ns() >= patience_ends_ns_) {
    end_domains();
  }
}

// The function may destroy this pool: nothing of it is touched after the call.
void MemPool::ask(uint64_t excess) {
  asked_ = true;
  overflows_.add(1);
  Node& node = owner_.node();
  patience_ends_ns_ = after(node.clock().now_ns(), grace_ns_);
  node.worker().call([this, &node] { node.worker().timers().arm(*this, patience_ends_ns_); });
  if (overflow_ == nullptr) return;
  RunningScope scope(node, &owner_, false);
  overflow_(handle(), excess, arg_);
}

// A domain may be another's ancestor, or the owner, with which this pool goes.
void MemPool::end_domains() {
  asked_ = false;
  std::vector<an_Domain> members;
  for (const Domain* domain : domains_) members.push_back(domain->handle());
  Node& node = owner_.node();
  an_log(owner_.handle(), AN_LOG_WARNING,
         "its memory pool is over the limit, and nothing was given back: its domains end");
  for (an_Domain member : members) {
    if (Domain* domain = alive(member)) node.end(*domain, AN_TERM_VIOLATION);
  }
}

void MemPool::fire(uint64_t) { tell(); }

// --- any thread --------------------------------------------------------------

void MemPool::tell() {
  if (told_.load(std::memory_order_relaxed) || told_.exchange(true, std::memory_order_acq_rel)) return;
  owner_.node().wake();
}

an_MemPoolStats MemPool::stats() const {
  an_MemPoolStats s{};
  s.limit = limit_.load(std::memory_order_relaxed);
  s.pages = page_bytes_.load(std::memory_order_relaxed);
  s.objects = bytes_.load(std::memory_order_relaxed) - s.pages;
  s.packets = slots_.value() * Packet::kStride;
  s.used = s.pages + s.objects + s.packets;
  s.refused = refused_.load(std::memory_order_relaxed);
  s.domains = domain_count_.value();
  s.overflows = overflows_.value();
  return s;
}

bool MemPool::charge(size_t bytes) {
  const uint64_t limit = limit_.load(std::memory_order_relaxed);
  if (bytes <= limit) {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (used() <= limit) return true;
    give_back(bytes);
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  fail(AN_ELIMIT, kBeyond);
  return false;
}

bool MemPool::has_room_for(uint64_t slots) const {
  if (used() + slots * Packet::kStride <= limit_.load(std::memory_order_relaxed)) return true;
  refused_.fetch_add(1, std::memory_order_relaxed);
  fail(AN_ELIMIT, kBeyond);
  return false;
}

void* MemPool::take_pages(size_t bytes) {
  if (!charge(bytes)) return nullptr;
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    give_back(bytes);
    fail(AN_ENOMEM, "the system has no more memory");
    return nullptr;
  }
  page_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return pages;
}

void MemPool::return_pages(void* pages, size_t bytes) {
  ::munmap(pages, bytes);
  page_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  give_back(bytes);
}

void* MemPool::alloc_pages(size_t count) {
  void* pages = take_pages(count * kPageSize);
  if (pages == nullptr) return nullptr;
  std::lock_guard lock(pages_mutex_);
  pages_.emplace(pages, count * kPageSize);
  return pages;
}

Result<void> MemPool::free_pages(void* pages) {
  size_t bytes;
  {
    std::lock_guard lock(pages_mutex_);
    const auto found = pages_.find(pages);
    if (found == pages_.end()) return Error{Code::kInvalid, "not pages that this memory pool gave"};
    bytes = found->second;
    pages_.erase(found);
  }
  return_pages(pages, bytes);
  return {};
}

}  // namespace weft
