// SPDX-License-Identifier: Apache-2.0
// From the hands of one domain into a channel of another.
#include "nodeos_api/channel.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "nodeos_api/packet_hold.h"

namespace weft {

int InChannel::take_over(Packet& p) {
  Domain& from = holder(p);
  if (!from.descends_from(domain_) && !domain_.descends_from(from)) {
    return fail(AN_EPERM,
                "a packet is handed to the same domain, an ancestor or a descendant, not to others");
  }
  let_go(p);
  Pvec v;
  v.push_back(PacketPtr(&p));
  path_->enqueue_behind(v);
  if (!v.empty()) {
    hold(p, from);
    v.release_all();
    return fail(AN_EQFULL, "the channel's queue is full");
  }
  from.ledger().sent.add(1);
  from.ledger().held.set(from.ledger().held.value() - 1);
  return AN_OK;
}

}  // namespace weft

using namespace weft;

extern "C" int an_inchanHandoff(an_InChan c, an_Packet packet) {
  if (on_own_thread()) return handed_over([&] { return an_inchanHandoff(c, packet); });
  InChannel* channel = find<InChannel>(c);
  if (channel == nullptr) return an_errno();
  Packet* p = find_held(packet);
  if (p == nullptr) return an_errno();
  if (&holder(*p).node() != &channel->domain().node()) return fail(AN_EINVAL, "a packet of another node");
  return channel->domain().node().carry([&] { return channel->take_over(*p); });
}
