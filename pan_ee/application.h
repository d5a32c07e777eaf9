// SPDX-License-Identifier: Apache-2.0
// Application: who at this node is given the capsules that a code object delivers.
// (PAN, section 4.8.4: the name of the code is the port number.)
//
// Threads: the worker.
#pragma once

#include "nodeos_api/an.h"

namespace weft::pan {

class Application {
 public:
  virtual ~Application() = default;
  // A whole capsule, header and body, in the hands of the node's domain.  It is the
  // application's now: to read, and to an_packetDrop().
  virtual void deliver(an_Packet capsule) = 0;
};

}  // namespace weft::pan
