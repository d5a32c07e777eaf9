// SPDX-License-Identifier: Apache-2.0
// The calls on channels, at the C border.
#include <cstring>

#include "nodeos_api/channel.h"
#include "nodeos_api/channel_calls.h"
#include "nodeos_api/control_api.h"
#include "nodeos_api/geni_node.h"
#include "nodeos_api/packet_hold.h"
#include "nodeos_api/sized.h"

namespace weft {

namespace {

// The key of a create call.  False, with the failure noted, if it is not usable.
bool find_key(an_DemuxKey handle, const Domain& domain, const DemuxKeyObject** key) {
  *key = nullptr;
  if (handle == nullptr) return true;
  *key = find<DemuxKeyObject>(handle);
  if (*key == nullptr) return false;
  if (&(*key)->domain().node() == &domain.node()) return true;
  fail(AN_EINVAL, "the demux key is of another node");
  return false;
}

// Makes a channel in `mem` and opens it by `open(channel)`.
template <typename T, typename Open>
T* open_channel(void* mem, Domain& domain, Open&& open) {
  T* channel = T::make(mem, domain);
  if (channel == nullptr) return nullptr;
  if (auto opened = open(*channel); !opened) {
    channel->bury();
    channel->free_memory();
    fail(opened.error());
    return nullptr;
  }
  return channel;
}

template <typename T>
int get_stats(typename T::Handle handle, an_ChanStats* stats) {
  if (on_own_thread()) return handed_over([&] { return get_stats<T>(handle, stats); });
  const T* channel = find<T>(handle);
  if (channel == nullptr) return an_errno();
  return fill_sized(stats, channel->domain().node().carry([&] { return channel->stats(); }));
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

an_InChan an_inchanCreate(void* mem, an_Domain d, an_DemuxKey dmxKey, const char* protspec,
                          const char* addrspec, an_NetSpec netspec, an_ChanRecvFunc deliverfunc,
                          void* deliverarg) {
  if (on_own_thread())
    return handed_over([&] {
      return an_inchanCreate(mem, d, dmxKey, protspec, addrspec, netspec, deliverfunc, deliverarg);
    });
  Domain* domain = creator(d);
  const DemuxKeyObject* key = nullptr;
  if (domain == nullptr || !find_key(dmxKey, *domain, &key)) return nullptr;
  auto* channel = open_channel<InChannel>(
      mem, *domain, [&](InChannel& c) { return c.open(protspec, addrspec, netspec, key); });
  if (channel == nullptr) return nullptr;
  domain->node().worker().call([&] {
    channel->deliver_to({deliverfunc, deliverarg});
    channel->suspend(deliverfunc == nullptr);
  });
  return channel->handle();
}

int an_inchanDestroy(an_InChan c) { return destroy<InChannel>(c); }

int an_inchanSetVector(an_InChan c, an_ChanRecvVecFunc deliverfunc, void* deliverarg) {
  return deliver_by<InChannel>(c, deliverfunc, deliverarg);
}

int an_inchanSetViews(an_InChan c, an_ChanRecvViewsFunc deliverfunc, void* deliverarg) {
  return deliver_by<InChannel>(c, deliverfunc, deliverarg);
}

int an_inchanSuspend(an_InChan c) {
  if (on_own_thread()) return handed_over([&] { return an_inchanSuspend(c); });
  InChannel* channel = find<InChannel>(c);
  if (channel == nullptr) return an_errno();
  return channel->domain().node().carry([&]() -> int {
    channel->suspend(true);
    return AN_OK;
  });
}

int an_inchanResume(an_InChan c) {
  if (on_own_thread()) return handed_over([&] { return an_inchanResume(c); });
  InChannel* channel = find<InChannel>(c);
  if (channel == nullptr) return an_errno();
  return channel->domain().node().carry([&]() -> int {
    if (!channel->has_function() && channel->cut() == nullptr)
      return fail(AN_EINVAL, "the channel has no deliver function yet");
    channel->suspend(false);
    return AN_OK;
  });
}

int an_inchanGetStats(an_InChan c, an_ChanStats* stats) { return get_stats<InChannel>(c, stats); }

an_OutChan an_outchanCreate(void* mem, an_Domain d, const char* protspec, const char* addrspec,
                            an_NetSpec netspec) {
  if (on_own_thread())
    return handed_over([&] { return an_outchanCreate(mem, d, protspec, addrspec, netspec); });
  Domain* domain = creator(d);
  if (domain == nullptr) return nullptr;
  auto* channel = open_channel<OutChannel>(
      mem, *domain, [&](OutChannel& c) { return c.open(protspec, addrspec, netspec); });
  return channel != nullptr ? channel->handle() : nullptr;
}

int an_outchanDestroy(an_OutChan c) { return destroy<OutChannel>(c); }

int an_outchanSend(an_OutChan c, an_Packet packet) {
  return an_outchanSendVec(c, &packet, 1) == 1 ? AN_OK : an_errno();
}

size_t an_outchanSendVec(an_OutChan c, an_Packet* packets, size_t count) {
  return send_vector<OutChannel>(c, packets, count);
}

int an_outchanGetStats(an_OutChan c, an_ChanStats* stats) { return get_stats<OutChannel>(c, stats); }

an_CutChan an_cutchanCreate(void* mem, an_Domain d, an_DemuxKey dmxKey, const char* inprot,
                            const char* inaddr, an_NetSpec innet, const char* outprot, const char* outaddr,
                            an_NetSpec outnet) {
  if (on_own_thread())
    return handed_over(
        [&] { return an_cutchanCreate(mem, d, dmxKey, inprot, inaddr, innet, outprot, outaddr, outnet); });
  Domain* domain = creator(d);
  const DemuxKeyObject* key = nullptr;
  if (domain == nullptr || !find_key(dmxKey, *domain, &key)) return nullptr;
  auto* channel = open_channel<CutChannel>(mem, *domain, [&](CutChannel& c) {
    return c.open({inprot, inaddr, innet}, {outprot, outaddr, outnet}, key);
  });
  return channel != nullptr ? channel->handle() : nullptr;
}

an_CutChan an_cutchanConnect(void* mem, an_InChan i, an_OutChan o) {
  if (on_own_thread()) return handed_over([&] { return an_cutchanConnect(mem, i, o); });
  InChannel* in = find<InChannel>(i);
  if (in == nullptr || !in->domain().node().allows_control()) return nullptr;
  OutChannel* out = find<OutChannel>(o);
  if (out == nullptr) return nullptr;
  auto* channel =
      open_channel<CutChannel>(mem, in->domain(), [&](CutChannel& c) { return c.connect(*in, *out); });
  return channel != nullptr ? channel->handle() : nullptr;
}

int an_cutchanDestroy(an_CutChan c) { return destroy<CutChannel>(c); }

int an_cutchanGetStats(an_CutChan c, an_ChanStats* stats) { return get_stats<CutChannel>(c, stats); }

}  // extern "C"
