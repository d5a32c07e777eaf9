// SPDX-License-Identifier: Apache-2.0
// How domains end: those below with it, thousands maybe, so the worker is waited for a few times
// for all together, and never stands for long.
#include <algorithm>
#include <unordered_map>

#include "nodeos_api/event.h"
#include "nodeos_api/node.h"
#include "nodeos_api/packet_hold.h"

namespace weft {

namespace {

// What the worker does for it at a time: about a millisecond.
constexpr unsigned kAtOnce = 4096;
constexpr unsigned kDomain = 1, kChannel = 8;  // in these parts

using Domains = std::vector<Domain*>;

// It and its descendants: children before parents, the youngest first.
Domains in_order_of_end(Domain& top) {
  Domains all, open{&top};
  while (!open.empty()) {  // parents first, the oldest first: the reverse
    all.push_back(open.back());
    open.pop_back();
    const auto& children = all.back()->children();
    open.insert(open.end(), children.rbegin(), children.rend());
  }
  std::reverse(all.begin(), all.end());
  return all;
}

// Calls work(domain) on the worker for each; it returns how much it did, and whether that is all.
struct Done {
  unsigned work;
  bool all;
};
template <typename Work>
void in_turns(Worker& worker, const Domains& all, Work work) {
  for (auto at = all.begin(); at != all.end();) {
    worker.call([&] {
      for (unsigned done = 0; done < kAtOnce && at != all.end();) {
        const Done step = work(**at);
        done += step.work;
        if (step.all) ++at;
      }
    });
  }
}

Done close_a_channel(Domain& domain) {
  if (domain.channels().empty()) return {kDomain, true};
  domain.channels().back()->destroy();
  return {kChannel, false};
}

// Every packet of the pools that one of them holds is dropped.
void take_back(const std::vector<Pool*>& pools, const Domains& all) {
  std::unordered_map<uint32_t, Domain*> holders;
  uint64_t held = 0;
  for (Domain* domain : all) {
    const uint64_t its = domain->ledger().held.value();
    held += its;
    if (its > 0) holders.emplace(domain->index(), domain);
  }
  for (const Pool* pool : pools) {
    uint8_t* const slots = pool->memory().data() + 64;
    for (size_t i = 0; i < pool->capacity() && held > 0; ++i) {
      auto* p = reinterpret_cast<Packet*>(slots + i * Packet::kStride);
      if ((p->flags & Packet::kHeld) == 0) continue;
      const auto holder = holders.find(p->next_hop);
      if (holder == holders.end()) continue;
      Domain& domain = *holder->second;
      domain.give_back_slots(p->segs);
      unmark(*p);
      domain.ledger().held.set(domain.ledger().held.value() - 1);
      drop(PacketPtr(p), DropReason::kPathClosed, domain.ledger().drops);
      --held;
    }
  }
}

}  // namespace

// Nothing of them runs any more when the first termination function is called.  What a parent has
// besides (its memory pools, its handle) stays until those of its children have returned.
void Domain::end(an_TermReason reason) {
  if (ending_) return;
  const Domains all = in_order_of_end(*this);
  Worker& worker = node_.worker();
  worker.call([&] {
    for (Domain* domain : all) domain->ending_ = true;
  });
  end_threads(all);
  in_turns(worker, all, close_a_channel);
  worker.call([&] { take_back(node_.pools(), all); });
  in_turns(worker, all, [](Domain& domain) { return Done{domain.clear_worker() + kDomain, true}; });
  const an_TermReason of_descendants = reason == AN_TERM_NODE ? AN_TERM_NODE : AN_TERM_ANCESTOR;
  for (Domain* domain : all) {
    if (domain != this) domain->finish(of_descendants);
  }
  if (parent_ != nullptr) worker.call([this] { parent_->forget(*this); });
  finish(reason);
}

// They are told at the same time, and waited for together.
void Domain::end_threads(const Domains& all) {
  for (Domain* domain : all) domain->threads_.end();
  const auto until = ThreadPool::patience_ends();
  for (Domain* domain : all) {
    if (domain->threads_.wait(until) == 0) continue;
    an_log(domain->handle(), AN_LOG_WARNING,
           "a thread did not return although the domain ends: it goes on without");
  }
}

unsigned Domain::clear_worker() {
  const auto events = unsigned(events_.size());
  node_.worker().timers().cancel(*this);
  while (!events_.empty()) events_.back()->destroy();
  children_.clear();
  return events;
}

void Domain::forget(Domain& child) {
  const auto at = std::find(children_.rbegin(), children_.rend(), &child);
  if (at != children_.rend()) children_.erase(std::next(at).base());
}

// The termination function may end the domain that hears it, with those above it.
void Domain::finish(an_TermReason reason) {
  while (!parts_.empty()) parts_.back()->destroy();
  bury();
  if (memory_ != nullptr) memory_->remove(*this);
  if (term_ != nullptr) {
    Domain* const hears = parent_ != nullptr && parent_->parent_ != nullptr ? parent_ : nullptr;
    const auto its_handle = hears != nullptr ? reinterpret_cast<uint64_t>(hears->handle()) : 0;
    {
      RunningScope scope(node_, hears, false);
      term_(handle(), reason, term_arg_);
    }
    if (hears != nullptr && handles().find(its_handle, AN_DOMAIN).object == nullptr) forget_running(hears);
  }
  if (quota_ != nullptr) quota_->release_domain();
  forget_running(this);
  free_memory();
}

}  // namespace weft
