// SPDX-License-Identifier: Apache-2.0
// OffloadStage: the top of a path whose packets are shown to somebody who knows nothing of
// Packet::kOffload: an EE.  What a device left to be done is done here: checksums are
// finished, super-packets cut into the segments that they stand for.
//
// Threads: as Stage.
// Time: a look at the flags of each packet, for those that were left nothing.
#pragma once

#include "partner/offload.h"
#include "paths/stage.h"

namespace weft {

class OffloadStage final : public Stage {
 public:
  // `link`: where the network header of a packet lies whose headers are not in front of it.
  OffloadStage(Pool& pool, Link link) : pool_(pool), segmenter_(pool), link_(link) {}

  void deliver(Dir dir, Pvec& v) override;

 private:
  void finish(PacketPtr p, Pvec& out);
  void cut(PacketPtr p, Pvec& out);

  Pool& pool_;
  Segmenter segmenter_;
  const Link link_;
};

}  // namespace weft
