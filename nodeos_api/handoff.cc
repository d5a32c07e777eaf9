// SPDX-License-Identifier: Apache-2.0
// From the hands of one domain into a channel of another.
#include "nodeos_api/channel.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "nodeos_api/packet_hold.h"

namespace weft {

int InChannel::take_over(Packet& p) {
  return hand_over(p, domain_, [this](Pvec& v) { path_->enqueue_behind(v); });
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
