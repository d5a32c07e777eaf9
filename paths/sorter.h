// SPDX-License-Identifier: Apache-2.0
// A Sorter takes what comes in at a port and finds each packet its path.
//
// The Demux is one.  A fused loop is another: it does a whole path's work in the
// same pass, and leaves to the Demux what it does not take.
//
// Threads: the worker.
#pragma once

#include <cstdint>

#include "partner/pvec.h"

namespace weft {

class Sorter {
 public:
  virtual ~Sorter() = default;
  // Takes every packet of `v`, which came in at port `in_port`.
  virtual void sort(uint16_t in_port, Pvec& v) = 0;
};

}  // namespace weft
