// SPDX-License-Identifier: Apache-2.0
// The library's calls on channels and demux keys.
#include <algorithm>

#include "nodeos_api/channel_calls.h"
#include "nodeos_api/control_api.h"
#include "nodeos_api/netspec.h"
#include "nodeos_api/sized.h"
#include "nodeos_api/snow/snow_channel.h"

namespace weft::snow {

namespace {

// What the node calls the key of a create call.  False, with the failure noted, if it is none.
bool find_key(an_DemuxKey handle, uint64_t* at_node) {
  *at_node = 0;
  if (handle == nullptr) return true;
  const SnowDemuxKey* key = find<SnowDemuxKey>(handle);
  if (key != nullptr) *at_node = key->at_node();
  return key != nullptr;
}

// Its size says how much of it there is.
Net net_of(an_NetSpec spec) {
  Net net{};
  if (spec == nullptr) return net;
  net.given = 1;
  std::memcpy(&net.data, spec, std::min(std::max(spec->size, sizeof spec->size), sizeof net.data));
  net.data.size = std::min(spec->size, sizeof net.data);
  return net;
}

ChanSpec spec_of(Texts& texts, const char* prot, const char* addr, an_NetSpec net) {
  return {texts.add(prot), texts.add(addr), net_of(net)};
}

template <typename T, Call kGetStats>
int get_stats(typename T::Handle handle, an_ChanStats* stats) {
  if (on_own_thread()) return handed_over([&] { return get_stats<T, kGetStats>(handle, stats); });
  const T* channel = find<T>(handle);
  if (channel == nullptr || !channel->domain().node().allows_call()) return an_errno();
  an_ChanStats full{};
  Connection& node = to_node(channel->domain());
  if (node.call<kGetStats>({channel->at_node()}, &full) != AN_OK) return an_errno();
  if constexpr (requires { channel->refused(); }) full.packets_refused += channel->refused();
  return fill_sized(stats, full);
}

// A new channel whose queues are as the specifications say; null, and it is gone again, if its
// principal has no memory for them.
template <typename T>
T* within_bounds(T* channel, an_NetSpec one, an_NetSpec other) {
  const auto first = read_netspec(one), second = read_netspec(other);
  if (channel == nullptr || !first || !second) return channel;
  Quota* const quota = channel->domain().quota();
  if (channel->places().take(quota, uint64_t{first->queue.packets} + second->queue.packets)) return channel;
  const LastFailure why = LastFailure::of_this_thread();
  channel->destroy();
  LastFailure::of_this_thread() = why;
  return nullptr;
}

template <Call kAdd>
int add_addresses(an_DemuxKey handle, const char* source, const char* destination, int protocol) {
  if (on_own_thread())
    return handed_over([&] { return add_addresses<kAdd>(handle, source, destination, protocol); });
  const SnowDemuxKey* key = find<SnowDemuxKey>(handle);
  if (key == nullptr || !key->domain().node().allows_control()) return an_errno();
  Texts texts;
  const AddAddresses request{key->at_node(), texts.add(source), texts.add(destination), protocol, 0};
  return to_node(key->domain()).call<kAdd>(request, nullptr, texts);
}

template <Call kAdd>
int add_numbers(an_DemuxKey handle, int first, int second) {
  if (on_own_thread()) return handed_over([&] { return add_numbers<kAdd>(handle, first, second); });
  const SnowDemuxKey* key = find<SnowDemuxKey>(handle);
  if (key == nullptr || !key->domain().node().allows_control()) return an_errno();
  return to_node(key->domain()).call<kAdd>({key->at_node(), first, second});
}

}  // namespace

}  // namespace weft::snow

using namespace weft;
using namespace weft::snow;

