// SPDX-License-Identifier: Apache-2.0
// The library's calls that send to prepared addresses, from hand to hand, and from channel to
// channel.
#include "nodeos_api/control_api.h"
#include "nodeos_api/packet_hold.h"
#include "nodeos_api/snow/snow_send_addr.h"

using namespace weft;
using namespace weft::snow;

extern "C" {

an_SendAddr an_sendaddrCreate(void* mem, an_OutChan c, const char* addrspec) {
  if (on_own_thread()) return handed_over([&] { return an_sendaddrCreate(mem, c, addrspec); });
  SnowOutChannel* channel = find<SnowOutChannel>(c);
  if (channel == nullptr || !channel->domain().node().allows_control()) return nullptr;
  Texts texts;
  const SendaddrCreate request{channel->at_node(), texts.add(addrspec)};
  Crossing made{};
  if (to_node(*channel).call<Call::kSendaddrCreate>(request, &made, texts) != AN_OK) return nullptr;
  auto* to = adopt<SnowSendAddr, Call::kSendaddrDestroy>(mem, *channel, made, made.handle);
  return to != nullptr ? to->handle() : nullptr;
}

int an_sendaddrDestroy(an_SendAddr to) { return destroy<SnowSendAddr>(to); }

int an_outchanSendTo(an_OutChan c, an_Packet packet, an_SendAddr handle) {
  if (on_own_thread()) return handed_over([&] { return an_outchanSendTo(c, packet, handle); });
  SnowOutChannel* channel = find<SnowOutChannel>(c);
  if (channel == nullptr) return an_errno();
  const SnowSendAddr* to = find<SnowSendAddr>(handle);
  if (to == nullptr) return an_errno();
  if (&to->channel() != channel) return fail(AN_EINVAL, kOfAnotherChannel);
  return channel->domain().node().carry([&] { return channel->send_to(from_handle(packet), *to); });
}

int an_inchanHandoff(an_InChan c, an_Packet packet) {
  if (on_own_thread()) return handed_over([&] { return an_inchanHandoff(c, packet); });
  SnowInChannel* channel = find<SnowInChannel>(c);
  if (channel == nullptr) return an_errno();
  Packet* p = find_held(packet);
  if (p == nullptr) return an_errno();
  return channel->domain().node().carry([&] { return channel->take_over(*p); });
}

an_CutChan an_cutchanConnect(void* mem, an_InChan i, an_OutChan o) {
  if (on_own_thread()) return handed_over([&] { return an_cutchanConnect(mem, i, o); });
  SnowInChannel* in = find<SnowInChannel>(i);
  if (in == nullptr || !in->domain().node().allows_control()) return nullptr;
  SnowOutChannel* out = find<SnowOutChannel>(o);
  if (out == nullptr) return nullptr;
  Created made{};
  const CutchanConnect request{in->at_node(), out->at_node()};
  if (to_node(*in).call<Call::kCutchanConnect>(request, &made) != AN_OK) return nullptr;
  auto* channel = adopt<SnowCutChannel, Call::kCutchanDestroy>(mem, in->domain(), made.handle, made.handle);
  if (channel == nullptr) return nullptr;
  channel->join(*in, *out);
  return channel->handle();
}

}  // extern "C"
