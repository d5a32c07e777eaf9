// SPDX-License-Identifier: Apache-2.0
// The calls on memory pools, at the C border.
#include "nodeos_api/hand_over.h"
#include "nodeos_api/mem_pool.h"
#include "nodeos_api/node.h"
#include "nodeos_api/sized.h"

namespace weft {

namespace {

MemPool* find_on_control(an_MemPool handle) {
  MemPool* pool = find<MemPool>(handle);
  return pool != nullptr && pool->domain().node().allows_control() ? pool : nullptr;
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

an_MemPool an_mempoolCreate(void* mem, an_Domain d, uint64_t limit, an_MemOverflowFunc overflow, void* arg,
                            uint64_t grace_ns) {
  if (on_own_thread()) {
    return handed_over([&] { return an_mempoolCreate(mem, d, limit, overflow, arg, grace_ns); });
  }
  Domain* owner = find_open(d);
  if (owner == nullptr || !owner->node().allows_control()) return nullptr;
  if (limit == 0) {
    fail(AN_EINVAL, "a memory pool without memory");
    return nullptr;
  }
  MemPool* pool = MemPool::make(mem, *owner, MemPool::Spec{limit, overflow, arg, grace_ns});
  if (pool == nullptr) return nullptr;
  owner->add(*pool);
  owner->node().add(*pool);
  return pool->handle();
}

int an_mempoolDestroy(an_MemPool p) {
  if (on_own_thread()) return handed_over([&] { return an_mempoolDestroy(p); });
  MemPool* pool = find_on_control(p);
  if (pool == nullptr) return an_errno();
  pool->destroy();
  return AN_OK;
}

int an_mempoolAddDomain(an_MemPool p, an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_mempoolAddDomain(p, d); });
  MemPool* pool = find_on_control(p);
  Domain* domain = pool != nullptr ? find_open(d) : nullptr;
  if (domain == nullptr || !may_join(*domain, *pool)) return an_errno();
  if (domain->parent() == nullptr) return fail(AN_EPERM, "the root domain has the node's memory");
  if (domain->memory() != nullptr) return fail(AN_EEXIST, "the domain has a memory pool already");
  pool->add(*domain);
  return AN_OK;
}

int an_mempoolRemoveDomain(an_MemPool p, an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_mempoolRemoveDomain(p, d); });
  MemPool* pool = find_on_control(p);
  Domain* domain = pool != nullptr ? find_open(d) : nullptr;
  if (domain == nullptr) return an_errno();
  if (domain->memory() != pool) return fail(AN_ENOENT, "the domain is not one of the memory pool's");
  pool->remove(*domain);
  return AN_OK;
}

int an_mempoolSetLimit(an_MemPool p, uint64_t limit) {
  if (on_own_thread()) return handed_over([&] { return an_mempoolSetLimit(p, limit); });
  MemPool* pool = find_on_control(p);
  if (pool == nullptr) return an_errno();
  if (limit == 0) return fail(AN_EINVAL, "a memory pool without memory");
  pool->set_limit(limit);
  return AN_OK;
}

an_MemPool an_domainGetMemPool(an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_domainGetMemPool(d); });
  Domain* domain = find<Domain>(d);
  if (domain == nullptr) return nullptr;
  MemPool* pool = domain->node().carry([&] { return domain->memory(); });
  if (pool != nullptr) return pool->handle();
  fail(AN_ENOENT, "the domain has the node's memory, no pool's");
  return nullptr;
}

// What follows runs on the caller's own thread.

int an_mempoolGetStats(an_MemPool p, an_MemPoolStats* stats) {
  const Pinned<MemPool> pool(p);
  return pool && is_known_thread() ? fill_sized(stats, pool->stats()) : an_errno();
}

void* an_mempoolAllocPages(an_MemPool p, size_t count) {
  const Pinned<MemPool> pool(p);
  if (!pool || !is_known_thread()) return nullptr;
  if (count == 0 || count > (size_t{1} << 40) / kPageSize) {
    fail(AN_EINVAL, "a number of pages of 1 up to 1 TiB");
    return nullptr;
  }
  return pool->alloc_pages(count);
}

int an_mempoolFreePages(an_MemPool p, void* pages) {
  const Pinned<MemPool> pool(p);
  if (!pool || !is_known_thread()) return an_errno();
  const auto freed = pool->free_pages(pages);
  return freed ? AN_OK : fail(freed.error());
}

}  // extern "C"
