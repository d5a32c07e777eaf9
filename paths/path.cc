// SPDX-License-Identifier: Apache-2.0
#include "paths/path.h"

#include "base/clock.h"
#include "partner/pool.h"

namespace weft {

namespace {

uint64_t bytes_in(const Pvec& v) {
  uint64_t n = 0;
  for (const Packet* p : v) n += p->total_length();
  return n;
}

}  // namespace

Path::Path(PathSpec spec, PathQueues queues, Account* parent)
    : spec_(std::move(spec)),
      text_(to_text(spec_)),
      in_{EndQueue(queues.in), EndQueue(queues.in)},
      out_{EndQueue(queues.out), EndQueue(queues.out)},
      account_(parent) {}

Path::~Path() { assert(!runnable() && !backlogged()); }

void Path::append(std::string name, std::unique_ptr<Stage> stage) {
  stage->path_ = this;
  stage->index_ = uint16_t(stages_.size());
  stages_.push_back(std::make_unique<StageRecord>());
  stages_.back()->name = std::move(name);
  stages_.back()->stage = std::move(stage);
}

Result<void> Path::establish() {
  for (auto& record : stages_) {
    if (auto done = record->stage->establish(); !done) return done;
  }
  return {};
}

void Path::join(End end, Partner* partner, Opening opening) { joints_[size_t(end)] = {partner, opening}; }

bool Path::enqueue(End end, PacketPtr p) {
  EndQueue& queue = in_[size_t(end)];
  const bool was_runnable = runnable();
  const uint32_t bytes = p->total_length();
  p->path = id_;
  ledger_.in_packets.add(1);
  ledger_.in_bytes.add(bytes);
  if (!queue.push_back(p)) {
    weft::drop(std::move(p), DropReason::kInQueueFull, ledger_.drops);
    return false;
  }
  if (!was_runnable && host_ != nullptr) host_->ready(*this);
  return true;
}

void Path::enqueue(End end, std::span<Packet* const> packets) {
  EndQueue& queue = in_[size_t(end)];
  const bool was_runnable = !queue.empty() || runnable();
  ledger_.in_packets.add(packets.size());
  const uint64_t bytes_before = queue.bytes();
  uint64_t refused_bytes = 0;
  for (Packet* p : packets) p->path = id_;
  while (!packets.empty()) {
    packets = packets.subspan(queue.append(packets));
    if (packets.empty()) break;
    refused_bytes += packets[0]->total_length();
    weft::drop(PacketPtr(packets[0]), DropReason::kInQueueFull, ledger_.drops);
    packets = packets.subspan(1);
  }
  ledger_.in_bytes.add(queue.bytes() - bytes_before + refused_bytes);
  if (!was_runnable && !queue.empty() && host_ != nullptr) host_->ready(*this);
}

void Path::enqueue(End end, Pvec& v) {
  EndQueue& queue = in_[size_t(end)];
  while (!v.empty() && queue.size() < queue.capacity()) enqueue(end, v.pop_front());
}

size_t Path::run() {
  const uint64_t start = cycles();
  size_t taken = 0;
  for (Dir dir : {Dir::kForward, Dir::kBackward}) {
    Pvec v;
    in_[size_t(entry(dir))].pop_into(v);
    if (v.empty()) continue;
    taken += v.size();
    pass(dir, dir == Dir::kForward ? 0 : stages_.size() - 1, v);
  }
  account_.charge_cycles(cycles() - start);
  return taken;
}

// Every switch from one stage to another passes here, so the cycles of a stage
// are those between its being entered and the next switch.
void Path::pass(Dir dir, size_t index, Pvec& v) {
  if (v.empty()) return;
  if (tap_ != nullptr) tap_->see(dir == Dir::kForward ? index : index + 1, dir, v);
  StageRecord* const from = running_;
  const uint64_t now = cycles();
  if (from != nullptr) from->counters.cycles.add(now - running_since_);
  running_since_ = now;
  if (index < stages_.size()) {
    StageRecord& to = *stages_[index];
    to.counters.calls.add(1);
    to.counters.packets.add(v.size());
    running_ = &to;
    to.stage->deliver(dir, v);
    const uint64_t done = cycles();
    to.counters.cycles.add(done - running_since_);
    running_since_ = done;
    assert(v.empty());
  } else {
    running_ = nullptr;
    leave(opposite(entry(dir)), v);
    running_since_ = cycles();
  }
  running_ = from;
}

void Path::give(End end, Pvec& v) {
  const Joint& joint = joints_[size_t(end)];
  if (joint.partner == nullptr) return;
  const size_t packets = v.size();
  const uint64_t bytes = bytes_in(v);
  joint.partner->push(joint.opening, v);
  const uint64_t taken = bytes - bytes_in(v);
  ledger_.out_packets.add(packets - v.size());
  ledger_.out_bytes.add(taken);
  account_.charge_bits(taken * 8);
}

void Path::leave(End end, Pvec& v) {
  EndQueue& waiting = out_[size_t(end)];
  if (waiting.empty()) give(end, v);
  if (v.empty()) return;
  const bool was_backlogged = backlogged() || joints_[size_t(end)].partner == nullptr;
  while (!v.empty()) {
    PacketPtr p = v.pop_front();
    if (!waiting.push_back(p)) weft::drop(std::move(p), DropReason::kOutQueueFull, ledger_.drops);
  }
  if (!was_backlogged && backlogged() && host_ != nullptr) host_->backlogged(*this);
}

void Path::take(End end, Pvec& v, size_t max) {
  EndQueue& waiting = out_[size_t(end)];
  for (; max > 0 && !waiting.empty(); --max) {
    PacketPtr p = waiting.pop_front();
    const uint32_t bytes = p->total_length();
    ledger_.out_packets.add(1);
    ledger_.out_bytes.add(bytes);
    account_.charge_bits(uint64_t{bytes} * 8);
    v.push_back(std::move(p));
  }
}

bool Path::flush() {
  for (End end : {End::kNear, End::kFar}) {
    EndQueue& waiting = out_[size_t(end)];
    while (!waiting.empty()) {
      Pvec v;
      waiting.pop_into(v);
      give(end, v);
      if (v.empty()) continue;
      waiting.put_back(v);
      break;
    }
  }
  return !backlogged();
}

void Path::close() {
  for (auto& record : stages_) record->stage->close();
  for (EndQueue* queue : {&in_[0], &in_[1], &out_[0], &out_[1]}) {
    while (!queue->empty()) weft::drop(queue->pop_front(), DropReason::kPathClosed, ledger_.drops);
  }
}

uint64_t Path::held() const {
  uint64_t n = in_[0].length() + in_[1].length() + out_[0].length() + out_[1].length();
  for (const auto& record : stages_) n += record->stage->held();
  return n;
}

uint64_t Path::dropped() const {
  uint64_t n = ledger_.drops.total();
  for (const auto& record : stages_) n += record->counters.drops.total();
  return n;
}

uint64_t Path::dropped(DropReason reason) const {
  uint64_t n = ledger_.drops[reason];
  for (const auto& record : stages_) n += record->counters.drops[reason];
  return n;
}

}  // namespace weft
