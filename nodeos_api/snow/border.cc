// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/border.h"

#include <algorithm>

#include "nodeos_api/send_addr.h"
#include "nodeos_api/snow/runs.h"

namespace weft::snow {

Border::Border(GeniNode& node, ShmMemory memory, Domain& payer, const PoolShare& share)
    : node_(node), ring_(std::move(memory), node.pool()), payer_(payer.account()), share_(share) {
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

// `leads_to` is what the queue is of: `to`, or the channel of an address, which has a use already.
Result<Opening> Border::open(an_Kind kind, uint64_t to, uint64_t leads_to) {
  Result<Opening> opening = kNoOpening;
  node_.worker().call([&] {
    const auto queue = queues_.find(leads_to);
    if (to != leads_to && queue == queues_.end()) {
      opening = Error{Code::kDead, "the channel of the address is closed"};
      return;
    }
    opening = ring_.open("", nullptr, kNoOpening);
    if (!opening) return;
    const uint16_t index = ShmRing::index(*opening);
    if (uses_.size() <= index) uses_.resize(size_t{index} + 1);
    uses_[index] = {.opening = opening->id, .kind = kind, .to = to};
    if (to == leads_to) {
      queues_[to] = uses_[index].leads_to = index;
    } else {
      uses_[index].leads_to = queue->second;
    }
  });
  return opening;
}

Result<Opening> Border::open(InChannel& channel) {
  const auto handle = reinterpret_cast<uint64_t>(channel.handle());
  auto opening = open(AN_INCHAN, handle, handle);
  if (opening) node_.worker().call([&] { channel.deliver_across(ring_, *opening); });
  return opening;
}

Result<Opening> Border::open(OutChannel& channel) {
  const auto handle = reinterpret_cast<uint64_t>(channel.handle());
  return open(AN_OUTCHAN, handle, handle);
}

Result<Opening> Border::open(SendAddr& to) {
  return open(AN_SENDADDR, reinterpret_cast<uint64_t>(to.handle()),
              reinterpret_cast<uint64_t>(to.channel().handle()));
}

void Border::close(Opening which) {
  node_.worker().call([&] {
    const uint16_t index = ShmRing::index(which);
    if (index >= uses_.size() || uses_[index].opening != which.id) return;
    if (uses_[index].leads_to == index) queues_.erase(uses_[index].to);
    uses_[index] = {};
    std::erase(watched_, index);
    ring_.close(which);
  });
}

// --- on the worker -------------------------------------------------------------

// The number is the EE's: it may be any.
Border::Use* Border::use(uint32_t opening) {
  const uint16_t index = ShmRing::index(Opening{opening});
  return index < uses_.size() && uses_[index].opening == opening ? &uses_[index] : nullptr;
}

// Null when what it goes to has ended.
const EndQueue* Border::queue(const Use& use) const {
  void* const object = handles().find(use.to, use.kind).object;
  if (object == nullptr) return nullptr;
  return &(use.kind == AN_OUTCHAN ? static_cast<OutChannel*>(object)->queue()
                                  : static_cast<InChannel*>(object)->queue());
}

// What was taken and does not wait has left.  Whether any of it may wait.  An incoming channel's
// queue fills from the other side too.
bool Border::tell_left(Use& use) {
  const EndQueue* const waits = queue(use);
  if (waits == nullptr) return false;
  const uint32_t left = use.taken - uint32_t(waits->size());
  if (left != use.told_left) ring_.tell_left(Opening{use.opening}, left);
  use.told_left = left;
  return use.kind == AN_INCHAN || !waits->empty();
}

void Border::tell_left_of_watched() {
  std::erase_if(watched_, [this](uint16_t index) {
    uses_[index].watched = tell_left(uses_[index]);
    return !uses_[index].watched;
  });
}

bool Border::falls_asleep() {
  tell_all_left();
  return waiting_.empty() && ring_.falls_asleep();
}

void Border::take_all() {
  node_.worker().call([this] {
    for (size_t most = ring_.entries(); most > 0;) {
      Pvec v;
      pull(Opening{0}, v, Pvec::kCapacity);
      most -= std::min(most, v.size());
      if (v.empty()) return;
      push(Opening{0}, v);
      if (!waiting_.empty()) return;
    }
  });
}

void Border::pull(Opening which, Pvec& v, size_t max) {
  tell_all_left();
  if (!waiting_.empty()) {
    v.append(waiting_);
    return;
  }
  if (!ring_.offers()) return;
  payer_.begin();
  ring_.pull(which, v, max, share_.room());
  payer_.end(v.size());
}

void Border::send_by(OutChannel& channel, const Aim* aim, Pvec& run) {
  channel.send_across(run, aim);
  if (!run.empty() && channel.never_takes(*run[0])) {
    drop(run.pop_front(), DropReason::kInQueueFull, drops_);
  }
}

// Takes from the front of `run`.  What it goes to may have ended.
void Border::send(uint32_t opening, Pvec& run) {
  Use* const to = use(opening);
  void* const object = to != nullptr ? handles().find(to->to, to->kind).object : nullptr;
  if (object == nullptr) return drop(run, DropReason::kPathClosed, drops_);
  const size_t offered = run.size();
  for (Packet* p : run) p->next_hop = Packet::kNoNextHop;
  if (to->kind == AN_OUTCHAN) {
    send_by(*static_cast<OutChannel*>(object), nullptr, run);
  } else if (to->kind == AN_SENDADDR) {
    const auto& address = *static_cast<SendAddr*>(object);
    send_by(address.channel(), &address.aim(), run);
  } else {
    static_cast<InChannel*>(object)->take_across(run);
    if (share_.room() > 0) drop(run, DropReason::kOutQueueFull, drops_);
  }
  for (Packet* p : run) p->next_hop = opening;
  Use& with_queue = uses_[to->leads_to];
  with_queue.taken += uint32_t(offered - run.size());
  if (!std::exchange(with_queue.watched, true)) watched_.push_back(to->leads_to);
}

void Border::push(Opening, Pvec& v) {
  for_each_run(v, [&](uint32_t opening, Pvec& run) {
    send(opening, run);
    waiting_.append(run);
    if (!waiting_.empty()) waiting_.append(v);
  });
}

}  // namespace weft::snow
