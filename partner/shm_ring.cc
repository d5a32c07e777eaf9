// SPDX-License-Identifier: Apache-2.0
#include "partner/shm_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weft {

namespace {

constexpr uint32_t kMaxPieces = 64;  // of one packet
constexpr uint32_t kPiece = Packet::kRoom - Packet::kHeadroom;
constexpr uint32_t kMaxBuffers = ShmRing::kMaxLength / ShmLayout::kBuffer + 1;

// Each word is loaded once, whatever becomes of the memory.
ShmDescriptor read_once(const ShmDescriptor& shared) {
  using Word = uint64_t __attribute__((may_alias));
  const auto* from = reinterpret_cast<const Word*>(&shared);
  std::array<uint64_t, sizeof(ShmDescriptor) / sizeof(Word)> words;
  for (size_t i = 0; i < words.size(); ++i) words[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
  return std::bit_cast<ShmDescriptor>(words);
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

// How many descriptors wait; none if the index is beyond belief.
uint32_t ShmRing::offered() const {
  const uint32_t n = memory_.tx().producer.load(std::memory_order_seq_cst) - tx_;
  return n <= memory_.layout().entries ? n : 0;
}

// A packet is published whole, so one that does not end within `limit` is none.
ShmRing::Offer ShmRing::look(uint32_t at, uint32_t limit) {
  const ShmLayout& layout = memory_.layout();
  const uint64_t first = layout.packets(), end = first + layout.memory;
  Offer offer{.opening = 0, .entries = 0, .length = 0, .pieces = 0};
  bool good = true, ended = false;
  pieces_.clear();
  while (!ended && offer.entries < limit) {
    const ShmDescriptor d = read_once(memory_.tx_descriptors()[(at + offer.entries) & (layout.entries - 1)]);
    if (offer.entries++ == 0) offer.opening = d.opening;
    ended = d.more == 0;
    good = good && pieces_.size() < kMaxPieces && d.opening == offer.opening && d.offset >= first &&
           d.length <= kMaxLength && uint64_t{d.offset} + d.length <= end;
    if (!good) continue;
    pieces_.push_back({d.offset, d.length});
    offer.length += d.length;
  }
  if (good && ended && offer.length <= kMaxLength) offer.pieces = uint32_t(pieces_.size());
  return offer;
}

// A packet of the node's with the bytes of the pieces; null when the pool is empty.
PacketPtr ShmRing::copy_in(const Offer& offer) {
  PacketPtr whole = pool_.alloc();
  Packet* into = whole.get();
  for (size_t i = 0; into != nullptr && i < offer.pieces; ++i) {
    auto [offset, left] = pieces_[i];
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
  uint32_t left = offered();
  if (left == 0) {
    // (It may have moved since.)
    if (memory_.tx().producer.load(std::memory_order_relaxed) - tx_ > memory_.layout().entries)
      faults_.add(1);
    return;
  }
  uint64_t bytes = 0;
  size_t got = 0;
  while (left > 0 && got < max) {
    const Offer offer = look(tx_, left);
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
    left -= offer.entries;
  }
  memory_.tx().consumer.store(tx_, std::memory_order_release);
  pool_.count_copy(bytes);
  stats_.rx_packets.add(got);
  stats_.rx_bytes.add(bytes);
}

// --- to the other process ----------------------------------------------------

// How many buffers are there; none if the index is beyond belief.
uint32_t ShmRing::lent() {
  const uint32_t n = memory_.fill().producer.load(std::memory_order_acquire) - fill_;
  if (n <= memory_.layout().entries) return n;
  faults_.add(1);
  return 0;
}

bool ShmRing::next_buffer(uint32_t* left, uint32_t* offset) {
  const ShmLayout& layout = memory_.layout();
  while (*left > 0) {
    --*left;
    *offset = read_once(memory_.fill_offsets()[fill_++ & (layout.entries - 1)]);
    if (*offset >= layout.packets() &&
        uint64_t{*offset} + ShmLayout::kBuffer <= layout.packets() + layout.memory) {
      return true;
    }
    faults_.add(1);
  }
  return false;
}

// False when there are not enough buffers or descriptors.
bool ShmRing::copy_out(Opening which, const Packet& p, uint32_t* lent, uint32_t* room) {
  const uint32_t length = p.total_length();
  const uint32_t wanted = std::max(1u, (length + ShmLayout::kBuffer - 1) / ShmLayout::kBuffer);
  if (wanted > std::min(*lent, *room)) return false;
  uint32_t buffers[kMaxBuffers];
  for (uint32_t i = 0; i < wanted; ++i) {
    if (!next_buffer(lent, &buffers[i])) return false;
  }
  const Packet* from = &p;
  uint32_t at = 0, left = length;
  for (uint32_t i = 0; i < wanted; ++i) {
    const uint32_t piece = std::min(left, ShmLayout::kBuffer);
    for (uint32_t done = 0; done < piece;) {
      const uint32_t n = std::min(piece - done, from->length - at);
      std::memcpy(memory_.base() + buffers[i] + done, from->data + at, n);
      done += n;
      at += n;
      if (at == from->length && from->next != nullptr) {
        from = from->next;
        at = 0;
      }
    }
    left -= piece;
    memory_.rx_descriptors()[rx_++ & (memory_.layout().entries - 1)] = {.opening = which.id,
                                                                        .offset = buffers[i],
                                                                        .length = piece,
                                                                        .more = uint16_t(i + 1 < wanted),
                                                                        .port = p.in_port,
                                                                        .timestamp = p.timestamp,
                                                                        .reserved = 0};
  }
  *room -= wanted;
  return true;
}

void ShmRing::push(Opening which, Pvec& v) {
  if (!is_open(which)) return;
  const uint32_t entries = memory_.layout().entries;
  const uint32_t unread = rx_ - memory_.rx().consumer.load(std::memory_order_acquire);
  if (unread > entries) {
    faults_.add(1);
    return;
  }
  uint32_t room = entries - unread, buffers = lent();
  uint64_t bytes = 0;
  size_t taken = 0;
  for (; !v.empty(); ++taken) {
    Packet& p = *v[0];
    const uint32_t length = p.total_length();
    if (length > kMaxLength) {
      drop(v.pop_front(), DropReason::kTooBig, stats_.drops);
      continue;
    }
    if (!copy_out(which, p, &buffers, &room)) break;
    bytes += length;
    PacketPtr transmitted = v.pop_front();
  }
  memory_.fill().consumer.store(fill_, std::memory_order_release);
  stats_.refused.add(v.size());
  if (taken == 0) return;
  memory_.rx().producer.store(rx_, std::memory_order_seq_cst);
  pool_.count_copy(bytes);
  stats_.tx_packets.add(taken);
  stats_.tx_bytes.add(bytes);
  if (memory_.rx().consumer_sleeps.load(std::memory_order_seq_cst) == 0) return;
  memory_.rx().consumer_sleeps.store(0, std::memory_order_relaxed);
  memory_.ring_bell();
}

// --- sleep -------------------------------------------------------------------

bool ShmRing::falls_asleep() {
  memory_.tx().consumer_sleeps.store(1, std::memory_order_seq_cst);
  return offered() == 0;
}

void ShmRing::wakes() {
  memory_.tx().consumer_sleeps.store(0, std::memory_order_relaxed);
  memory_.hear_bell();
}

}  // namespace weft
