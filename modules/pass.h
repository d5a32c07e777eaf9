// SPDX-License-Identifier: Apache-2.0
// PassStage: a transport on the near side of a cut-through path.  There it only chooses
// packets, in the demux; ip forwards them whole.
//
// Threads: the path's worker.
#pragma once

#include "paths/stage.h"

namespace weft {

class PassStage final : public Stage {
 public:
  void deliver(Dir dir, Pvec& v) override { hand_on(dir, v); }
};

}  // namespace weft
