// SPDX-License-Identifier: Apache-2.0
// ForwardStage: what IpForward and Ip6Forward have in common: a far side, and the way in
// which they go through a vector.
//
// Threads: the path's worker.
#pragma once

#include "modules/host.h"
#include "partner/pvec.h"
#include "paths/port.h"

namespace weft {

template <typename FamilyStage>  // IpStage or Ip6Stage
class ForwardStage : public FamilyStage {
 public:
  // `by_fields`: the path was chosen by other fields than the route.
  ForwardStage(IpNode& node, Host& host, const Port& out, bool by_fields)
      : FamilyStage(node, host), out_(out), by_fields_(by_fields) {}

 protected:
  // Takes every packet of `v`: plain(first, last) forwards packets in place, up to the first
  // that is not plain, which it returns as it was; forward(PacketPtr, Pvec& out) takes that.
  // A vector that is plain throughout, as most are, is handed on as it is.
  template <typename Plain, typename Forward>
  void forward_all(Dir dir, Pvec& v, Plain plain, Forward forward) {
    if (dir == Dir::kBackward) return this->drop(v, DropReason::kNoPath);  // the far side only sends
    Packet* const* rest = plain(v.begin(), v.end());
    if (rest == v.end()) return this->hand_on(dir, v);

    Pvec out;
    while (!v.empty()) {
      for (auto done = rest - v.begin(); done > 0; --done) this->append(dir, v.pop_front(), out);
      if (!v.empty()) forward(v.pop_front(), out);
      rest = plain(v.begin(), v.end());
    }
    this->hand_on(dir, out);
  }

  const Port& out_;
  const bool by_fields_;
};

}  // namespace weft
