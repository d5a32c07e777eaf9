// SPDX-License-Identifier: Apache-2.0
#include "partner/shm_guest.h"

#include <algorithm>

namespace weft {

namespace {

constexpr uint32_t kReapEvery = 16;     // descriptors at most; then what the node has passed is asked for
constexpr uint32_t kReapWhenIdle = 64;  // or after so many pulls that brought nothing

}  // namespace

ShmGuest::ShmGuest(ShmMemory& memory, Pool& pool)
    : memory_(memory),
      pool_(pool),
      reap_every_(std::min(kReapEvery, memory.layout().entries / 64)),
      lent_(pool.capacity()),
      flights_(memory.layout().entries) {
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
  const uint32_t passed = memory_.control().tx_taken.load(std::memory_order_acquire);
  for (; landed_ != passed; ++landed_) PacketPtr lands(flight(landed_));
  idle_pulls_ = 0;
}

void ShmGuest::hear_left(Way& way) {
  way.leave(memory_.left_counts()[uint16_t(way.opening)].load(std::memory_order_acquire));
}

// What only this process fills has at least the room that it was known to have.
bool ShmGuest::has_room(Way& way, uint32_t length) {
  if (way.has_room(length)) return true;
  if (!way.queue.displaces) hear_left(way);
  return way.has_room(length);
}

// Descriptors for all pieces.  False when the ring has no room.
inline bool ShmGuest::write(Opening which, const Packet& p, ShmWriter& tx) {
  const auto room = [&] { return flights_.size() - (tx.at() - landed_); };
  if (p.segs > room()) reap();
  if (p.segs > room()) return false;
  for (const Packet* s = &p; s != nullptr; s = s->next) {
    const bool last = s->next == nullptr;
    flight(tx.at()) = last ? const_cast<Packet*>(&p) : nullptr;
    tx.add({.opening = which.id,
            .offset = uint32_t(s->data - memory_.base()),
            .length = s->length,
            .more = !last,
            .port = 0,
            .timestamp = 0,
            .turn = 0,
            .given = 0});
  }
  return true;
}

void ShmGuest::push(Opening which, Pvec& v) {
  ShmWriter tx(memory_.tx_descriptors(), memory_.layout().entries, tx_);
  const Way* const own = way(which.id);
  Way* const found = own != nullptr ? way(own->leads_to) : nullptr;
  if (found == nullptr) return;
  Way& way = *found;
  if (way.queue.shared) hear_left(way);
  size_t taken = 0;
  uint64_t bytes = 0;
  for (; taken < v.size(); ++taken) {
    const Packet& p = *v[taken];
    const uint32_t length = p.total_length();
    if (!has_room(way, length) || !write(which, p, tx)) break;
    way.enter(length);
    bytes += length;
  }
  stats_.refused.add(v.size() - taken);
  v.release_front(taken);
  if (taken == 0) return;
  tx.publish();
  tx_ = tx.at();
  stats_.tx_packets.add(taken);
  stats_.tx_bytes.add(bytes);
  memory_.wake(memory_.control().node_sleeps);
  if (tx_ - landed_ >= reap_every_) reap();  // the line is the node's: what goes does not wait for it
}

// --- from the node -----------------------------------------------------------

// The ring has room for all of the pool.
void ShmGuest::lend() {
  if (pool_.available() == 0) return;
  const uint32_t mask = memory_.layout().entries - 1;
  const uint8_t* const base = memory_.base();
  uint32_t* const fill = memory_.fill_offsets();
  uint8_t* const lent = lent_.data();
  uint32_t at = fill_;
  while (pool_.available() > 0) {
    Pvec v;
    pool_.alloc(v, std::min(pool_.available(), Pvec::kCapacity));
    for (const Packet* p : v) {
      lent[p->slot] = 1;
      fill[at++ & mask] = uint32_t(p->data - base);
    }
    v.release_all();
  }
  fill_ = at;
  memory_.control().fill_lent.store(fill_, std::memory_order_release);
}

inline Packet* ShmGuest::returned(const ShmDescriptor& d) {
  uint8_t* const slots = pool_.memory().data() + 64;
  const size_t slot = uint32_t(d.offset - uint32_t(slots - memory_.base())) / uint32_t{Packet::kStride};
  if (slot >= lent_.size() || lent_[slot] == 0) [[unlikely]]
    return nullptr;
  lent_[slot] = 0;
  auto* const p = reinterpret_cast<Packet*>(slots + slot * Packet::kStride);
  p->length = d.length;
  p->next_hop = d.opening;
  p->in_port = d.port;
  p->timestamp = d.timestamp;
  return p;
}

// The packet of `first`, which may be null, and of the pieces that follow it.
[[gnu::noinline]] Packet* ShmGuest::join_rest(Packet* first) {
  Packet* last = first;
  for (bool more = true; more && turn_has_come(rx_descriptor(rx_), rx_);) {
    const ShmDescriptor& d = rx_descriptor(rx_++);
    more = d.more != 0;
    Packet* const p = returned(d);
    if (p == nullptr) continue;
    if (last != nullptr) {
      last->next = p;
      ++first->segs;
    } else {
      first = p;
    }
    last = p;
  }
  return first;
}

// What the node has passed is asked for while there is nothing else to do.
void ShmGuest::pull(Opening, Pvec& v, size_t max) {
  if (!turn_has_come(rx_descriptor(rx_), rx_)) return idle();
  idle_pulls_ = 0;
  const uint32_t first = rx_, given = rx_descriptor(first).given;
  ask_for_rest(given);
  uint64_t bytes = 0;
  size_t got = 0;
  do {
    const ShmDescriptor& d = rx_descriptor(rx_++);
    Packet* p = returned(d);
    if (d.more != 0) [[unlikely]]
      p = join_rest(p);
    if (p == nullptr) [[unlikely]]
      continue;
    bytes += p->total_length();
    v.push_back(PacketPtr(p));
    if (got++ == 0 && !worth_a_look(rx_, rx_ - first, given)) break;
  } while (got < max && turn_has_come(rx_descriptor(rx_), rx_));
  stats_.rx_packets.add(got);
  stats_.rx_bytes.add(bytes);
  lend();
}

// All at once: each comes from the other CPU.
inline void ShmGuest::ask_for_rest(uint32_t given) {
  for (uint32_t i = kDescriptorsInLine; i < std::min<uint32_t>(given, Pvec::kCapacity);
       i += kDescriptorsInLine) {
    __builtin_prefetch(&rx_descriptor(rx_ + i));
  }
}

void ShmGuest::idle() {
  if (landed_ != tx_ && (tx_ - landed_ >= reap_every_ || ++idle_pulls_ >= kReapWhenIdle)) reap();
  lend();
}

// --- sleep -------------------------------------------------------------------

bool ShmGuest::falls_asleep() {
  reap();
  ShmMemory::falls_asleep(memory_.control().guest_sleeps);
  return !turn_has_come(memory_.rx_descriptors()[rx_ & (memory_.layout().entries - 1)], rx_);
}

void ShmGuest::wakes() { memory_.wakes(memory_.control().guest_sleeps); }

}  // namespace weft
