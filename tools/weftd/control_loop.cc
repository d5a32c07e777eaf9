// SPDX-License-Identifier: Apache-2.0
#include "tools/weftd/control_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <vector>

namespace weft {

Result<void> ControlLoop::open() {
  epoll_ = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return system_error("epoll_create1", errno);
  return {};
}

void ControlLoop::watch(int fd, uint32_t events, std::function<void(uint32_t)> ready) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  watched_[fd] = std::make_shared<std::function<void(uint32_t)>>(std::move(ready));
}

void ControlLoop::change(int fd, uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void ControlLoop::forget(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watched_.erase(fd);
}

uint32_t ControlLoop::every(uint64_t period_ns, std::function<void()> tick) {
  ticks_[next_name_] = std::make_shared<Tick>(Tick{period_ns, clock_.now_ns() + period_ns, std::move(tick)});
  return next_name_++;
}

uint32_t ControlLoop::when_due(std::function<uint64_t()> due_ns, std::function<void()> call) {
  dues_[next_name_] = std::make_shared<Due>(Due{std::move(due_ns), std::move(call)});
  return next_name_++;
}

void ControlLoop::forget_due(uint32_t name) { dues_.erase(name); }

void ControlLoop::forget_tick(uint32_t name) { ticks_.erase(name); }

int ControlLoop::timeout_ms() const {
  uint64_t due = UINT64_MAX;
  for (const auto& [name, each] : dues_) due = std::min(due, each->due_ns());
  for (const auto& [name, tick] : ticks_) due = std::min(due, tick->due_ns);
  if (due == UINT64_MAX) return -1;
  const uint64_t now = clock_.now_ns();
  return due <= now ? 0 : int(std::min<uint64_t>((due - now + 999'999) / 1'000'000, INT_MAX));
}

void ControlLoop::run_ticks() {
  const uint64_t now = clock_.now_ns();
  std::vector<std::shared_ptr<Tick>> due;
  for (const auto& [name, tick] : ticks_) {
    if (tick->due_ns <= now) due.push_back(tick);
  }
  std::vector<std::shared_ptr<Due>> calls;
  for (const auto& [name, each] : dues_) {
    if (each->due_ns() <= now) calls.push_back(each);
  }
  for (const auto& each : calls) each->call();
  for (const auto& tick : due) {
    tick->due_ns = now + tick->period_ns;
    tick->call();
  }
}

void ControlLoop::turn() {
  std::array<epoll_event, 32> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), int(events.size()), timeout_ms());
  for (int i = 0; i < n; ++i) {
    const auto found = watched_.find(events[size_t(i)].data.fd);
    if (found == watched_.end()) continue;
    const auto call = found->second;
    (*call)(events[size_t(i)].events);
  }
  run_ticks();
}

void ControlLoop::run() {
  while (running_) turn();
}

}  // namespace weft
