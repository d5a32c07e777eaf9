// SPDX-License-Identifier: Apache-2.0
// EeHandles: what the handles of one EE stand for.
//
// The EE never sees a handle of the node's; so one that it invents, or was given by another
// EE, can name nothing but its own.  Which was alive and which never was is told as in the
// node's own table.
//
// Threads: the control thread; find() also from the worker.
#pragma once

#include <vector>

#include "nodeos_api/errors.h"
#include "nodeos_api/handles.h"
#include "partner/partner.h"

namespace weft::snow {

class EeHandles {
 public:
  explicit EeHandles(size_t limit) : limit_(limit) {}

  // Whether one more may be had; if not, the failure is noted.  Those that have ended
  // are taken out first, and appended to `closed` where they had an opening.  An EE that asks again
  // and again costs no more than the question, while none ends.
  bool has_room(std::vector<Opening>* closed);
  // Some of what was given may have ended since.
  void some_ended() { ended_ = true; }
  // A handle for a node's object.  REQUIRES: has_room()
  template <typename Kind>
  uint64_t give(typename Kind::Handle real, Opening opening = kNoOpening) {
    return give(Kind::kKind, reinterpret_cast<uint64_t>(real), opening);
  }

  template <typename Kind>
  typename Kind::Handle real(uint64_t handle) const {
    const HandleTable::Found found = table_.find(handle, Kind::kKind);
    if (found.object != nullptr) return reinterpret_cast<typename Kind::Handle>(found.object);
    if (found.was) {
      fail(AN_EDEAD, Kind::kDead);
    } else {
      fail(AN_EINVAL, Kind::kNever);
    }
    return nullptr;
  }
  size_t size() const { return given_.size(); }
  // Calls f(handle of the node's) for each of a kind, dead ones too.
  template <typename Kind, typename F>
  void for_each(F&& f) const {
    for (const Given& g : given_) {
      if (g.kind == Kind::kKind) f(reinterpret_cast<typename Kind::Handle>(g.real));
    }
  }

 private:
  struct Given {
    uint64_t handle;
    uint64_t real;
    an_Kind kind;
    Opening opening;
  };

  uint64_t give(an_Kind kind, uint64_t real, Opening opening);
  void sweep(std::vector<Opening>* closed);

  const size_t limit_;
  size_t sweep_at_ = 64;
  bool ended_ = false;
  HandleTable table_;  // the objects are handles of the node's
  std::vector<Given> given_;
};

}  // namespace weft::snow