extern "C" {

an_DemuxKey an_demuxkeyCreate(void* mem, an_Domain d) {
  if (on_own_thread()) return handed_over([&] { return an_demuxkeyCreate(mem, d); });
  Domain* domain = creator(d);
  Created made{};
  if (domain == nullptr ||
      to_node(*domain).call<Call::kDemuxkeyCreate>({domain->at_node()}, &made) != AN_OK) {
    return nullptr;
  }
  auto* key = adopt<SnowDemuxKey, Call::kDemuxkeyDestroy>(mem, *domain, made.handle, made.handle);
  return key != nullptr ? key->handle() : nullptr;
}

int an_demuxkeyDestroy(an_DemuxKey key) { return destroy<SnowDemuxKey>(key); }

int an_demuxkeyAddTuple(an_DemuxKey k, size_t offset, size_t length, const void* value, const void* mask) {
  if (on_own_thread())
    return handed_over([&] { return an_demuxkeyAddTuple(k, offset, length, value, mask); });
  const SnowDemuxKey* key = find<SnowDemuxKey>(k);
  if (key == nullptr || !key->domain().node().allows_control()) return an_errno();
  constexpr size_t kEnough = 64;  // the node refuses more
  Texts texts;
  const size_t n = std::min(length, kEnough);
  const AddTuple request{key->at_node(), offset, length, texts.add(value, n), texts.add(mask, n)};
  return to_node(key->domain()).call<Call::kDemuxkeyAddTuple>(request, nullptr, texts);
}

int an_demuxkeyAddIPv4(an_DemuxKey key, const char* src, const char* dst, int protocol) {
  return add_addresses<Call::kDemuxkeyAddIPv4>(key, src, dst, protocol);
}

int an_demuxkeyAddIPv6(an_DemuxKey key, const char* src, const char* dst, int next_header) {
  return add_addresses<Call::kDemuxkeyAddIPv6>(key, src, dst, next_header);
}

int an_demuxkeyAddUDP(an_DemuxKey key, int srcport, int dstport) {
  return add_numbers<Call::kDemuxkeyAddUDP>(key, srcport, dstport);
}

int an_demuxkeyAddTCP(an_DemuxKey key, int srcport, int dstport) {
  return add_numbers<Call::kDemuxkeyAddTCP>(key, srcport, dstport);
}

int an_demuxkeyAddANEP(an_DemuxKey key, int type) {
  return add_numbers<Call::kDemuxkeyAddANEP>(key, type, AN_ANY);
}

an_InChan an_inchanCreate(void* mem, an_Domain d, an_DemuxKey dmxKey, const char* protspec,
                          const char* addrspec, an_NetSpec netspec, an_ChanRecvFunc deliverfunc,
                          void* deliverarg) {
  if (on_own_thread())
    return handed_over([&] {
      return an_inchanCreate(mem, d, dmxKey, protspec, addrspec, netspec, deliverfunc, deliverarg);
    });
  Domain* domain = creator(d);
  uint64_t key = 0;
  if (domain == nullptr || !find_key(dmxKey, &key)) return nullptr;
  Texts texts;
  const ChanCreate request{domain->at_node(), key, spec_of(texts, protspec, addrspec, netspec)};
  ChanCreated made{};
  if (to_node(*domain).call<Call::kInchanCreate>(request, &made, texts) != AN_OK) return nullptr;
  auto* channel = adopt<SnowInChannel, Call::kInchanDestroy>(mem, *domain, made, made.handle);
  channel = within_bounds(channel, netspec, netspec);
  if (channel == nullptr) return nullptr;
  if (deliverfunc != nullptr) {
    domain->node().worker().call([&] { channel->deliver_to({deliverfunc, deliverarg}); });
    channel->resume();
  }
  return channel->handle();
}

int an_inchanDestroy(an_InChan c) { return destroy<SnowInChannel>(c); }

int an_inchanSetVector(an_InChan c, an_ChanRecvVecFunc deliverfunc, void* deliverarg) {
  return deliver_by<SnowInChannel>(c, deliverfunc, deliverarg);
}

int an_inchanSetViews(an_InChan c, an_ChanRecvViewsFunc deliverfunc, void* deliverarg) {
  return deliver_by<SnowInChannel>(c, deliverfunc, deliverarg);
}

int an_inchanSuspend(an_InChan c) {
  if (on_own_thread()) return handed_over([&] { return an_inchanSuspend(c); });
  SnowInChannel* channel = find<SnowInChannel>(c);
  if (channel == nullptr || !channel->domain().node().allows_call()) return an_errno();
  return channel->pause();
}

int an_inchanResume(an_InChan c) {
  if (on_own_thread()) return handed_over([&] { return an_inchanResume(c); });
  SnowInChannel* channel = find<SnowInChannel>(c);
  if (channel == nullptr || !channel->domain().node().allows_call()) return an_errno();
  const bool deliverable = channel->cut() != nullptr || channel->has_function();
  if (!deliverable) return fail(AN_EINVAL, "the channel has no deliver function yet");
  return channel->resume();
}

int an_inchanGetStats(an_InChan c, an_ChanStats* stats) {
  return get_stats<SnowInChannel, Call::kInchanGetStats>(c, stats);
}

an_OutChan an_outchanCreate(void* mem, an_Domain d, const char* protspec, const char* addrspec,
                            an_NetSpec netspec) {
  if (on_own_thread())
    return handed_over([&] { return an_outchanCreate(mem, d, protspec, addrspec, netspec); });
  Domain* domain = creator(d);
  if (domain == nullptr) return nullptr;
  Texts texts;
  const ChanCreate request{domain->at_node(), 0, spec_of(texts, protspec, addrspec, netspec)};
  ChanCreated made{};
  if (to_node(*domain).call<Call::kOutchanCreate>(request, &made, texts) != AN_OK) return nullptr;
  auto* channel = adopt<SnowOutChannel, Call::kOutchanDestroy>(mem, *domain, made, made.handle);
  channel = within_bounds(channel, netspec, netspec);
  if (channel == nullptr) return nullptr;
  if (const auto limits = read_netspec(netspec)) channel->set_rate(limits->rate);
  return channel->handle();
}

int an_outchanDestroy(an_OutChan c) { return destroy<SnowOutChannel>(c); }

int an_outchanSend(an_OutChan c, an_Packet packet) {
  return an_outchanSendVec(c, &packet, 1) == 1 ? AN_OK : an_errno();
}

size_t an_outchanSendVec(an_OutChan c, an_Packet* packets, size_t count) {
  return send_vector<SnowOutChannel>(c, packets, count);
}

int an_outchanGetStats(an_OutChan c, an_ChanStats* stats) {
  return get_stats<SnowOutChannel, Call::kOutchanGetStats>(c, stats);
}

an_CutChan an_cutchanCreate(void* mem, an_Domain d, an_DemuxKey dmxKey, const char* inprot,
                            const char* inaddr, an_NetSpec innet, const char* outprot, const char* outaddr,
                            an_NetSpec outnet) {
  if (on_own_thread())
    return handed_over(
        [&] { return an_cutchanCreate(mem, d, dmxKey, inprot, inaddr, innet, outprot, outaddr, outnet); });
  Domain* domain = creator(d);
  uint64_t key = 0;
  if (domain == nullptr || !find_key(dmxKey, &key)) return nullptr;
  Texts texts;
  const CutChanCreate request{domain->at_node(), key, spec_of(texts, inprot, inaddr, innet),
                              spec_of(texts, outprot, outaddr, outnet)};
  Created made{};
  if (to_node(*domain).call<Call::kCutchanCreate>(request, &made, texts) != AN_OK) return nullptr;
  auto* channel = adopt<SnowCutChannel, Call::kCutchanDestroy>(mem, *domain, made.handle, made.handle);
  channel = within_bounds(channel, innet, outnet);
  return channel != nullptr ? channel->handle() : nullptr;
}

int an_cutchanDestroy(an_CutChan c) { return destroy<SnowCutChannel>(c); }

int an_cutchanGetStats(an_CutChan c, an_ChanStats* stats) {
  return get_stats<SnowCutChannel, Call::kCutchanGetStats>(c, stats);
}

}  // extern "C"
