// SPDX-License-Identifier: Apache-2.0
// ControlQueue: what the threads of domains want done on the control thread, and how the
// control thread waits without forgetting them.
//
// Threads: call() from the threads of domains; wake() and unpark() from any; the rest from
//   the control thread.  Lives until the last thread that may call has gone.
// Invariants: work runs on the control thread, one at a time, and while its caller waits.
#pragma once

#include <boost/intrusive/list.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/owned_fd.h"
#include "nodeos_api/waiter.h"

namespace weft {

class Thread;

class ControlQueue final : public Waiter {
 public:
  ControlQueue();

  // Runs `work` on the control thread and returns when it is done.  False if it was not
  // run: the caller's domain ended first, or the node did.
  bool call(Thread& caller, const std::function<void()>& work);

  // Readable when there is something to serve.
  int fd() const { return wake_.get(); }
  void wake();

  // Does what is waiting now.  Work that itself waits on the control thread serves too.  What comes
  // meanwhile makes fd() readable.
  void serve();
  // Takes no more; what waits is not run.
  void close();

  void park(Deadline until) override;
  void unpark() override;
  void yield() override { serve(); }
  bool ended() const override { return false; }

 private:
  struct Request : boost::intrusive::list_base_hook<> {
    Thread* caller;
    const std::function<void()>* work;
    enum { kWaiting, kTaken, kDone, kRefused } state = kWaiting;
  };

  size_t waiting();
  Request* take();

  OwnedFd wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  boost::intrusive::list<Request> waiting_;
  bool permit_ = false;
  bool closed_ = false;
};

}  // namespace weft
