// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/ee_handles.h"

#include <algorithm>

namespace weft::snow {

bool EeHandles::has_room(std::vector<Opening>* closed) {
  if (ended_ && given_.size() >= std::min(sweep_at_, limit_)) sweep(closed);
  if (given_.size() < limit_) return true;
  fail(AN_ELIMIT, "the EE has as many objects as it may have");
  return false;
}

uint64_t EeHandles::give(an_Kind kind, uint64_t real, Opening opening) {
  const uint64_t handle = table_.add(kind, reinterpret_cast<void*>(real));
  given_.push_back({handle, real, kind, opening});
  return handle;
}

// So that its cost is shared by as many that were given as it finds alive.
void EeHandles::sweep(std::vector<Opening>* closed) {
  std::erase_if(given_, [&](const Given& g) {
    if (weft::handles().find(g.real, g.kind).object != nullptr) return false;
    table_.remove(g.handle);
    if (g.opening != kNoOpening) closed->push_back(g.opening);
    return true;
  });
  sweep_at_ = std::max<size_t>(64, 2 * given_.size());
  ended_ = false;
}

}  // namespace weft::snow
