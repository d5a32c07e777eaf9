// SPDX-License-Identifier: Apache-2.0
#include "paths/stage.h"

#include "paths/path.h"

namespace weft {

void Stage::hand_on(Dir dir, Pvec& v) {
  path_->pass(dir, dir == Dir::kForward ? size_t{index_} + 1 : size_t{index_} - 1, v);
}

void Stage::hand_on(Dir dir, PacketPtr p) {
  Pvec one;
  one.push_back(std::move(p));
  hand_on(dir, one);
}

void Stage::append(Dir dir, PacketPtr p, Pvec& out) {
  if (out.full()) hand_on(dir, out);
  out.push_back(std::move(p));
}

void Stage::drop(PacketPtr p, DropReason reason) { path_->drop_at_stage(index_, std::move(p), reason); }

void Stage::drop(Pvec& v, DropReason reason) {
  while (!v.empty()) drop(v.pop_front(), reason);
}

DropCounters& Stage::drops() { return path_->stages()[index_]->counters.drops; }

}  // namespace weft
