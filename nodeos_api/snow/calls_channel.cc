// SPDX-License-Identifier: Apache-2.0
// Calls on channels and demux keys.
#include <algorithm>

#include "nodeos_api/snow/calls.h"

namespace weft::snow {

namespace {

// What all channels are created with, as an.h has it.
struct Wanted {
  OptionalText prot, addr;
  an_NetSpecData net;
  an_NetSpec netspec = nullptr;

  bool read(const Exchange& x, const ChanSpec& spec) {
    if (!x.read(spec.prot, &prot) || !x.read(spec.addr, &addr)) return false;
    net = spec.net.data;
    if (spec.net.given != 0) netspec = &net;
    return true;
  }
};

// The domain and the key of a new channel.  False, with the failure noted, if they are none.
bool find_owner(Exchange& x, uint64_t domain_handle, uint64_t key_handle, an_Domain* domain,
                an_DemuxKey* key) {
  *key = nullptr;
  *domain = x.session.real<DomainKind>(domain_handle);
  if (*domain == nullptr) return false;
  if (key_handle != 0) {
    *key = x.session.real<DemuxKeyKind>(key_handle);
    if (*key == nullptr) return false;
  }
  return x.session.has_room();
}

// The new channel's use of the rings.  If it gets none it is destroyed again.
template <typename Channel, typename Destroy>
int cross(Exchange& x, typename Channel::Handle real, Destroy destroy, ChanCreated& made) {
  if (real == nullptr) return an_errno();
  auto opening = x.session.border().open(*find<Channel>(real));
  if (!opening) {
    destroy(real);
    return fail(opening.error());
  }
  made.handle = x.session.handles().give<Channel>(real, *opening);
  made.opening = opening->id;
  const EndQueue& queue = find<Channel>(real)->queue();
  made.queue_packets = uint32_t(queue.capacity());
  made.queue_bytes = queue.max_bytes();
  made.queue_displaces = queue.displaces();
  return AN_OK;
}

template <typename Kind>
int get_stats(Exchange& x, uint64_t handle, int (*call)(typename Kind::Handle, an_ChanStats*),
              an_ChanStats& stats) {
  stats.size = sizeof stats;
  return with<Kind>(x, handle, [&](typename Kind::Handle real) { return call(real, &stats); });
}

int add_addresses(Exchange& x, const AddAddresses& r,
                  int (*call)(an_DemuxKey, const char*, const char*, int)) {
  an_DemuxKey key = x.session.real<DemuxKeyKind>(r.key);
  OptionalText source, destination;
  if (key == nullptr || !x.read(r.source, &source) || !x.read(r.destination, &destination)) return an_errno();
  return call(key, source.c_str(), destination.c_str(), r.protocol);
}

}  // namespace

int serve_DemuxkeyCreate(Exchange& x, const One& r, Created& made) {
  an_Domain domain = x.session.real<DomainKind>(r.handle);
  if (domain == nullptr || !x.session.has_room()) return an_errno();
  an_DemuxKey key = an_demuxkeyCreate(nullptr, domain);
  if (key == nullptr) return an_errno();
  made.handle = x.session.handles().give<DemuxKeyKind>(key);
  return AN_OK;
}

int serve_DemuxkeyDestroy(Exchange& x, const One& r, Nothing&) {
  return with<DemuxKeyKind>(x, r.handle, an_demuxkeyDestroy);
}

// The lengths of the texts are the EE's word against its own: what is read lies within them.
int serve_DemuxkeyAddTuple(Exchange& x, const AddTuple& r, Nothing&) {
  an_DemuxKey key = x.session.real<DemuxKeyKind>(r.key);
  OptionalText value, mask;
  if (key == nullptr || !x.read(r.value, &value) || !x.read(r.mask, &mask)) return an_errno();
  const bool whole = (value.c_str() == nullptr || value.size() == r.length) &&
                     (mask.c_str() == nullptr || mask.size() == r.length);
  if (r.length <= DemuxKeyObject::kMaxLength && !whole)
    return fail(AN_EINVAL, "a tuple is shorter than it says");
  return an_demuxkeyAddTuple(key, r.offset, r.length, value.c_str(), mask.c_str());
}

int serve_DemuxkeyAddIPv4(Exchange& x, const AddAddresses& r, Nothing&) {
  return add_addresses(x, r, an_demuxkeyAddIPv4);
}
int serve_DemuxkeyAddIPv6(Exchange& x, const AddAddresses& r, Nothing&) {
  return add_addresses(x, r, an_demuxkeyAddIPv6);
}
int serve_DemuxkeyAddUDP(Exchange& x, const AddNumbers& r, Nothing&) {
  return with<DemuxKeyKind>(x, r.key,
                            [&](an_DemuxKey key) { return an_demuxkeyAddUDP(key, r.first, r.second); });
}
int serve_DemuxkeyAddTCP(Exchange& x, const AddNumbers& r, Nothing&) {
  return with<DemuxKeyKind>(x, r.key,
                            [&](an_DemuxKey key) { return an_demuxkeyAddTCP(key, r.first, r.second); });
}
int serve_DemuxkeyAddANEP(Exchange& x, const AddNumbers& r, Nothing&) {
  return with<DemuxKeyKind>(x, r.key, [&](an_DemuxKey key) { return an_demuxkeyAddANEP(key, r.first); });
}

// It stays suspended until the EE's library knows it, and resumes it.
int serve_InchanCreate(Exchange& x, const ChanCreate& r, ChanCreated& made) {
  an_Domain domain;
  an_DemuxKey key;
  Wanted wanted;
  if (!find_owner(x, r.domain, r.key, &domain, &key) || !wanted.read(x, r.spec)) return an_errno();
  an_InChan real = an_inchanCreate(nullptr, domain, key, wanted.prot.c_str(), wanted.addr.c_str(),
                                   wanted.netspec, nullptr, nullptr);
  return cross<InChannel>(x, real, an_inchanDestroy, made);
}

int serve_InchanDestroy(Exchange& x, const One& r, Nothing&) {
  return with<InChanKind>(x, r.handle, an_inchanDestroy);
}
int serve_InchanSuspend(Exchange& x, const One& r, Nothing&) {
  return with<InChanKind>(x, r.handle, an_inchanSuspend);
}
int serve_InchanResume(Exchange& x, const One& r, Nothing&) {
  return with<InChanKind>(x, r.handle, an_inchanResume);
}
int serve_InchanGetStats(Exchange& x, const One& r, an_ChanStats& stats) {
  return get_stats<InChanKind>(x, r.handle, an_inchanGetStats, stats);
}

int serve_OutchanCreate(Exchange& x, const ChanCreate& r, ChanCreated& made) {
  an_Domain domain;
  an_DemuxKey key;
  Wanted wanted;
  if (!find_owner(x, r.domain, 0, &domain, &key) || !wanted.read(x, r.spec)) return an_errno();
  an_OutChan real =
      an_outchanCreate(nullptr, domain, wanted.prot.c_str(), wanted.addr.c_str(), wanted.netspec);
  return cross<OutChannel>(x, real, an_outchanDestroy, made);
}

int serve_OutchanDestroy(Exchange& x, const One& r, Nothing&) {
  return with<OutChanKind>(x, r.handle, an_outchanDestroy);
}
int serve_OutchanGetStats(Exchange& x, const One& r, an_ChanStats& stats) {
  return get_stats<OutChanKind>(x, r.handle, an_outchanGetStats, stats);
}

int serve_CutchanCreate(Exchange& x, const CutChanCreate& r, Created& made) {
  an_Domain domain;
  an_DemuxKey key;
  Wanted in, out;
  if (!find_owner(x, r.domain, r.key, &domain, &key) || !in.read(x, r.in) || !out.read(x, r.out))
    return an_errno();
  an_CutChan real = an_cutchanCreate(nullptr, domain, key, in.prot.c_str(), in.addr.c_str(), in.netspec,
                                     out.prot.c_str(), out.addr.c_str(), out.netspec);
  if (real == nullptr) return an_errno();
  made.handle = x.session.handles().give<CutChanKind>(real);
  return AN_OK;
}

int serve_CutchanDestroy(Exchange& x, const One& r, Nothing&) {
  return with<CutChanKind>(x, r.handle, an_cutchanDestroy);
}
int serve_CutchanGetStats(Exchange& x, const One& r, an_ChanStats& stats) {
  return get_stats<CutChanKind>(x, r.handle, an_cutchanGetStats, stats);
}

}  // namespace weft::snow
