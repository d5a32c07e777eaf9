// SPDX-License-Identifier: Apache-2.0
// DomainMeans: the thread pool and the memory pool that a domain is created with.
//
// Threads: the control thread.
#pragma once

#include "nodeos_api/domain.h"

namespace weft {

class DomainMeans {
 public:
  // Whether a child of `above` may have them.  If not, the failure is noted.
  bool accept(const Domain& above, an_ThreadPoolSpec threads, an_MemPool mempool) {
    auto spec = ThreadPool::accept(threads);
    if (!spec) {
      fail(spec.error());
      return false;
    }
    spec_ = *spec;
    if (mempool == nullptr) return true;
    pool_ = find<MemPool>(mempool);
    return pool_ != nullptr && may_join(above, *pool_);
  }
  // REQUIRES: accept()ed
  void give(Domain& domain) const {
    domain.threads().set_spec(spec_);
    if (pool_ != nullptr) pool_->add(domain);
  }

 private:
  an_ThreadPoolSpecData spec_{};
  MemPool* pool_ = nullptr;
};

}  // namespace weft
