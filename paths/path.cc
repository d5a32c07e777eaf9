// SPDX-License-Identifier: Apache-2.0
#include "paths/path.h"

#include <algorithm>

#include "partner/pool.h"

namespace weft {

namespace {

uint64_t bytes_in(const Pvec& v) { return total_length(v.begin(), v.size()); }

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

void Path::police(const Tspec& spec, const PathHost& time) {
  police_ = std::make_unique<Meter>(Meter{RateMeter(spec, time.now_ns()), time});
}

void Path::shape(const Tspec& spec, const PathHost& time) {
  shape_ = std::make_unique<Meter>(Meter{RateMeter(spec, time.now_ns()), time});
}

void Path::draw_on(PoolShare& share) {
  for (EndQueue* queue : {&in_[0], &in_[1], &out_[0], &out_[1]}) queue->draw_on(share);
}

void Path::enqueue(End end, std::span<Packet* const> packets) {
  EndQueue& queue = in_[size_t(end)];
  if (!policed(end)) {
    const bool was_empty = queue.empty();
    packets = packets.subspan(queue.append(packets, id_));
    announce(queue, was_empty);
  }
  for (Packet* p : packets) enqueue_and_tell(end, PacketPtr(p));
}

bool Path::enqueue_and_tell(End end, PacketPtr p) {
  if (policed(end)) {
    police_->bucket.fill(police_->time.now_ns());
    if (!police_->bucket.take(p->total_length())) return lose(std::move(p), DropReason::kRateLimited);
  }
  EndQueue& queue = in_[size_t(end)];
  const bool was_empty = queue.empty();
  if (!queue.fits(p->total_length()) && !make_room(queue, *p, DropReason::kInQueueFull)) {
    return lose(std::move(p), DropReason::kInQueueFull);
  }
  Packet* const fits = p.release();
  queue.append({&fits, 1}, id_);
  announce(queue, was_empty);
  if (!policed(end)) queue.calm();
  return true;
}

bool Path::lose(PacketPtr p, DropReason reason) {
  count_in(1, p->total_length());
  weft::drop(std::move(p), reason, drops_);
  return false;
}

bool Path::make_room(EndQueue& queue, const Packet& p, DropReason reason) {
  if (!queue.may_displace(p.total_length())) return false;
  while (!queue.empty() && !queue.fits(p.total_length())) weft::drop(queue.displace(), reason, drops_);
  return queue.fits(p.total_length());
}

void Path::announce(const EndQueue& queue, bool was_empty) {
  if (host_ == nullptr || queue.empty()) return;
  if (was_empty) host_->ready(*this);
  if (queue.size() >= queue.laden_at()) host_->laden();
}

void Path::enqueue(End end, Pvec& v) {
  EndQueue& queue = in_[size_t(end)];
  const bool was_empty = queue.empty();
  append_or_displace(queue, v, DropReason::kInQueueFull);
  if (was_empty || queue.size() >= queue.laden_at()) announce(queue, was_empty);
}

size_t Path::append_or_displace(EndQueue& queue, Pvec& v, DropReason reason) {
  size_t appended = 0;
  do {
    const size_t n = queue.append({v.begin(), v.size()}, id_);
    v.release_front(n);
    appended += n;
  } while (!v.empty() && make_room(queue, *v[0], reason));
  return appended;
}

void Path::enqueue_behind(Pvec& v) {
  EndQueue& waiting = out_[size_t(End::kFar)];
  const uint64_t packets = waiting.accepted(), bytes = waiting.accepted_bytes();
  append_or_displace(waiting, v, DropReason::kOutQueueFull);
  count_in(waiting.accepted() - packets, waiting.accepted_bytes() - bytes);
  if (!waiting.empty() && host_ != nullptr) host_->backlogged(*this);
}

// The first of so many runs is timed stage by stage: reading the cycle counter at every switch
// costs as much as a packet's work.
size_t Path::run() {
  timed_ = meter_.begin();
  size_t taken = run(Dir::kForward);
  taken += run(Dir::kBackward);
  meter_.end(taken);
  timed_ = false;
  return taken;
}

[[gnu::always_inline]] inline size_t Path::run(Dir dir) {
  EndQueue& queue = in_[size_t(entry(dir))];
  if (queue.empty()) return 0;
  Pvec v;
  const uint64_t bytes = queue.pop_into(v);
  const size_t taken = v.size();
  pass(dir, dir == Dir::kForward ? 0 : stages_.size() - 1, v, bytes);
  return taken;
}

void Path::pass(Dir dir, size_t index, Pvec& v, uint64_t bytes) {
  if (v.empty()) return;
  StageRecord* const from = running_;
  for (;; index += dir == Dir::kForward ? 1 : size_t(-1)) {
    if (tap_ != nullptr) tap_->see(dir == Dir::kForward ? index : index + 1, dir, v);
    if (index >= stages_.size()) {
      work(nullptr);
      leave(opposite(entry(dir)), v, bytes);
      break;
    }
    StageRecord& to = *stages_[index];
    to.counters.calls.add(1);
    to.counters.packets.add(v.size());
    if (timed_) to.counters.timed_packets.add(v.size());
    work(&to);
    if (to.stage->only_hands_on()) continue;
    to.stage->deliver(dir, v);
    assert(v.empty());
    break;
  }
  work(from);
}

// Every switch from one stage to another passes here, so the cycles of a stage are
// those between its being entered and the next switch.
inline void Path::work(StageRecord* to) {
  if (timed_) [[unlikely]] {
    const uint64_t now = cycles();
    if (running_ != nullptr) running_->counters.cycles.add(now - running_since_);
    running_since_ = now;
  }
  running_ = to;
}

void Path::leave(End end, Pvec& v, uint64_t bytes) {
  EndQueue& waiting = out_[size_t(end)];
  if (waiting.empty()) give(end, v, bytes);
  if (v.empty()) return;
  const bool was_backlogged = backlogged() || joints_[size_t(end)].partner == nullptr;
  while (!v.empty()) {
    append_or_displace(waiting, v, DropReason::kOutQueueFull);
    if (!v.empty()) weft::drop(v.pop_front(), DropReason::kOutQueueFull, drops_);
  }
  if (!was_backlogged && backlogged() && host_ != nullptr) host_->backlogged(*this);
}

inline void Path::give(End end, Pvec& v, uint64_t bytes) {
  if (shape_ != nullptr && end == End::kFar) [[unlikely]]
    return give_shaped(v);
  give_now(end, v, bytes);
}

void Path::give_shaped(Pvec& v) {
  shape_->bucket.fill(shape_->time.now_ns());
  size_t n = 0;
  while (n < v.size() && shape_->bucket.take(v[n]->total_length())) ++n;
  Pvec conforming;
  conforming.adopt({v.begin(), n});
  v.release_front(n);
  give_now(End::kFar, conforming, kNotSummed);
  for (const Packet* refused : conforming) shape_->bucket.give_back(refused->total_length());
  v.prepend(conforming);
}

inline void Path::give_now(End end, Pvec& v, uint64_t bytes) {
  const Joint& joint = joints_[size_t(end)];
  if (joint.partner == nullptr) return;
  const size_t packets = v.size();
  if (bytes == kNotSummed) bytes = bytes_in(v);
  joint.partner->push(joint.opening, v);
  const uint64_t taken = v.empty() ? bytes : bytes - bytes_in(v);
  out_packets_.add(packets - v.size());
  out_bytes_.add(taken);
  account_.charge_bits(taken * 8);
}

void Path::take(End end, Pvec& v, size_t max) {
  EndQueue& waiting = out_[size_t(end)];
  for (; max > 0 && !waiting.empty(); --max) {
    PacketPtr p = waiting.pop_front();
    const uint32_t bytes = p->total_length();
    out_packets_.add(1);
    out_bytes_.add(bytes);
    account_.charge_bits(uint64_t{bytes} * 8);
    v.push_back(std::move(p));
  }
}

bool Path::flush() {
  for (End end : {End::kNear, End::kFar}) {
    EndQueue& waiting = out_[size_t(end)];
    // What a partner puts here meanwhile waits for the next time.
    for (size_t left = waiting.size(); left > 0;) {
      Pvec v;
      const uint64_t bytes = waiting.pop_into(v);
      left -= std::min(left, v.size());
      give(end, v, bytes);
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
    while (!queue->empty()) weft::drop(queue->pop_front(), DropReason::kPathClosed, drops_);
  }
}

Path::Ledger Path::ledger() const {
  const EndQueue &near = in_[size_t(End::kNear)], &far = in_[size_t(End::kFar)];
  return {.in_packets = near.accepted() + far.accepted() + in_packets_.value() + fused_packets(),
          .in_bytes = near.accepted_bytes() + far.accepted_bytes() + in_bytes_.value(),
          .out_packets = out_packets_.value() + fused_packets(),
          .out_bytes = out_bytes_.value(),
          .made = made_.value(),
          .drops = drops_};
}

uint64_t Path::held() const {
  uint64_t n = in_[0].size() + in_[1].size() + out_[0].size() + out_[1].size();
  for (const auto& record : stages_) n += record->stage->held();
  return n;
}

uint64_t Path::dropped() const {
  uint64_t n = drops_.total();
  for (const auto& record : stages_) n += record->counters.drops.total();
  return n;
}

uint64_t Path::dropped(DropReason reason) const {
  uint64_t n = drops_[reason];
  for (const auto& record : stages_) n += record->counters.drops[reason];
  return n;
}

}  // namespace weft
