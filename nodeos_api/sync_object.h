// SPDX-License-Identifier: Apache-2.0
// The mutexes and conditions of the API: each belongs to a domain, and ends with it.
//
// The core outlives the object while somebody is inside it: the control thread may destroy an
// object for a thread whose call it serves while it itself waits there.
//
// Threads: made and destroyed on the control thread; the core is for any.
#pragma once

#include <memory>

#include "nodeos_api/domain.h"
#include "nodeos_api/mutex.h"
#include "nodeos_api/object.h"

namespace weft {

template <typename T, typename Core>
class SyncObject : public Object<T>, public DomainPart {
 public:
  explicit SyncObject(Domain& domain) : domain_(domain) {}

  Domain& domain() const { return domain_; }
  const std::shared_ptr<Core>& core() const { return core_; }
  void destroy() override {
    this->bury();
    core_->close();
    domain_.remove(*this);
    this->free_memory();
  }

 private:
  Domain& domain_;
  std::shared_ptr<Core> core_ = std::make_shared<Core>();
};

class MutexObject final : public SyncObject<MutexObject, Mutex> {
 public:
  using Handle = an_Mutex;
  static constexpr an_Kind kKind = AN_MUTEX;
  static constexpr const char* kDead = "the mutex was destroyed";
  static constexpr const char* kNever = "not a mutex";
  using SyncObject::SyncObject;
};

class ConditionObject final : public SyncObject<ConditionObject, Condition> {
 public:
  using Handle = an_Cond;
  static constexpr an_Kind kKind = AN_COND;
  static constexpr const char* kDead = "the condition was destroyed";
  static constexpr const char* kNever = "not a condition";
  using SyncObject::SyncObject;
};

}  // namespace weft
