// SPDX-License-Identifier: Apache-2.0
#include "partner/shm_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weft {

namespace {

constexpr uint32_t kPiece = Packet::kRoom - Packet::kHeadroom;
constexpr uint32_t kAhead = 8;  // buffers of which the memory is asked for in time

// Descriptor `count`, if it is there.  Each word is loaded once, whatever becomes of the memory;
// that of the turn first.
bool read_once(const ShmDescriptor& shared, uint32_t count, ShmDescriptor* d) {
  using Word = uint64_t __attribute__((may_alias));
  const auto* from = reinterpret_cast<const Word*>(&shared);
  std::array<uint64_t, sizeof(ShmDescriptor) / sizeof(Word)> words;
  words[3] = __atomic_load_n(from + 3, __ATOMIC_ACQUIRE);
  for (size_t i = 0; i < 3; ++i) words[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
  *d = std::bit_cast<ShmDescriptor>(words);
  return d->turn == count + 1;
}

uint32_t read_once(const uint32_t& shared) { return __atomic_load_n(&shared, __ATOMIC_RELAXED); }

}  // namespace

// --- openings ----------------------------------------------------------------

Result<Opening> ShmRing::open(std::string_view, Partner*, Opening) {
  if (free_.empty()) {
    if (generations_.size() == memory_.layout().openings) {
      return Error{Code::kLimit, "the rings have no opening left"};
    }
    free_.push_back(uint16_t(generations_.size()));
    generations_.push_back(0);
    open_.push_back(false);
  }
  const uint16_t index = free_.back();
  free_.pop_back();
  open_[index] = true;
  const Opening opening{uint32_t{++generations_[index]} << 16 | index};
  tell_left(opening, 0);
  return opening;
}

bool ShmRing::is_open(Opening which) const {
  return index(which) < open_.size() && open_[index(which)] &&
         generations_[index(which)] == uint16_t(which.id >> 16);
}

void ShmRing::close(Opening which) {
  if (!is_open(which)) return;
  open_[index(which)] = false;
  free_.push_back(index(which));
}

void ShmRing::tell_left(Opening which, uint32_t packets) {
  memory_.left_counts()[index(which)].store(packets, std::memory_order_release);
}

Result<Reply> ShmRing::control(Opening, const Request& request) {
  if (std::holds_alternative<StatsRequest>(request)) return Reply{&stats_};
  if (!std::holds_alternative<InfoRequest>(request)) {
    return Error{Code::kUnsupported, "a shared-memory ring answers to its info and its counters"};
  }
  PartnerInfo info;
  info.driver = "shm_ring";
  info.mode = "3 rings of " + std::to_string(memory_.layout().entries) + ", one copy each way";
  info.link = Link::kRaw;
  info.mtu = kMaxLength;
  info.poll_fd = poll_fd();
  return Reply{info};
}

// --- to the node -------------------------------------------------------------

bool ShmRing::offers() const { return turn_has_come(tx_descriptor(tx_), tx_); }

// The packet that is described from `at` on, in `limit` entries at most.  It is published whole,
// so one that does not end is none.
ShmRing::Offer ShmRing::look(uint32_t at, uint32_t limit, uint32_t first_piece) {
  const ShmLayout& layout = memory_.layout();
  const uint64_t first = layout.packets(), end = first + layout.memory;
  Offer offer{.opening = 0, .entries = 0, .given = 0, .length = 0, .first = first_piece, .pieces = 0};
  ShmDescriptor d;
  uint32_t pieces = 0;
  bool good = true, ended = false;
  while (!ended && offer.entries < limit &&
         read_once(tx_descriptor(at + offer.entries), at + offer.entries, &d)) {
    if (offer.entries++ == 0) {
      offer.opening = d.opening;
      offer.given = d.given;
    }
    ended = d.more == 0;
    good = good && pieces < kMaxPieces && d.opening == offer.opening && d.offset >= first &&
           d.length <= kMaxLength && uint64_t{d.offset} + d.length <= end;
    if (!good) continue;
    pieces_[first_piece + pieces++] = {d.offset, d.length};
    offer.length += d.length;
  }
  if (good && ended && offer.length <= kMaxLength) offer.pieces = pieces;
  return offer;
}

// Looks at what is there, and asks for its bytes.  Returns how many offers, at most `max`.
size_t ShmRing::look_ahead(Offer* offers, size_t max) {
  uint32_t at = tx_, left = entries(), pieces = 0;
  size_t n = 0;
  for (; n < max && pieces + kMaxPieces <= pieces_.size(); ++n) {
    offers[n] = look(at, left, pieces);
    if (offers[n].entries == 0) break;
    if (offers[n].pieces > 0) __builtin_prefetch(memory_.base() + pieces_[pieces].offset);
    pieces += offers[n].pieces;
    at += offers[n].entries;
    left -= offers[n].entries;
    if (n == 0 && !worth_a_look(at, offers[0].entries, offers[0].given)) return 1;
  }
  return n;
}

// A packet of the node's with the bytes of the pieces; null when the pool is empty.
PacketPtr ShmRing::copy_in(const Offer& offer) {
  PacketPtr whole = pool_.alloc();
  Packet* into = whole.get();
  for (size_t i = 0; into != nullptr && i < offer.pieces; ++i) {
    auto [offset, left] = pieces_[offer.first + i];
    for (;;) {
      const uint32_t n = std::min(left, kPiece - into->length);
      std::memcpy(into->data + into->length, memory_.base() + offset, n);
      into->length += n;
      offset += n;
      left -= n;
      if (left == 0) break;
      PacketPtr more = pool_.alloc();
      if (!more) return nullptr;
      into->next = more.release();
      into = into->next;
      ++whole->segs;
    }
  }
  return whole;
}

void ShmRing::pull(Opening, Pvec& v, size_t max) {
  Offer offers[Pvec::kCapacity];
  const size_t n = look_ahead(offers, std::min(max, Pvec::kCapacity));
  if (n == 0) return;
  uint64_t bytes = 0;
  size_t got = 0;
  for (size_t i = 0; i < n; ++i) {
    const Offer& offer = offers[i];
    if (offer.pieces > 0) {
      PacketPtr p = copy_in(offer);
      if (!p) break;
      p->next_hop = offer.opening;
      v.push_back(std::move(p));
      bytes += offer.length;
      ++got;
    } else {
      faults_.add(1);
    }
    tx_ += offer.entries;
  }
  memory_.control().tx_taken.store(tx_, std::memory_order_release);
  pool_.count_copy(bytes);
  stats_.rx_packets.add(got);
  stats_.rx_bytes.add(bytes);
}

// --- to the other process ----------------------------------------------------

// Reads and checks some of the buffers that were lent.  How many there are is read only when
// that is not known from before.
void ShmRing::take_buffers() {
  const ShmLayout& layout = memory_.layout();
  auto& offsets = buffers_.offsets;
  std::copy(offsets.begin() + buffers_.first, offsets.begin() + buffers_.end, offsets.begin());
  buffers_.end -= std::exchange(buffers_.first, 0);
  if (lent_ - fill_ < offsets.size() - buffers_.end) {
    lent_ = memory_.control().fill_lent.load(std::memory_order_acquire);
    if (lent_ - fill_ > layout.entries) {
      faults_.add(1);
      lent_ = fill_;
    }
  }
  while (fill_ != lent_ && buffers_.end < offsets.size()) {
    const uint32_t offset = read_once(memory_.fill_offsets()[fill_++ & (layout.entries - 1)]);
    if (offset >= layout.packets() &&
        uint64_t{offset} + ShmLayout::kBuffer <= layout.packets() + layout.memory) {
      offsets[buffers_.end++] = offset;
    } else {
      faults_.add(1);
    }
  }
}

// False when there are not enough buffers.
bool ShmRing::copy_out(Opening which, const Packet& p, uint32_t length, ShmWriter* rx) {
  const uint32_t wanted = std::max(1u, (length + ShmLayout::kBuffer - 1) / ShmLayout::kBuffer);
  if (buffers_.size() < wanted + kAhead) take_buffers();
  if (buffers_.size() < wanted) return false;
  const Packet* from = &p;
  uint32_t at = 0, left = length;
  for (uint32_t i = 0; i < wanted; ++i) {
    const uint32_t buffer = buffers_.offsets[buffers_.first++];
    const uint32_t ahead = buffers_.offsets[std::min(buffers_.first + kAhead, buffers_.end) - 1];
    __builtin_prefetch(memory_.base() + ahead, 1);
    const uint32_t piece = std::min(left, ShmLayout::kBuffer);
    for (uint32_t done = 0; done < piece;) {
      const uint32_t n = std::min(piece - done, from->length - at);
      std::memcpy(memory_.base() + buffer + done, from->data + at, n);
      done += n;
      at += n;
      if (at == from->length && from->next != nullptr) {
        from = from->next;
        at = 0;
      }
    }
    left -= piece;
    rx->add({.opening = which.id,
             .offset = buffer,
             .length = piece,
             .more = uint16_t(i + 1 < wanted),
             .port = p.in_port,
             .timestamp = p.timestamp,
             .turn = 0,
             .given = 0});
  }
  return true;
}

void ShmRing::push(Opening which, Pvec& v) {
  if (!is_open(which)) return;
  ShmWriter rx(memory_.rx_descriptors(), entries(), rx_);
  uint64_t bytes = 0;
  size_t taken = 0, too_big = 0;
  for (; taken < v.size(); ++taken) {
    Packet* const p = v[taken];
    const uint32_t length = p->total_length();
    if (length > kMaxLength) {
      drop(PacketPtr(p), DropReason::kTooBig, stats_.drops);
      ++too_big;
      continue;
    }
    if (!copy_out(which, *p, length, &rx)) break;
    bytes += length;
    PacketPtr transmitted(p);
  }
  v.release_front(taken);
  stats_.refused.add(v.size());
  if (rx.added() == 0) return;
  rx.publish();
  rx_ = rx.at();
  pool_.count_copy(bytes);
  stats_.tx_packets.add(taken - too_big);
  stats_.tx_bytes.add(bytes);
  memory_.wake(memory_.control().guest_sleeps);
}

// --- sleep -------------------------------------------------------------------

bool ShmRing::falls_asleep() {
  ShmMemory::falls_asleep(memory_.control().node_sleeps);
  return !offers();
}

void ShmRing::wakes() { memory_.wakes(memory_.control().node_sleeps); }

}  // namespace weft
