// SPDX-License-Identifier: Apache-2.0
#include "partner/alarm.h"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

namespace weft {

Result<void> Alarm::open(std::string_view whose) {
  fd_ = OwnedFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  due_ns_ = kNever;
  if (!fd_) return system_error(std::string(whose), errno);
  return {};
}

void Alarm::set(uint64_t due_ns) {
  if (due_ns == due_ns_) return;
  due_ns_ = due_ns;
  itimerspec when{};  // all zero: never
  if (due_ns != kNever) {
    when.it_value = {time_t(due_ns / 1'000'000'000), long(std::max<uint64_t>(due_ns % 1'000'000'000, 1))};
  }
  ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace weft
