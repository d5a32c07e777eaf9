// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/channel.h"

#include <algorithm>

#include "nodeos_api/geni_node.h"
#include "nodeos_api/packet_hold.h"

namespace weft {

namespace {

// Marks that say how a packet came, and nothing of how it is to leave.  (kHeaders stays:
// given back as it came, a packet returns to its sender.)
constexpr uint16_t kOfArrival = Packet::kOffload | Packet::kLocal | Packet::kOrigin | Packet::kLinkGroup;

}  // namespace

// --- what all have -----------------------------------------------------------

Result<std::string> Channel::text_of(const char* protspec, const char* addrspec) {
  if (protspec == nullptr)
    return Error{Code::kProtocolSpec, "a channel needs a protocol chain, such as \"eth0/ip/udp\""};
  std::string text = protspec;
  if (addrspec != nullptr && *addrspec != '\0') text.append(" ").append(addrspec);
  return text;
}

Result<QueueLimit> Channel::limit_of(an_NetSpec spec) {
  QueueLimit limit;
  if (spec == nullptr) return limit;
  if (spec->size < sizeof(an_NetSpecData)) {
    return Error{Code::kInvalid, "the size of the NetSpec says that it has no queue limits"};
  }
  if (spec->queue_packets > 65536) {
    return Error{Code::kInvalid,
                 "a queue holds at most 65536 packets, not " + std::to_string(spec->queue_packets)};
  }
  if (spec->queue_packets != 0) limit.packets = spec->queue_packets;
  if (spec->queue_bytes != 0) limit.bytes = spec->queue_bytes;
  return limit;
}

Result<void> Channel::open_one_sided(const char* protspec, const char* addrspec, an_NetSpec netspec,
                                     Partner* peer, OpenPath options) {
  auto text = text_of(protspec, addrspec);
  if (!text) return text.error();
  auto limit = limit_of(netspec);
  if (!limit) return limit.error();
  if (auto spec = parse_path(*text); spec && spec->cut()) {
    return path_error(Code::kProtocolSpec, *text, text->find("->") + 1,
                      "a path between two devices is a cut-through channel");
  }
  options.queues = {*limit, *limit};
  return open_path(*text, peer, std::move(options));
}

Result<void> Channel::open_path(const std::string& text, Partner* peer, OpenPath options) {
  options.account = &domain_.account();
  Geni& geni = GeniNode::of(domain_).geni();
  auto opening = geni.open_path(text, peer, Opening{0}, options);
  if (!opening) return opening.error();
  opening_ = *opening;
  path_ = geni.path(opening_);
  domain_.add(*this);
  return {};
}

void Channel::close_path() {
  if (path_ == nullptr) return;
  GeniNode::of(domain_).geni().close(opening_);
  domain_.remove(*this);
}

an_ChanStats Channel::stats() const {
  const Path::Ledger ledger = path_->ledger();
  an_ChanStats s{};
  s.size = sizeof s;
  s.packets_in = ledger.in_packets;
  s.bytes_in = ledger.in_bytes;
  s.packets_out = ledger.out_packets;
  s.bytes_out = ledger.out_bytes;
  s.packets_made = ledger.made;
  s.packets_dropped = path_->dropped();
  s.packets_queue_full = path_->dropped(DropReason::kInQueueFull) + path_->dropped(DropReason::kOutQueueFull);
  s.packets_held = path_->held();
  s.cycles = path_->account().cycles();
  return s;
}

namespace {

std::function<Result<void>(DemuxKey&)> narrowed_by(const DemuxKeyObject* key) {
  if (key == nullptr) return {};
  return [key](DemuxKey& wanted) { return key->narrow(wanted); };
}

}  // namespace

// --- incoming ----------------------------------------------------------------

Result<void> InChannel::open(const char* protspec, const char* addrspec, an_NetSpec netspec,
                             const DemuxKeyObject* key) {
  return open_one_sided(protspec, addrspec, netspec, this, {.narrow = narrowed_by(key)});
}

void InChannel::destroy() {
  bury();
  close_path();
  domain_.node().worker().call([this] { domain_.node().worker().timers().cancel(*this); });
  free_memory();
}

an_InChan InChannel::that_delivered(const Packet& p) const {
  return p.in_port != Packet::kNoPort && p.path == path_->id() ? handle() : nullptr;
}

void InChannel::deliver_to(an_ChanRecvFunc one, an_ChanRecvVecFunc vector, void* arg) {
  one_ = one;
  vector_ = vector;
  arg_ = arg;
}

// The worker's lists must not change while it walks them, as it does when a deliver
// function calls this: the path leaves and returns at the start of the next round.
void InChannel::suspend(bool suspended) {
  suspended_ = suspended;
  Worker& worker = domain_.node().worker();
  if (domain_.node().on_worker()) {
    worker.timers().arm(*this, 0);
  } else {
    worker.timers().cancel(*this);
    fire(0);
  }
}

void InChannel::fire(uint64_t) {
  Worker& worker = domain_.node().worker();
  if (suspended_) {
    worker.remove(*path_);
  } else {
    worker.add(*path_);
  }
}

void InChannel::push(Opening, Pvec& v) {
  if (suspended_) return;
  an_Packet packets[Pvec::kCapacity];
  const size_t n = v.size();
  for (size_t i = 0; i < n; ++i) {
    hold(*v[i], domain_);
    packets[i] = to_handle(v[i]);
  }
  v.release_all();
  domain_.ledger().received.add(n);
  domain_.ledger().held.add(n);

  RunningScope scope(domain_.node(), &domain_, true);
  if (vector_ != nullptr) {
    vector_(arg_, packets, n);
  } else {
    for (size_t i = 0; i < n; ++i) one_(arg_, packets[i]);
  }
}

Result<Reply> InChannel::control(Opening, const Request&) {
  return Error{Code::kUnsupported, "an incoming channel answers no questions"};
}

// --- outgoing ----------------------------------------------------------------

Result<void> OutChannel::open(const char* protspec, const char* addrspec, an_NetSpec netspec) {
  return open_one_sided(protspec, addrspec, netspec, nullptr, {.receives = false});
}

void OutChannel::destroy() {
  bury();
  close_path();
  free_memory();
}

size_t OutChannel::send(std::span<Packet* const> packets) {
  Geni& geni = GeniNode::of(domain_).geni();
  size_t sent = 0;
  bool all_held = true;
  while (sent < packets.size() && all_held) {
    const size_t most = std::min(packets.size() - sent, Pvec::kCapacity);
    size_t n = 0;
    for (; n < most; ++n) {
      Packet* p = packets[sent + n];
      all_held = p != nullptr && holds(domain_, *p);
      if (!all_held) break;
      let_go(*p);
      p->flags &= uint16_t(~kOfArrival);
      p->in_port = Packet::kNoPort;
    }
    Pvec v;
    v.adopt(packets.subspan(sent, n));
    geni.push(opening_, v);
    for (Packet* refused : v) hold(*refused, domain_);
    const size_t taken = n - v.size();
    v.release_all();
    sent += taken;
    if (taken < n) {
      fail(AN_EQFULL, "the channel's queue is full");
      break;
    }
  }
  if (!all_held) fail(AN_EINVAL, "not a packet that the channel's domain holds");
  domain_.ledger().sent.add(sent);
  domain_.ledger().held.set(domain_.ledger().held.value() - sent);
  return sent;
}

// --- cut-through -------------------------------------------------------------

Result<void> CutChannel::open(const Side& in, const Side& out, const DemuxKeyObject* key) {
  auto near = text_of(in.protspec, in.addrspec);
  if (!near) return near.error();
  auto far = text_of(out.protspec, out.addrspec);
  if (!far) return far.error();
  auto in_limit = limit_of(in.netspec);
  if (!in_limit) return in_limit.error();
  auto out_limit = limit_of(out.netspec);
  if (!out_limit) return out_limit.error();
  OpenPath options{.queues = {*in_limit, *out_limit}};
  options.narrow = narrowed_by(key);
  return open_path(*near + " -> " + *far, nullptr, options);
}

void CutChannel::destroy() {
  bury();
  close_path();
  free_memory();
}

}  // namespace weft
