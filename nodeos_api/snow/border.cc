// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/snow/border.h"

#include "nodeos_api/snow/runs.h"

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

Result<Opening> Border::open(uint64_t channel) {
  Result<Opening> opening = kNoOpening;
  node_.worker().call([&] {
    opening = ring_.open("", nullptr, kNoOpening);
    if (!opening) return;
    const uint16_t index = ShmRing::index(*opening);
    if (uses_.size() <= index) uses_.resize(size_t{index} + 1);
    uses_[index] = {opening->id, channel};
  });
  return opening;
}

Result<Opening> Border::open(InChannel& channel) {
  auto opening = open(uint64_t{0});
  if (opening) node_.worker().call([&] { channel.deliver_across(ring_, *opening); });
  return opening;
}

Result<Opening> Border::open(OutChannel& channel) {
  return open(reinterpret_cast<uint64_t>(channel.handle()));
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
OutChannel* Border::channel(uint32_t opening) const {
  const uint16_t index = ShmRing::index(Opening{opening});
  if (index >= uses_.size() || uses_[index].opening != opening || uses_[index].channel == 0) return nullptr;
  return static_cast<OutChannel*>(handles().find(uses_[index].channel, AN_OUTCHAN).object);
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

// Takes from the front of `run`.
void Border::send(uint32_t opening, Pvec& run) {
  OutChannel* to = channel(opening);
  if (to == nullptr) {
    drop(run, DropReason::kPathClosed, drops_);
    return;
  }
  for (Packet* p : run) p->next_hop = Packet::kNoNextHop;
  to->send_across(run);
  if (!run.empty() && to->never_takes(*run[0])) {
    drop(run.pop_front(), DropReason::kInQueueFull, drops_);
  }
  for (Packet* p : run) p->next_hop = opening;
}

void Border::push(Opening, Pvec& v) {
  for_each_run(v, [&](uint32_t opening, Pvec& run) {
    send(opening, run);
    waiting_.append(run);
    if (!waiting_.empty()) waiting_.append(v);
  });
}

}  // namespace weft::snow
