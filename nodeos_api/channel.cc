// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/channel.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "nodeos_api/packet_hold.h"
#include "nodeos_api/send_addr.h"
#include "paths/pool_share.h"

namespace weft {

// --- what all have -----------------------------------------------------------

Result<std::string> Channel::text_of(const char* protspec, const char* addrspec) {
  if (protspec == nullptr)
    return Error{Code::kProtocolSpec, "a channel needs a protocol chain, such as \"eth0/ip/udp\""};
  std::string text = protspec;
  if (addrspec != nullptr && *addrspec != '\0') text.append(" ").append(addrspec);
  return text;
}

Result<void> Channel::open_one_sided(const char* protspec, const char* addrspec, const NetLimits& limits,
                                     Partner* peer, PathOptions options) {
  auto text = text_of(protspec, addrspec);
  if (!text) return text.error();
  if (auto spec = parse_path(*text); spec && spec->cut()) {
    return path_error(Code::kProtocolSpec, *text, text->find("->") + 1,
                      "a path between two devices is a cut-through channel");
  }
  options.queues = {limits.queue, limits.queue};
  options.priority = limits.priority;
  return open_path(*text, peer, std::move(options));
}

Result<void> Channel::open_path(const std::string& text, Partner* peer, PathOptions options) {
  options.account = &domain_.account();
  options.share = domain_.share();
  Geni& geni = GeniNode::of(domain_).geni();
  if (auto may = admit(text, options); !may) return may;
  auto opening = geni.open_path(text, peer, Opening{0}, options);
  if (!opening) {
    if (admitted_) domain_.quota()->release_channel(reserved_);
    return opening.error();
  }
  opening_ = *opening;
  path_ = geni.path(opening_);
  domain_.add(*this);
  domain_.node().worker().call([this] { suspension_changed(); });
  return {};
}

Result<void> Channel::admit(const std::string& text, const PathOptions& options) {
  if (auto fits = check_queues(options); !fits) return fits;
  Quota* quota = domain_.quota();
  if (quota == nullptr) return {};
  GeniNode& node = GeniNode::of(domain_);
  if (auto may = node.principals().check_path(*quota, text, node.geni()); !may) return may;
  // Packets go through one queue of each end.
  reserved_.slots = uint64_t{options.queues.in.packets} + options.queues.out.packets;
  reserved_.bandwidth = bits_out_;
  auto admitted = quota->admit_channel(reserved_, options.priority);
  admitted_ = bool(admitted);
  return admitted;
}

// One that could not be filled, since those behind the share may not have so much, is refused.
Result<void> Channel::check_queues(const PathOptions& options) {
  if (options.share == nullptr) return {};
  const uint64_t wanted = std::max(options.queues.in.packets, options.queues.out.packets);
  const uint64_t most = std::max<uint64_t>(options.share->longest_queue(), QueueLimit{}.packets);
  if (wanted <= most) return {};
  return Error{Code::kAdmission, "the channel wants a queue of " + std::to_string(wanted) +
                                     " packets; of this node's pool a process of its own may ask for " +
                                     std::to_string(most)};
}

void Channel::close_path() {
  if (path_ == nullptr) return;
  if (admitted_) domain_.quota()->release_channel(reserved_);
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
  s.packets_rate_limited = path_->dropped(DropReason::kRateLimited);
  s.suspended = rests() || domain_.suspended();
  return s;
}

std::function<Result<void>(DemuxKey&)> Channel::narrowed_by(const DemuxKeyObject* key) {
  if (key == nullptr) return {};
  return [key](DemuxKey& wanted) { return key->narrow(wanted); };
}

void Channel::suspension_changed() {
  if (path_ == nullptr) return;
  GeniNode::of(domain_).geni().suspend(opening_, rests() || domain_.pauses());
}

// --- incoming ----------------------------------------------------------------

Result<void> InChannel::open(const char* protspec, const char* addrspec, an_NetSpec netspec,
                             const DemuxKeyObject* key) {
  auto limits = read_netspec(netspec);
  if (!limits) return limits.error();
  return open_one_sided(
      protspec, addrspec, *limits, this,
      {.narrow = narrowed_by(key), .police = limits->rate, .finish_in = &domain_.node().pool()});
}

void InChannel::destroy() {
  if (cut_ != nullptr) cut_->destroy();
  bury();
  close_path();
  domain_.node().worker().call([this] { domain_.node().worker().timers().cancel(*this); });
  free_memory();
}

an_InChan InChannel::that_delivered(const Packet& p) const {
  return p.in_port != Packet::kNoPort && p.path == path_->id() ? handle() : nullptr;
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

void InChannel::fire(uint64_t) { suspension_changed(); }

void InChannel::join_cut(CutChannel* cut, OutChannel* out) {
  cut_ = cut;
  relay_to_ = out;
  if (!has_function()) suspend(out == nullptr);
}

void InChannel::push(Opening, Pvec& v) {
  if (suspended_ || domain_.rests()) return;
  if (relay_to_ != nullptr) return relay_to_->relay(v);
  Domain::Ledger& ledger = domain_.ledger();
  if (border_ != nullptr) {
    const size_t n = v.size();
    border_->push(border_end_, v);
    ledger.received.add(n - v.size());
    ledger.drops.add(DropReason::kConsumed, n - v.size());
    return;
  }
  to_.deliver(domain_, v);
}

Result<Reply> InChannel::control(Opening, const Request&) {
  return Error{Code::kUnsupported, "an incoming channel answers no questions"};
}

const EndQueue& InChannel::queue() const { return path_->out_queue(End::kFar); }

// --- outgoing ----------------------------------------------------------------

Result<void> OutChannel::open(const char* protspec, const char* addrspec, an_NetSpec netspec) {
  auto limits = read_netspec(netspec);
  if (!limits) return limits.error();
  set_rate(limits->rate);
  bits_out_ = limits->rate.rate;
  return open_one_sided(protspec, addrspec, *limits, nullptr, {.receives = false});
}

void OutChannel::destroy() {
  if (cut_ != nullptr) cut_->destroy();
  while (!addresses_.empty()) addresses_.back()->destroy();
  bury();
  close_path();
  free_memory();
}

an_ChanStats OutChannel::stats() const {
  an_ChanStats s = Channel::stats();
  s.packets_refused = refused();
  return s;
}

const EndQueue& OutChannel::queue() const { return path_->in_queue(End::kFar); }

Result<Aim> OutChannel::aim(const char* addrspec) {
  return GeniNode::of(domain_).geni().aim(opening_, addrspec);
}

namespace {

constexpr const char* kNotHeld = "not a packet that the channel's domain holds";

// As if the packet had come from there.  REQUIRES: it has the headroom
void put_in_front(Packet& p, const Aim& aim) {
  uint8_t* const front = p.data - aim.length;
  std::memcpy(front, aim.headers, aim.length);
  p.l3 = uint16_t(front - p.window());
  p.l4 = uint16_t(p.l3 + aim.l4);
  p.flags |= Packet::kHeaders;
}

}  // namespace

size_t OutChannel::send(std::span<Packet* const> packets) {
  if (cut_ == nullptr) return send_held(domain_, packets, *this);
  fail(AN_EINVAL, kHalfOfACut);
  return 0;
}

void OutChannel::send_across(Pvec& v, const Aim* aim) {
  static_assert(sizeof Aim::headers <= Packet::kHeadroom - Packet::kReserved);
  const size_t n = v.size();
  for (size_t i = 0; aim != nullptr && i < n; ++i) put_in_front(*v[i], *aim);
  push_paid(v);
  domain_.ledger().made.add(n - v.size());
  domain_.ledger().sent.add(n - v.size());
}

bool OutChannel::never_takes(const Packet& p) const {
  return !conforms(p.total_length()) ||
         (path_->in_queue(End::kFar).empty() && p.total_length() > path_->in_queue(End::kFar).max_bytes());
}

int OutChannel::send_to(Packet* p, const Aim& aim) {
  if (cut_ != nullptr) return fail(AN_EINVAL, kHalfOfACut);
  if (p == nullptr || !holds(domain_, *p)) return fail(AN_EINVAL, kNotHeld);
  if (!path_->would_take(End::kFar, *p)) return refuse_for_room();
  fill_meters();
  if (!pay_for(*p)) return refuse_for_rate();
  let_go(*p);
  PacketPtr owned(p);
  if (p->headroom() < aim.length && !Pool::of(p).unshare_front(owned, std::min(p->length, 1u))) {
    give_back(*p);
    hold(*owned.release(), domain_);
    return fail(AN_ENOMEM, "the packet's bytes are shared, and the packet pool is empty");
  }
  forget_arrival(*owned);
  put_in_front(*owned, aim);
  Pvec v;
  v.push_back(std::move(owned));
  GeniNode::of(domain_).geni().push(opening_, v);
  assert(v.empty());
  domain_.ledger().sent.add(1);
  domain_.ledger().held.set(domain_.ledger().held.value() - 1);
  return AN_OK;
}

void OutChannel::relay(Pvec& v) {
  for (Packet* p : v) forget_arrival(*p);
  push_paid(v);
}

}  // namespace weft
