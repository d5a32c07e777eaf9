// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/border.h"

#include "nodeos_api/send_addr.h"

namespace weft::snow {

Border::Border(GeniNode& node, ShmMemory memory, Domain& payer)
    : node_(node), ring_(std::move(memory), node.pool()), payer_(payer.account()) {
  node.worker().call([&] {
    joint_ = node.worker().add_joint({this, Opening{0}, this, Opening{0}, ring_.poll_fd(), this});
  });
}

void Border::stop() {
  node_.worker().call([&] {
    node_.worker().remove_joint(joint_);
    drop(waiting_, DropReason::kPathClosed, drops_);
  });
}

Result<Opening> Border::open(an_Kind kind, uint64_t to) {
  Result<Opening> opening = kNoOpening;
  node_.worker().call([&] {
    opening = ring_.open("", nullptr, kNoOpening);
    if (!opening) return;
    const uint16_t index = ShmRing::index(*opening);
    if (uses_.size() <= index) uses_.resize(size_t{index} + 1);
    uses_[index] = {opening->id, kind, to};
  });
  return opening;
}

Result<Opening> Border::open(InChannel& channel) {
  auto opening = open(AN_INCHAN, reinterpret_cast<uint64_t>(channel.handle()));
  if (opening) node_.worker().call([&] { channel.deliver_across(ring_, *opening); });
  return opening;
}

Result<Opening> Border::open(OutChannel& channel) {
  return open(AN_OUTCHAN, reinterpret_cast<uint64_t>(channel.handle()));
}

Result<Opening> Border::open(SendAddr& to) {
  return open(AN_SENDADDR, reinterpret_cast<uint64_t>(to.handle()));
}

void Border::close(Opening which) {
  node_.worker().call([&] {
    const uint16_t index = ShmRing::index(which);
    if (index >= uses_.size() || uses_[index].opening != which.id) return;
    uses_[index] = {};
    ring_.close(which);
  });
}

// --- on the worker -------------------------------------------------------------

// The number is the EE's: it may be any.
const Border::Use* Border::use(uint32_t opening) const {
  const uint16_t index = ShmRing::index(Opening{opening});
  return index < uses_.size() && uses_[index].opening == opening ? &uses_[index] : nullptr;
}

void Border::pull(Opening which, Pvec& v, size_t max) {
  if (!waiting_.empty()) {
    v.append(waiting_);
    return;
  }
  const uint64_t start = cycles();
  ring_.pull(which, v, max);
  if (!v.empty()) payer_.charge_cycles(cycles() - start);
}

void Border::send_by(OutChannel& channel, const Aim* aim, Pvec& run) {
  channel.send_across(run, aim);
  if (!run.empty() && channel.never_takes(*run[0])) {
    drop(run.pop_front(), DropReason::kInQueueFull, drops_);
  }
}

// Takes from the front of `run`.  What it goes to may have ended.
void Border::send(uint32_t opening, Pvec& run) {
  const Use* const to = use(opening);
  void* const object = to != nullptr ? handles().find(to->to, to->kind).object : nullptr;
  if (object == nullptr) return drop(run, DropReason::kPathClosed, drops_);
  for (Packet* p : run) p->next_hop = Packet::kNoNextHop;
  if (to->kind == AN_OUTCHAN) {
    send_by(*static_cast<OutChannel*>(object), nullptr, run);
  } else if (to->kind == AN_SENDADDR) {
    const auto& address = *static_cast<SendAddr*>(object);
    send_by(address.channel(), &address.aim(), run);
  } else {
    static_cast<InChannel*>(object)->take_across(run);
    drop(run, DropReason::kOutQueueFull, drops_);
  }
  for (Packet* p : run) p->next_hop = opening;
}

void Border::push(Opening, Pvec& v) {
  while (!v.empty()) {
    const uint32_t opening = v[0]->next_hop;
    size_t n = 1;
    while (n < v.size() && v[n]->next_hop == opening) ++n;
    Pvec run;
    run.adopt({v.begin(), n});
    v.release_front(n);
    send(opening, run);
    waiting_.append(run);
    if (!waiting_.empty()) waiting_.append(v);
  }
}

}  // namespace weft::snow
