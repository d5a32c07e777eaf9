// SPDX-License-Identifier: Apache-2.0
// ForwardStage: what IpForward and Ip6Forward have in common: a far side, and the way in
// which they go through a vector.
//
// Threads: the path's worker.
#pragma once

#include <algorithm>

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
  // Takes every packet of `v`: plain(Packet&) forwards in place, or says false and leaves
  // the packet as it was; then forward(PacketPtr, Pvec& out) takes it.  A vector that is
  // plain throughout, as most are, is handed on as it is.
  template <typename Plain, typename Forward>
  void forward_all(Dir dir, Pvec& v, Plain plain, Forward forward) {
    if (dir == Dir::kBackward) return this->drop(v, DropReason::kNoPath);  // the far side only sends
    Packet* const* const rest = std::find_if_not(v.begin(), v.end(), [&](Packet* p) { return plain(*p); });
    if (rest == v.end()) return this->hand_on(dir, v);

    Pvec out;
    for (auto done = rest - v.begin(); done > 0; --done) out.push_back(v.pop_front());
    while (!v.empty()) {
      PacketPtr next = v.pop_front();
      if (plain(*next)) {
        this->append(dir, std::move(next), out);
      } else {
        forward(std::move(next), out);
      }
    }
    this->hand_on(dir, out);
  }

  const Port& out_;
  const bool by_fields_;
};

}  // namespace weft
