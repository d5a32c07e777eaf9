// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/event.h"

#include "nodeos_api/hand_over.h"
#include "nodeos_api/worker_run.h"

namespace weft {

namespace {

// Saturates: an event in 500 years is one that never happens.
uint64_t after(uint64_t now_ns, uint64_t delay_ns) {
  return delay_ns < UINT64_MAX - 1 - now_ns ? now_ns + delay_ns : UINT64_MAX - 1;
}

}  // namespace

void Event::schedule() {
  place_ = domain_.events().size();
  domain_.events().push_back(this);
  Worker& worker = domain_.node().worker();
  worker.timers().arm(*this, after(domain_.node().clock().now_ns(), spec_.delay_ns));
}

void Event::resume() {
  if (!overdue_) return;
  overdue_ = false;
  Worker& worker = domain_.node().worker();
  worker.timers().arm(*this, worker.now_ns());
}

void Event::destroy() {
  bury();
  domain_.node().worker().timers().cancel(*this);
  std::vector<Event*>& all = domain_.events();
  all.back()->place_ = place_;
  all[place_] = all.back();
  all.pop_back();
  free_memory();
}

// The function may cancel the event, so nothing of it is touched after the call.
void Event::fire(uint64_t now_ns) {
  if (domain_.pauses()) {
    overdue_ = true;
    return;
  }
  Domain& domain = domain_;
  const Spec spec = spec_;
  if (spec.period_ns > 0) {
    domain.node().worker().timers().arm(*this, after(now_ns, spec.period_ns));
  } else {
    destroy();
  }
  if (domain.condemned()) return;
  const WorkerRun run(domain);
  const uint64_t start = cycles();
  spec.function(spec.arg);
  domain.account().charge_cycles(cycles() - start);
}

}  // namespace weft

using namespace weft;

extern "C" an_Event an_eventSchedule(void* mem, an_Domain d, uint64_t delay_ns, uint64_t period_ns,
                                     an_EventFunc f, void* arg) {
  if (on_own_thread())
    return handed_over([&] { return an_eventSchedule(mem, d, delay_ns, period_ns, f, arg); });
  Domain* domain = find_open(d);
  if (domain == nullptr) return nullptr;
  if (f == nullptr) {
    fail(AN_EINVAL, "an event needs a function");
    return nullptr;
  }
  return domain->node().carry([&]() -> an_Event {
    Event* event = Event::make(mem, *domain, Event::Spec{delay_ns, period_ns, f, arg});
    if (event == nullptr) return nullptr;
    event->schedule();
    return event->handle();
  });
}

// A one-shot may happen while the control thread waits for its turn, so it is looked
// up again there.
extern "C" int an_eventCancel(an_Event e) {
  if (on_own_thread()) return handed_over([&] { return an_eventCancel(e); });
  Event* event = find<Event>(e);
  if (event == nullptr) return an_errno();
  return event->domain().node().carry([e]() -> int {
    Event* still = find<Event>(e);
    if (still == nullptr) return an_errno();
    still->destroy();
    return AN_OK;
  });
}
