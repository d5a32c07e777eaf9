// SPDX-License-Identifier: Apache-2.0
// Sleeper: who must be told before a worker sleeps, so that others know to wake it.
//
// Threads: the worker.
#pragma once

namespace weft {

class Sleeper {
 public:
  virtual ~Sleeper() = default;
  // From now on whoever has something for the worker makes a descriptor of its readable.
  // Returns false when there is something already: then it must not sleep.
  virtual bool falls_asleep() = 0;
  // It did, or did not; it asks again by itself.
  virtual void wakes() = 0;
};

}  // namespace weft
