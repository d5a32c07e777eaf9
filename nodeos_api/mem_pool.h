// SPDX-License-Identifier: Apache-2.0
// MemPool: joins the memory of domains under one limit.  (Snow on Silk, section 2.1: domain
// to memory pool is many to one.)
//
//   used = pages + the implicit objects and the stacks of its domains, in bytes
//        + slots that packets of its domains fill * Packet::kStride
//
// What a call asks for beyond the limit is refused.  What nobody asked for (packets that
// arrive, a lower limit, a domain that joins) may take it over the limit: then the owner is
// asked to give back, and if it does not in time, the domains of the pool end.
//
// Threads: slots are counted on the worker; bytes and pages from any thread; the rest on
//   the control thread.
// Time: taking slots costs an addition and a comparison; it never locks, but once when the
//   limit is passed.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "base/counter.h"
#include "nodeos_api/domain_part.h"
#include "nodeos_api/object.h"
#include "nodeos_api/page_source.h"
#include "partner/packet.h"
#include "paths/timers.h"

namespace weft {

class Domain;
class HeapObject;

class MemPool final : public Object<MemPool>, public DomainPart, public PageSource, private Timer {
 public:
  using Handle = an_MemPool;
  static constexpr an_Kind kKind = AN_MEMPOOL;
  static constexpr const char* kDead = "the memory pool was destroyed";
  static constexpr const char* kNever = "not a memory pool";

  struct Spec {
    uint64_t limit;
    an_MemOverflowFunc overflow;  // may be null
    void* arg;
    uint64_t grace_ns;
  };

  MemPool(Domain& owner, const Spec& spec)
      : owner_(owner),
        limit_(spec.limit),
        overflow_(spec.overflow),
        arg_(spec.arg),
        grace_ns_(spec.grace_ns) {}

  // --- control -------------------------------------------------------------

  Domain& domain() const { return owner_; }
  void destroy() override;
  void add(Domain& domain);
  void remove(Domain& domain);
  void add(HeapObject& heap) { heaps_.push_back(&heap); }
  void remove(HeapObject& heap) { std::erase(heaps_, &heap); }
  void set_limit(uint64_t limit);
  // Whether check() is wanted.
  bool told() const { return told_.load(std::memory_order_acquire); }
  // Asks for what is over the limit, or ends the domains if that was not given in time.
  // Either may destroy this pool.
  void check();

  // --- any thread ----------------------------------------------------------

  an_MemPoolStats stats() const;
  // Charges `bytes`.  False, with the failure noted, if they are beyond the limit.
  bool charge(size_t bytes);
  void give_back(size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  // Whole pages for the EE.  Null, with the failure noted, if there are none.
  void* alloc_pages(size_t count);
  // Errors: kInvalid (not what alloc_pages() gave).
  Result<void> free_pages(void* pages);

  void* take_pages(size_t bytes) override;
  void return_pages(void* pages, size_t bytes) override;
  uint64_t room() const override {
    const uint64_t used = this->used(), limit = limit_.load(std::memory_order_relaxed);
    return used < limit ? limit - used : 0;
  }

  // --- the worker ----------------------------------------------------------

  void take_slots(uint64_t n) {
    slots_.add(n);
    if (over() > 0) [[unlikely]]
      tell();
  }
  void give_back_slots(uint64_t n) { slots_.set(slots_.value() - n); }
  // Whether a packet of `n` slots may be made.  If not, the failure is noted.
  bool has_room_for(uint64_t slots) const;

 private:
  uint64_t used() const { return bytes_.load(std::memory_order_relaxed) + slots_.value() * Packet::kStride; }
  // Bytes beyond the limit.
  uint64_t over() const {
    const uint64_t used = this->used(), limit = limit_.load(std::memory_order_relaxed);
    return used > limit ? used - limit : 0;
  }
  // Wakes the control thread to check().
  void tell();
  void ask(uint64_t excess);
  void end_domains();
  void fire(uint64_t now_ns) override;

  Domain& owner_;
  std::atomic<uint64_t> limit_;
  const an_MemOverflowFunc overflow_;
  void* const arg_;
  const uint64_t grace_ns_;

  std::atomic<uint64_t> bytes_{0};
  Counter slots_;
  std::atomic<bool> told_{false};
  mutable std::atomic<uint64_t> refused_{0};

  std::vector<Domain*> domains_;
  std::vector<HeapObject*> heaps_;
  bool asked_ = false;
  uint64_t patience_ends_ns_ = 0;     // while asked_
  Counter overflows_, domain_count_;  // control's to write

  mutable std::mutex pages_mutex_;
  std::map<void*, size_t> pages_;        // the EE's, with their bytes
  std::atomic<uint64_t> page_bytes_{0};  // these, and those of heaps
};

// Whether a domain that descends from `under` may be charged to the pool.  If not, the failure
// is noted.
bool may_join(const Domain& under, const MemPool& pool);

}  // namespace weft
