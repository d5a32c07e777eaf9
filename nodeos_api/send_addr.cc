// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/send_addr.h"

#include "nodeos_api/geni_node.h"
#include "nodeos_api/hand_over.h"

namespace weft {

void SendAddr::destroy() {
  bury();
  channel_.remove(*this);
  // Who found it before is done when the worker stands between rounds.
  channel_.domain().node().worker().call([] {});
  free_memory();
}

}  // namespace weft

using namespace weft;

extern "C" {

an_SendAddr an_sendaddrCreate(void* mem, an_OutChan c, const char* addrspec) {
  if (on_own_thread()) return handed_over([&] { return an_sendaddrCreate(mem, c, addrspec); });
  OutChannel* channel = find<OutChannel>(c);
  if (channel == nullptr || !channel->domain().node().allows_control()) return nullptr;
  if (addrspec == nullptr) {
    fail(AN_EINVAL, "an address is wanted, such as \"(dst=10.0.0.2, dstport=7)\"");
    return nullptr;
  }
  auto aim = channel->aim(addrspec);
  if (!aim) {
    fail(aim.error());
    return nullptr;
  }
  SendAddr* to = SendAddr::make(mem, *channel, *aim);
  if (to == nullptr) return nullptr;
  channel->add(*to);
  return to->handle();
}

int an_sendaddrDestroy(an_SendAddr handle) {
  if (on_own_thread()) return handed_over([&] { return an_sendaddrDestroy(handle); });
  SendAddr* to = find<SendAddr>(handle);
  if (to == nullptr || !to->channel().domain().node().allows_control()) return an_errno();
  to->destroy();
  return AN_OK;
}

int an_outchanSendTo(an_OutChan c, an_Packet packet, an_SendAddr handle) {
  if (on_own_thread()) return handed_over([&] { return an_outchanSendTo(c, packet, handle); });
  OutChannel* channel = find<OutChannel>(c);
  if (channel == nullptr) return an_errno();
  const SendAddr* to = find<SendAddr>(handle);
  if (to == nullptr) return an_errno();
  if (&to->channel() != channel) return fail(AN_EINVAL, kOfAnotherChannel);
  Packet* p = reinterpret_cast<Packet*>(packet);
  return channel->domain().node().carry([&] { return channel->send_to(p, to->aim()); });
}

}  // extern "C"
