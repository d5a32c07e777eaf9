// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/thread_pool.h"

#include <algorithm>
#include <thread>

#include "nodeos_api/node.h"
#include "nodeos_api/policies.h"

namespace weft {

namespace {

constexpr uint32_t kMaxThreads = 16;  // where the spec says nothing
constexpr uint32_t kMostThreads = 1024;
constexpr size_t kStack = size_t{1} << 20;
constexpr size_t kLeastStack = size_t{64} << 10;
constexpr size_t kMostStack = size_t{64} << 20;
constexpr uint64_t kLongestRun = 3'600'000'000'000;
constexpr auto kPatience = std::chrono::seconds(2);  // for the threads of a domain that ends

Error invalid(std::string sentence) { return {Code::kInvalid, std::move(sentence)}; }

}  // namespace

an_ThreadPoolSpecData ThreadPool::defaults() {
  an_ThreadPoolSpecData spec{};
  spec.size = sizeof spec;
  spec.weight = 1;
  spec.max_threads = kMaxThreads;
  spec.stack_size = kStack;
  return spec;
}

Result<an_ThreadPoolSpecData> ThreadPool::accept(an_ThreadPoolSpec given) {
  an_ThreadPoolSpecData spec = defaults();
  if (given == nullptr) return spec;
  if (given->size != sizeof spec) return invalid("the thread pool's specification must begin with its size");
  spec = *given;
  const PolicyOffer* policy = find_policy(spec.policy);
  if (policy == nullptr) return invalid("there is no such scheduling policy");
  if (!policy->offered) {
    return Error{Code::kUnsupported, "this node does not schedule by " + std::string(policy->name) +
                                         " yet: all paths of a worker take turns (AN_SCHED_NODE)"};
  }
  if (spec.weight == 0) spec.weight = 1;
  if (spec.max_threads == 0) spec.max_threads = kMaxThreads;
  if (spec.stack_size == 0) spec.stack_size = kStack;
  if (spec.longest_run_ns > kLongestRun) return invalid("a run lasts an hour at most");
  if (spec.max_threads > kMostThreads) return invalid("a domain has at most 1024 threads");
  if (spec.stack_size < kLeastStack || spec.stack_size > kMostStack) {
    return invalid("a stack has 64 KiB to 64 MiB");
  }
  return spec;
}

an_ThreadPoolStats ThreadPool::stats() const {
  an_ThreadPoolStats s{};
  s.threads = threads_.size();
  s.threads_spawned = spawned_;
  s.thread_ns = past_cpu_ns_;
  for (const ThreadObject* t : threads_) s.thread_ns += t->thread()->cpu_ns();
  s.cycles = domain_.account().cycles();
  s.overruns = overruns_.value();
  return s;
}

ThreadObject* ThreadPool::spawn(void* mem, an_ThreadFunc function, void* arg) {
  reap_detached();
  if (threads_.size() >= spec_.max_threads) {
    fail(AN_ELIMIT, "the domain has as many threads as its thread pool allows, or has not joined them");
    return nullptr;
  }
  auto place =
      domain_.quota() != nullptr ? domain_.quota()->admit_thread() : Result<ThreadPlace>(ThreadPlace());
  if (!place) {
    fail(place.error());
    return nullptr;
  }
  const size_t stack = spec_.stack_size;
  if (!domain_.charge(stack)) return nullptr;
  Node& node = domain_.node();
  auto thread = std::make_shared<Thread>(domain_, domain_.handle(), node.clock(), node.control_queue(),
                                         *std::move(place), code_of_caller(domain_));
  ThreadObject* object = ThreadObject::make(mem, domain_, thread, stack);
  if (object == nullptr) {
    domain_.give_back(stack);
    return nullptr;
  }
  threads_.push_back(object);
  if (auto started = thread->run({function, arg, stack}, object->handle()); !started) {
    forget(*object);
    fail(started.error());
    return nullptr;
  }
  ++spawned_;
  return object;
}

void ThreadPool::forget(ThreadObject& thread) {
  std::erase(threads_, &thread);
  domain_.give_back(thread.stack_size());
  thread.bury();
  thread.free_memory();
}

void ThreadPool::reap(ThreadObject& thread) {
  thread.thread()->reap();
  past_cpu_ns_ += thread.thread()->cpu_ns();
  forget(thread);
}

void ThreadPool::reap_detached() {
  for (size_t i = threads_.size(); i-- > 0;) {
    if (threads_[i]->thread()->detached() && threads_[i]->thread()->returned()) reap(*threads_[i]);
  }
}

void ThreadPool::end() {
  for (ThreadObject* t : threads_) t->thread()->end();
}

Deadline ThreadPool::patience_ends() { return std::chrono::steady_clock::now() + kPatience; }

// Whoever waits with the control thread has been told, and goes away by itself: nothing is
// served here, so that nothing else ends meanwhile.
size_t ThreadPool::wait(Deadline until) {
  const auto still_runs = [](const ThreadObject* t) {
    return !t->thread()->returned() && !t->thread()->in_service();
  };
  while (std::any_of(threads_.begin(), threads_.end(), still_runs) &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  size_t abandoned = 0;
  while (!threads_.empty()) {
    ThreadObject& t = *threads_.back();
    if (t.thread()->returned()) {
      reap(t);
      continue;
    }
    if (!t.thread()->in_service()) ++abandoned;
    t.thread()->abandon();
    domain_.node().leave_behind(t.thread());
    forget(t);
  }
  return abandoned;
}

}  // namespace weft
