// SPDX-License-Identifier: Apache-2.0
// Event: a function of an EE that the worker calls when its time has come.
//
// Threads: the worker; scheduled from the control thread while the worker stands
//   between rounds.
#pragma once

#include "nodeos_api/domain.h"
#include "nodeos_api/kinds.h"
#include "nodeos_api/object.h"
#include "paths/timers.h"

namespace weft {

class Event final : public Object<Event>, public EventKind, private Timer {
 public:
  struct Spec {
    uint64_t delay_ns;
    uint64_t period_ns;  // 0: once
    an_EventFunc function;
    void* arg;
  };

  Event(Domain& domain, const Spec& spec) : domain_(domain), spec_(spec) {}

  Domain& domain() const { return domain_; }
  void schedule();
  void destroy();
  // Its domain runs again: what fell due meanwhile happens.
  void resume();

 private:
  void fire(uint64_t now_ns) override;

  Domain& domain_;
  Spec spec_;
  bool overdue_ = false;
  size_t place_ = 0;  // in the domain's events
};

}  // namespace weft
