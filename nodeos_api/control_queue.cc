// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/control_queue.h"

#include <sys/eventfd.h>

#include <memory>
#include <vector>

#include "nodeos_api/thread.h"

namespace weft {

ControlQueue::ControlQueue() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

bool ControlQueue::call(Thread& caller, const std::function<void()>& work) {
  Request request;
  request.caller = &caller;
  request.work = &work;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || caller.ended()) return false;
    waiting_.push_back(request);
  }
  wake();
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (request.state == Request::kDone) return true;
      if (request.state == Request::kRefused) return false;
      if (request.state == Request::kWaiting && (closed_ || caller.ended())) {
        waiting_.erase(waiting_.iterator_to(request));
        return false;
      }
    }
    caller.park_for_service();  // while the work runs, it is waited for even by who has ended
  }
}

void ControlQueue::wake() {
  ::eventfd_write(wake_.get(), 1);
  unpark();
}

// Who is served may ask again at once.  That is for the next time, so that threads which ask without
// end keep the control thread from nothing else.
void ControlQueue::serve() {
  for (size_t left = waiting(); left > 0; --left) {
    Request* const request = take();
    if (request == nullptr) return;                           // what was run served it
    const auto caller = request->caller->shared_from_this();  // which goes when its request is done
    const bool runs = !caller->ended();
    if (runs) {
      caller->set_in_service(true);
      (*request->work)();
      caller->set_in_service(false);
    }
    {
      std::lock_guard lock(mutex_);
      request->state = runs ? Request::kDone : Request::kRefused;
    }
    caller->unpark();
  }
}

size_t ControlQueue::waiting() {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

// The oldest request, which its caller leaves alone from now on; null if there is none.
ControlQueue::Request* ControlQueue::take() {
  std::lock_guard lock(mutex_);
  if (waiting_.empty()) return nullptr;
  Request& request = waiting_.front();
  waiting_.pop_front();
  request.state = Request::kTaken;
  return &request;
}

void ControlQueue::close() {
  std::vector<std::shared_ptr<Thread>> callers;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (Request& request : waiting_) callers.push_back(request.caller->shared_from_this());
  }
  for (const auto& caller : callers) caller->unpark();
}

// The control thread's own wait: it serves, and sleeps when there is nothing to serve.
void ControlQueue::park(Deadline until) {
  {
    std::unique_lock lock(mutex_);
    const auto something = [this] { return permit_ || !waiting_.empty(); };
    if (until == kNever) {
      changed_.wait(lock, something);
    } else {
      changed_.wait_until(lock, until, something);
    }
    permit_ = false;
  }
  serve();
}

void ControlQueue::unpark() {
  std::lock_guard lock(mutex_);
  permit_ = true;
  changed_.notify_one();
}

}  // namespace weft
