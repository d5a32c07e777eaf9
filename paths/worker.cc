// SPDX-License-Identifier: Apache-2.0
#include "paths/worker.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "paths/round_clock.h"

namespace weft {

namespace {

constexpr uint64_t kAskEvery = 1'000'000;  // ns; a joint without a descriptor is asked this often
constexpr int kPolls = 8;                  // of a joint that gives whole Pvecs, in one round
constexpr uint64_t kRetryEvery = 100'000;  // ns; a device that refused is tried again this often

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

Worker::Worker(WorkerOptions options, Clock& clock, std::unique_ptr<Policy> policy)
    : options_(options),
      clock_(clock),
      policy_(std::move(policy)),
      linger_(options.linger_ns),
      now_ns_(clock.now_ns()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch(epoll_.get(), wake_.get());
}

Worker::~Worker() { stop(); }

// --- control thread ----------------------------------------------------------

void Worker::start() {
  stopping_.store(false, std::memory_order_relaxed);
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "weft-worker");
  if (options_.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(size_t(options_.cpu), &cpus);
    ::pthread_setaffinity_np(thread_.native_handle(), sizeof cpus, &cpus);
  }
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
  id_.store({}, std::memory_order_relaxed);
  do_posted();
}

void Worker::post(std::function<void()> work) {
  if (on_this_thread() || !thread_.joinable()) {
    work();
    return;
  }
  while (!posted_.try_push(std::move(work))) std::this_thread::yield();
  // Both this and sleep_until() exchange, so one of them is second: we see it sleep, or it
  // sees the work.
  if (sleeping_.exchange(false, std::memory_order_acq_rel)) ::eventfd_write(wake_.get(), 1);
}

void Worker::call(const std::function<void()>& work) {
  if (on_this_thread() || !thread_.joinable()) {
    work();
    return;
  }
  const uint32_t before = calls_done_.load(std::memory_order_relaxed);
  post([&] {
    work();
    calls_done_.store(before + 1, std::memory_order_release);
    calls_done_.notify_one();
  });
  calls_done_.wait(before, std::memory_order_acquire);
}

// --- worker ------------------------------------------------------------------

// The clock is read again after each round that did something; but not between the round in which
// something came to an idle worker and the next one, which may be what it waits for.
void Worker::run() {
  id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  RoundClock time(clock_);
  uint64_t idle_since = 0;
  bool idle = false, just_came = false;
  while (!stopping_.load(std::memory_order_acquire)) {
    eventful_ = false;
    if (round_at(time.now_ns()) > 0) {
      just_came = idle && !eventful_;
      idle = false;
      if (!just_came) time.read();
      continue;
    }
    just_came || eventful_ ? time.read() : time.idle_round();
    just_came = false;
    if (!idle) idle_since = time.now_ns();
    idle = true;
    if (options_.busy) continue;
    idle_rounds_.add(1);
    if (ready_ > 0 || time.now_ns() - idle_since < linger_.ns()) continue;
    const uint64_t before = clock_.now_ns();
    sleep_until(may_sleep_until(before));
    time.read();
    linger_.slept(time.now_ns() - before);
    idle = false;
  }
}

size_t Worker::round() { return round_at(clock_.now_ns()); }

size_t Worker::round_at(uint64_t now) {
  rounds_.add(1);
  now_ns_.store(now, std::memory_order_relaxed);
  if (!posted_.empty()) do_posted();
  if (timers_.next_ns() <= now) {
    eventful_ = true;
    timers_.fire_due(now);
  }
  laden_ = false;
  size_t moved = ready_ > 0 ? run_paths(now) : 0;
  for (const Joint& joint : joints_) {
    poll(joint);
    if (!polled_.empty()) moved += serve(joint, now);
  }
  if (!backlog_.empty()) flush_backlog();
  waiting_for_device_ = !backlog_.empty();
  for (RoundEnd* hook : round_ends_) waiting_for_device_ |= hook->end_of_round(now);
  return moved;
}

void Worker::do_posted() {
  std::function<void()> work;
  while (posted_.try_pop(work)) {
    eventful_ = true;
    work();
  }
}

// Passes on what was polled, and polls again while whole Pvecs come.  Paths run behind the last
// of them, or when one could not take another Pvec.
size_t Worker::serve(const Joint& joint, uint64_t now_ns) {
  size_t moved = 0;
  for (int polls = 1;; ++polls) {
    const size_t polled = pass_on(joint);
    moved += polled;
    const bool more = polled == Pvec::kCapacity && polls < kPolls;
    if (laden_ || !more) moved += run_paths(now_ns);
    if (!more) return moved;
    poll(joint);
  }
}

// Returns how many.
inline size_t Worker::pass_on(const Joint& joint) {
  const size_t polled = polled_.size();
  if (polled == 0) return 0;
  joint.to->push(joint.to_end, polled_);
  if (!polled_.empty()) drop(polled_, DropReason::kPartnerRefused, drops_);
  return polled;
}

size_t Worker::run_paths(uint64_t now_ns) {
  laden_ = false;
  size_t taken = 0;
  for (uint32_t runs = 0; ready_ > 0 && runs < options_.budget; ++runs) {
    Path* path = policy_->pick(now_ns);
    if (path == nullptr) break;
    --ready_;
    taken += path->run();
    if (path->runnable()) ready(*path);
  }
  return taken;
}

// What becomes backlogged meanwhile waits for the next round: two paths that feed each other
// do not keep the worker here.
void Worker::flush_backlog() {
  Backlog waiting;
  waiting.swap(backlog_);
  while (!waiting.empty()) {
    Path& path = waiting.front();
    waiting.pop_front();
    if (!path.flush()) backlogged(path);
  }
}

uint64_t Worker::may_sleep_until(uint64_t now_ns) const {
  uint64_t until = timers_.next_ns();
  if (must_ask_) until = std::min(until, now_ns + kAskEvery);
  if (waiting_for_device_) until = std::min(until, now_ns + kRetryEvery);
  return until;
}

void Worker::sleep_until(uint64_t until_ns) {
  sleeping_.exchange(true, std::memory_order_acq_rel);
  if (sleepers_sleep() && posted_.empty() && !stopping_.load(std::memory_order_relaxed)) {
    sleeps_.add(1);
    const uint64_t now = clock_.now_ns();
    const uint64_t wait = until_ns > now ? until_ns - now : 0;
    const timespec timeout{time_t(wait / 1'000'000'000), long(wait % 1'000'000'000)};
    epoll_event events[16];
    const int n =
        ::epoll_pwait2(epoll_.get(), events, 16, until_ns == UINT64_MAX ? nullptr : &timeout, nullptr);
    for (int i = 0; i < n; ++i) {
      if (events[i].data.fd != wake_.get()) continue;
      eventfd_t ignored;
      ::eventfd_read(wake_.get(), &ignored);
    }
  }
  sleeping_.store(false, std::memory_order_relaxed);
  wake_sleepers();
}

// False when one of them has something.
bool Worker::sleepers_sleep() {
  return std::all_of(joints_.begin(), joints_.end(),
                     [](const Joint& j) { return j.sleeper == nullptr || j.sleeper->falls_asleep(); });
}

void Worker::wake_sleepers() {
  for (const Joint& joint : joints_) {
    if (joint.sleeper != nullptr) joint.sleeper->wakes();
  }
}

uint32_t Worker::add_joint(const JointSpec& spec) {
  joints_.push_back({spec, next_joint_});
  if (spec.poll_fd >= 0) {
    watch(epoll_.get(), spec.poll_fd);
  } else {
    must_ask_ = true;
  }
  return next_joint_++;
}

void Worker::remove_joint(uint32_t id) {
  auto it = std::find_if(joints_.begin(), joints_.end(), [id](const Joint& j) { return j.id == id; });
  if (it == joints_.end()) return;
  if (it->poll_fd >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, it->poll_fd, nullptr);
  joints_.erase(it);
  must_ask_ = std::any_of(joints_.begin(), joints_.end(), [](const Joint& j) { return j.poll_fd < 0; });
}

void Worker::add(Path& path) {
  path.set_host(this);
  if (path.runnable()) ready(path);
  if (path.backlogged()) backlogged(path);
}

void Worker::remove(Path& path) {
  path.set_host(nullptr);
  if (path.run_hook.is_linked()) --ready_;
  policy_->remove(path);
  if (path.backlog_hook.is_linked()) backlog_.erase(backlog_.iterator_to(path));
}

void Worker::remove_round_end(RoundEnd* hook) { std::erase(round_ends_, hook); }

// A path that runs may find more for itself; it is made ready after its run.
void Worker::ready(Path& path) {
  if (path.run_hook.is_linked()) return;
  policy_->ready(path);
  ++ready_;
}

void Worker::backlogged(Path& path) {
  if (!path.backlog_hook.is_linked()) backlog_.push_back(path);
}

}  // namespace weft
