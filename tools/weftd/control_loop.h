// SPDX-License-Identifier: Apache-2.0
// ControlLoop: the control thread's one wait for everything.
//
// Threads: the control thread.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "base/result.h"

namespace weft {

class ControlLoop {
 public:
  explicit ControlLoop(Clock& clock) : clock_(clock) {}

  // Errors: kIo (no epoll to be had).
  Result<void> open();

  // Calls `ready` with the events whenever `fd` is ready for `events` (EPOLLIN, ...).
  void watch(int fd, uint32_t events, std::function<void(uint32_t events)> ready);
  void change(int fd, uint32_t events);
  void forget(int fd);

  // Calls `tick` every `period_ns` until forget_tick().  Returns its name.
  uint32_t every(uint64_t period_ns, std::function<void()> tick);
  void forget_tick(uint32_t name);

  // Calls `call` when the time that `due_ns` tells has come; it is asked each turn.
  // UINT64_MAX: not now.  Returns its name, for forget_due().
  uint32_t when_due(std::function<uint64_t()> due_ns, std::function<void()> call);
  void forget_due(uint32_t name);

  // Waits once, at most until the next tick, and calls what is ready.
  void turn();
  // Turns until stop().
  void run();
  void stop() { running_ = false; }

 private:
  struct Tick {
    uint64_t period_ns, due_ns;
    std::function<void()> call;
  };

  struct Due {
    std::function<uint64_t()> due_ns;
    std::function<void()> call;
  };

  int timeout_ms() const;
  void run_ticks();

  Clock& clock_;
  OwnedFd epoll_;
  bool running_ = true;
  uint32_t next_name_ = 0;
  // Shared: a callback may forget itself, or another that is ready too.
  std::map<int, std::shared_ptr<std::function<void(uint32_t)>>> watched_;
  std::map<uint32_t, std::shared_ptr<Tick>> ticks_;
  std::map<uint32_t, std::shared_ptr<Due>> dues_;
};

}  // namespace weft
