// SPDX-License-Identifier: Apache-2.0
#include "partner/shm_ring.h"

#include <algorithm>
#include <cstring>

namespace weft {

namespace {

constexpr uint32_t kPiece = Packet::kRoom - Packet::kHeadroom;

template <typename T>
T read_once(const T& shared) {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}

// Descriptor `count`, if it is there: what the node wants to know of it.  Each field is loaded once,
// whatever becomes of the memory; that of the turn first.
[[gnu::always_inline]] inline bool read_once(const ShmDescriptor& shared, uint32_t count, ShmDescriptor* d) {
  if (!turn_has_come(shared, count)) return false;
  d->opening = read_once(shared.opening);
  d->offset = read_once(shared.offset);
  d->length = read_once(shared.length);
  d->more = read_once(shared.more);
  d->given = read_once(shared.given);
  return true;
}

// memcpy() of the C library, even where the compiler knows that it will not be much: g++ would make
// `rep movsq` of that, which takes longer to begin than a small packet takes.
void copy(void* to, const void* from, size_t n) {
  asm("" : "+r"(n));
  std::memcpy(to, from, n);
}

// That a packet of so many bytes will fill.
uint64_t slots_of(uint32_t length) { return length <= kPiece ? 1 : (length + kPiece - 1) / kPiece; }

// A piece of `p`, of so many bytes in that buffer.
ShmDescriptor described(Opening which, const Packet& p, uint32_t buffer, uint32_t length, bool more) {
  return {.opening = which.id,
          .offset = buffer,
          .length = length,
          .more = more,
          .port = p.in_port,
          .timestamp = p.timestamp,
          .turn = 0,
          .given = 0};
}

}  // namespace

// --- openings ----------------------------------------------------------------

Result<Opening> ShmRing::open(std::string_view, Partner*, Opening) {
  if (free_.empty()) {
    if (generations_.size() == memory_.layout().openings) {
      return Error{Code::kLimit, "the rings have no opening left"};
    }
    free_.push_back(uint16_t(generations_.size()));
    generations_.push_back(0);
    open_.push_back(kNoOpening);
  }
  const uint16_t index = free_.back();
  free_.pop_back();
  open_[index] = Opening{uint32_t{++generations_[index]} << 16 | index};
  tell_left(open_[index], 0);
  return open_[index];
}

void ShmRing::close(Opening which) {
  if (!is_open(which)) return;
  open_[index(which)] = kNoOpening;
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

inline bool ShmRing::may_be_read(const ShmDescriptor& d) const {
  const ShmLayout& layout = memory_.layout();
  return d.offset >= layout.packets() && d.length <= kMaxLength &&
         uint64_t{d.offset} + d.length <= layout.packets() + layout.memory;
}

// The packet that is described from `at` on, in `limit` entries at most.  False when none is.
inline bool ShmRing::look(uint32_t at, uint32_t limit, uint32_t first_piece, Offer* offer) {
  ShmDescriptor d;
  if (!read_once(tx_descriptor(at), at, &d)) return false;
  offer->opening = d.opening;
  offer->entries = 1;
  offer->given = d.given;
  offer->length = d.length;
  offer->first = first_piece;
  offer->pieces = may_be_read(d);
  pieces_[first_piece] = {d.offset, d.length};
  if (d.more != 0) [[unlikely]]
    look_at_rest(at, limit, offer);
  return true;
}

// It is published whole, so one that does not end is none.
[[gnu::noinline]] void ShmRing::look_at_rest(uint32_t at, uint32_t limit, Offer* offer) {
  ShmDescriptor d;
  bool good = offer->pieces > 0, ended = false;
  while (!ended && offer->entries < limit &&
         read_once(tx_descriptor(at + offer->entries), at + offer->entries, &d)) {
    ++offer->entries;
    ended = d.more == 0;
    good = good && offer->pieces < kMaxPieces && d.opening == offer->opening && may_be_read(d);
    if (!good) continue;
    pieces_[offer->first + offer->pieces++] = {d.offset, d.length};
    offer->length += d.length;
  }
  if (!good || !ended || offer->length > kMaxLength) offer->pieces = 0;
}

// Looks at what is there, and asks for its bytes.  Returns how many offers, at most `max`.
size_t ShmRing::look_ahead(Offer* offers, size_t max) {
  uint32_t at = tx_, left = entries(), pieces = 0;
  size_t n = 0;
  for (; n < max && pieces + kMaxPieces <= pieces_.size(); ++n) {
    if (!look(at, left, pieces, &offers[n])) break;
    if (offers[n].pieces > 0) __builtin_prefetch(memory_.base() + pieces_[pieces].offset);
    pieces += offers[n].pieces;
    at += offers[n].entries;
    left -= offers[n].entries;
    if (n == 0 && !worth_a_look(at, offers[0].entries, offers[0].given)) return 1;
  }
  return n;
}

// A packet of the node's with the bytes of the pieces; null when the pool is empty.
inline PacketPtr ShmRing::copy_in(const Offer& offer) {
  PacketPtr p = pool_.alloc();
  if (!p) [[unlikely]]
    return p;
  if (offer.pieces == 1 && offer.length <= kPiece) [[likely]] {
    copy(p->data, memory_.base() + pieces_[offer.first].offset, offer.length);
    p->length = offer.length;
  } else if (!copy_pieces_in(offer, p.get())) {
    return nullptr;
  }
  return p;
}

// False when the pool is empty.
[[gnu::noinline]] bool ShmRing::copy_pieces_in(const Offer& offer, Packet* whole) {
  Packet* into = whole;
  for (size_t i = 0; i < offer.pieces; ++i) {
    auto [offset, left] = pieces_[offer.first + i];
    for (;;) {
      const uint32_t n = std::min(left, kPiece - into->length);
      std::memcpy(into->data + into->length, memory_.base() + offset, n);
      into->length += n;
      offset += n;
      left -= n;
      if (left == 0) break;
      PacketPtr more = pool_.alloc();
      if (!more) return false;
      into->next = more.release();
      into = into->next;
      ++whole->segs;
    }
  }
  return true;
}

void ShmRing::pull(Opening, Pvec& v, size_t max, uint64_t slots) {
  Offer offers[Pvec::kCapacity];
  const size_t n = look_ahead(offers, std::min(max, Pvec::kCapacity));
  if (n == 0) return;
  uint64_t bytes = 0;
  size_t got = 0;
  for (size_t i = 0; i < n; ++i) {
    const Offer& offer = offers[i];
    if (offer.pieces > 0) {
      const uint64_t fills = slots_of(offer.length);
      if (fills > slots) break;
      PacketPtr p = copy_in(offer);
      if (!p) break;
      slots -= fills;
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
  uint32_t end = buffers_.size();
  if (lent_ - fill_ < Buffers::kMost - end) {
    lent_ = memory_.control().fill_lent.load(std::memory_order_acquire);
    if (lent_ - fill_ > layout.entries) {
      faults_.add(1);
      lent_ = fill_;
    }
  }
  const uint32_t* const fill = memory_.fill_offsets();
  const auto first = uint32_t(layout.packets());
  const auto last = uint32_t(layout.memory - ShmLayout::kBuffer);  // behind the first
  const uint32_t n = std::min(lent_ - fill_, Buffers::kMost - end), most = end + n;
  for (uint32_t at = fill_; at != fill_ + n; ++at) {
    const uint32_t offset = read_once(fill[at & (layout.entries - 1)]);
    offsets[end] = offset;
    end += offset - first <= last;
  }
  fill_ += n;
  faults_.add(most - end);
  buffers_.first = 0;
  buffers_.end = end;
}

// REQUIRES: there is one
inline uint32_t ShmRing::next_buffer() {
  prefetch_to_write(memory_.base() + buffers_.offsets[buffers_.first + kAhead]);
  return buffers_.offsets[buffers_.first++];
}

// A packet that fills more than one buffer, or lies in pieces.  REQUIRES: there are enough
[[gnu::noinline]] void ShmRing::copy_pieces_out(Opening which, const Packet& p, uint32_t length,
                                                ShmWriter& rx) {
  const Packet* from = &p;
  uint32_t at = 0;
  do {
    const uint32_t buffer = next_buffer(), piece = std::min(length, ShmLayout::kBuffer);
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
    length -= piece;
    rx.add(described(which, p, buffer, piece, length > 0));
  } while (length > 0);
}

// False when there are not enough buffers.
inline bool ShmRing::copy_out(Opening which, const Packet& p, uint32_t length, ShmWriter& rx) {
  const bool plain = p.next == nullptr && length <= ShmLayout::kBuffer;
  const uint32_t wanted = plain ? 1 : std::max(1u, (length + ShmLayout::kBuffer - 1) / ShmLayout::kBuffer);
  if (buffers_.size() < wanted + kAhead) [[unlikely]]
    take_buffers();
  if (buffers_.size() < wanted) [[unlikely]]
    return false;
  if (!plain) [[unlikely]] {
    copy_pieces_out(which, p, length, rx);
    return true;
  }
  const uint32_t buffer = next_buffer();
  std::memcpy(memory_.base() + buffer, p.data, length);
  rx.add(described(which, p, buffer, length, false));
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
    if (length > kMaxLength) [[unlikely]] {
      drop(PacketPtr(p), DropReason::kTooBig, stats_.drops);
      ++too_big;
      continue;
    }
    if (!copy_out(which, *p, length, rx)) [[unlikely]]
      break;
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
