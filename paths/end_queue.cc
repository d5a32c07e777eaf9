// SPDX-License-Identifier: Apache-2.0
#include "paths/end_queue.h"

#include <utility>

#include "paths/pool_share.h"

namespace weft {

namespace {

uint64_t slots_of(std::span<Packet* const> packets) {
  uint64_t n = 0;
  for (const Packet* p : packets) n += p->segs;
  return n;
}

}  // namespace

bool EndQueue::share_has_room() const { return spare_slots_ > 0 || share_->room() > 0; }

void EndQueue::take_slots(uint64_t n) {
  if (spare_slots_ > 0) [[unlikely]]
    give_back_slots(std::exchange(spare_slots_, 0));
  slots_ += n;
  share_->take(n);
}

void EndQueue::give_back_slots(uint64_t n) {
  slots_ -= n;
  share_->give_back(n);
}

size_t EndQueue::append_one(Packet* p, uint16_t path) {
  const uint32_t length = p->total_length();
  if (!has_place(length) || (share_ != nullptr && !share_has_room())) [[unlikely]]
    return 0;
  const uint64_t at = pushed_.value();
  ring_[at & mask_] = p;
  p->path = path;
  pushed_.set(at + 1);
  pushed_bytes_.add(length);
  if (share_ != nullptr) [[unlikely]]
    take_slots(p->segs);
  return 1;
}

size_t EndQueue::append_all(std::span<Packet* const> packets, uint16_t path) {
  if (spare_slots_ > 0 && !packets.empty()) [[unlikely]]
    return append_one(packets[0], path);
  size_t n = std::min(packets.size(), capacity() - size());
  if (share_ != nullptr) [[unlikely]]
    n = share_->fitting(packets.first(n));
  uint64_t more = 0, chained = 0;
#pragma GCC unroll 4
  for (size_t i = 0; i < n; ++i) {
    packets[i]->path = path;
    more += packets[i]->length;
    chained |= reinterpret_cast<uintptr_t>(packets[i]->next);
  }
  if (chained != 0) [[unlikely]]
    more = total_length(packets.data(), n);
  while (more > max_bytes_ - bytes()) [[unlikely]] more -= packets[--n]->total_length();
  const uint64_t at = pushed_.value(), first = at & mask_;
  const size_t unbroken = std::min(n, capacity() - first);
  std::copy_n(packets.data(), unbroken, &ring_[first]);
  if (n != unbroken) std::copy_n(packets.data() + unbroken, n - unbroken, &ring_[0]);
  pushed_.set(at + n);
  pushed_bytes_.add(more);
  if (share_ != nullptr) [[unlikely]]
    take_slots(chained == 0 ? n : slots_of(packets.first(n)));
  return n;
}

uint64_t EndQueue::pop_into(Pvec& v) {
  const size_t n = std::min(size(), v.room());
  const bool all = n == size();
  const size_t first = popped_.value() & mask_;
  const size_t unbroken = std::min(n, capacity() - first);
  v.adopt({&ring_[first], unbroken});
  if (n != unbroken) [[unlikely]]
    v.adopt({&ring_[0], n - unbroken});
  const uint64_t bytes = all ? this->bytes() : total_length(v.end() - n, n);
  if (share_ != nullptr) [[unlikely]]
    give_back_slots(all ? slots_ : slots_of({v.end() - n, n}));
  popped_bytes_.add(bytes);
  popped_.add(n);
  calm_until_ = 0;
  return bytes;
}

void EndQueue::put_back(Pvec& v) {
  uint64_t at = popped_.value();
  for (size_t i = v.size(); i > 0; --i) ring_[--at & mask_] = v[i - 1];
  popped_.set(at);
  calm_until_ = 0;
  popped_bytes_.set(popped_bytes_.value() - total_length(v.begin(), v.size()));
  if (share_ != nullptr) [[unlikely]]
    take_slots(slots_of({v.begin(), v.size()}));
  v.release_all();
}

}  // namespace weft
