// SPDX-License-Identifier: Apache-2.0
#include "partner/shm_guest.h"

#include <algorithm>

namespace weft {

ShmGuest::ShmGuest(ShmMemory& memory, Pool& pool)
    : memory_(memory), pool_(pool), lent_(pool.capacity()), flights_(memory.layout().entries) {
  lend();
}

ShmGuest::~ShmGuest() {
  for (; landed_ != tx_; ++landed_) PacketPtr lands(flight(landed_));
  uint8_t* const slots = pool_.memory().data() + 64;
  for (size_t i = 0; i < lent_.size(); ++i) {
    if (lent_[i]) Pool::free(reinterpret_cast<Packet*>(slots + i * Packet::kStride));
  }
}

Result<Opening> ShmGuest::open(std::string_view, Partner*, Opening) {
  return Error{Code::kUnsupported, "the openings of a shared-memory ring are the node's to make"};
}

Result<Reply> ShmGuest::control(Opening, const Request& request) {
  if (std::holds_alternative<StatsRequest>(request)) return Reply{&stats_};
  return Error{Code::kUnsupported, "this end of a shared-memory ring answers to its counters"};
}

ShmGuest::Way& ShmGuest::new_way(Opening which) {
  const size_t index = uint16_t(which.id);
  if (ways_.size() <= index) ways_.resize(index + 1);
  ways_[index] = {};
  ways_[index].opening = ways_[index].leads_to = which.id;
  return ways_[index];
}

void ShmGuest::open(Opening which, const Queue& queue) {
  Way& way = new_way(which);
  way.queue = queue;
  if (!queue.displaces) way.lengths.resize(queue.packets);
}

void ShmGuest::share(Opening which, Opening to) { new_way(which).leads_to = to.id; }

void ShmGuest::Way::enter(uint32_t length) {
  if (queue.displaces) return;
  lengths[sent++ & (queue.packets - 1)] = length;
  bytes += length;
}

void ShmGuest::Way::leave(uint32_t left_now) {
  if (queue.displaces) return;
  told_left = left_now;
  for (; int32_t(left_now - left) > 0 && left != sent; ++left) bytes -= lengths[left & (queue.packets - 1)];
}

void ShmGuest::close(Opening which) {
  if (Way* closed = way(which.id)) *closed = {};
}

// --- to the node -------------------------------------------------------------

// What the node has passed was transmitted.
void ShmGuest::reap() {
  const uint32_t passed = memory_.tx().consumer.load(std::memory_order_acquire);
  for (; landed_ != passed; ++landed_) PacketPtr lands(flight(landed_));
}

// Descriptors for all pieces that are not empty, or for one that is.
bool ShmGuest::write(Opening which, const Packet& p, uint32_t room) {
  if (p.segs > room) return false;
  const uint32_t mask = uint32_t(flights_.size()) - 1;
  for (const Packet* s = &p; s != nullptr; s = s->next) {
    const bool last = s->next == nullptr;
    memory_.tx_descriptors()[tx_ & mask] = {.opening = which.id,
                                            .offset = uint32_t(s->data - memory_.base()),
                                            .length = s->length,
                                            .more = !last,
                                            .port = 0,
                                            .timestamp = 0,
                                            .reserved = 0};
    flight(tx_++) = last ? const_cast<Packet*>(&p) : nullptr;
  }
  return true;
}

void ShmGuest::push(Opening which, Pvec& v) {
  reap();
  const Way* const own = way(which.id);
  Way* const found = own != nullptr ? way(own->leads_to) : nullptr;
  if (found == nullptr) return;
  Way& way = *found;
  way.leave(memory_.left_counts()[uint16_t(way.opening)].load(std::memory_order_acquire));
  size_t taken = 0;
  uint64_t bytes = 0;
  for (; taken < v.size(); ++taken) {
    const Packet& p = *v[taken];
    const uint32_t length = p.total_length();
    if (!way.has_room(length)) break;
    if (!write(which, p, uint32_t(flights_.size()) - (tx_ - landed_))) break;
    way.enter(length);
    bytes += length;
  }
  stats_.refused.add(v.size() - taken);
  v.release_front(taken);
  if (taken == 0) return;
  stats_.tx_packets.add(taken);
  stats_.tx_bytes.add(bytes);
  memory_.tx().producer.store(tx_, std::memory_order_seq_cst);
  if (memory_.tx().consumer_sleeps.load(std::memory_order_seq_cst) == 0) return;
  memory_.tx().consumer_sleeps.store(0, std::memory_order_relaxed);
  memory_.ring_bell();
}

// --- from the node -----------------------------------------------------------

void ShmGuest::lend() {
  const uint32_t mask = memory_.layout().entries - 1;
  uint32_t room = mask + 1 - (fill_ - memory_.fill().consumer.load(std::memory_order_acquire));
  if (pool_.available() == 0 || room == 0) return;
  for (; pool_.available() > 0 && room > 0; --room) {
    Packet* p = pool_.alloc().release();
    lent_[p->slot] = true;
    memory_.fill_offsets()[fill_++ & mask] = uint32_t(p->data - memory_.base());
  }
  memory_.fill().producer.store(fill_, std::memory_order_release);
}

// The slot in which the offset lies, if the node has it; null otherwise.
Packet* ShmGuest::returned(uint32_t offset) {
  const size_t slot = (memory_.base() + offset - (pool_.memory().data() + 64)) / Packet::kStride;
  if (slot >= lent_.size() || !lent_[slot]) return nullptr;
  lent_[slot] = false;
  return reinterpret_cast<Packet*>(pool_.memory().data() + 64 + slot * Packet::kStride);
}

void ShmGuest::pull(Opening, Pvec& v, size_t max) {
  reap();
  const uint32_t produced = memory_.rx().producer.load(std::memory_order_acquire);
  const uint32_t mask = memory_.layout().entries - 1;
  uint64_t bytes = 0;
  size_t got = 0;
  while (rx_ != produced && got < max) {
    PacketPtr whole;
    Packet* last = nullptr;
    for (bool more = true; more && rx_ != produced;) {
      const ShmDescriptor& d = memory_.rx_descriptors()[rx_++ & mask];
      more = d.more != 0;
      Packet* p = returned(d.offset);
      if (p == nullptr) continue;
      p->length = d.length;
      bytes += d.length;
      if (last != nullptr) {
        last->next = p;
        ++whole->segs;
      } else {
        whole.reset(p);
        p->next_hop = d.opening;
        p->in_port = d.port;
        p->timestamp = d.timestamp;
      }
      last = p;
    }
    if (!whole) continue;
    v.push_back(std::move(whole));
    ++got;
  }
  if (got > 0) {
    memory_.rx().consumer.store(rx_, std::memory_order_release);
    stats_.rx_packets.add(got);
    stats_.rx_bytes.add(bytes);
  }
  lend();
}

// --- sleep -------------------------------------------------------------------

bool ShmGuest::falls_asleep() {
  memory_.rx().consumer_sleeps.store(1, std::memory_order_seq_cst);
  return memory_.rx().producer.load(std::memory_order_seq_cst) == rx_;
}

void ShmGuest::wakes() {
  memory_.rx().consumer_sleeps.store(0, std::memory_order_relaxed);
  memory_.hear_bell();
}

}  // namespace weft
