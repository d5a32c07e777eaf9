// SPDX-License-Identifier: Apache-2.0
#include "modules/reassembly.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <random>

#include "modules/packet_edit.h"

namespace weft {

namespace {

constexpr uint16_t kNone = 0xffff;
constexpr size_t kBuckets = 256;

// One fragment, in the list of its packet.
struct Piece {
  Packet* packet = nullptr;
  uint32_t begin = 0, end = 0;  // of its payload
  uint16_t next = kNone;
};

// One packet that is incomplete.
struct Entry {
  Reassembly::Key key;
  ReassemblyUser* user = nullptr;
  uint64_t due_ns = 0;
  uint32_t length = 0;  // of the whole payload, as far as is known
  uint32_t have = 0;    // bytes of it
  uint16_t count = 0;
  uint16_t first = kNone, last = kNone;  // Pieces, by offset
  bool ended = false;                    // the last fragment is there
  bool spoiled = false;                  // fragments overlapped: takes no more of them
  uint8_t ecn = 0;
  LinkHeader link_header{};
  uint16_t next_in_bucket = kNone;
  uint16_t older = kNone, newer = kNone;
};

}  // namespace

struct Reassembly::State {
  std::array<Entry, kPackets> entries;
  std::array<Piece, kFragments> pieces;
  std::array<uint16_t, kBuckets> buckets;
  uint16_t free_entry = 0, free_piece = 0;
  uint16_t oldest = kNone, newest = kNone;
  size_t packets = 0, fragments = 0;
  size_t slots = 0, most_slots = 0;
  uint64_t bytes = 0;
  uint64_t secret = 0;  // so that nobody can choose a bucket

  State() {
    buckets.fill(kNone);
    for (size_t i = 0; i < kPackets; ++i)
      entries[i].next_in_bucket = i + 1 < kPackets ? uint16_t(i + 1) : kNone;
    for (size_t i = 0; i < kFragments; ++i) pieces[i].next = i + 1 < kFragments ? uint16_t(i + 1) : kNone;
    std::random_device random;
    secret = (uint64_t{random()} << 32) | random();
  }

  // By source alone, so that a walk along the bucket meets all packets of one source.
  uint16_t& bucket(const Key& key) {
    uint64_t low, high;
    std::memcpy(&low, key.source.data(), 8);
    std::memcpy(&high, key.source.data() + 8, 8);
    const uint64_t h = ((low ^ secret) * 0x9e3779b97f4a7c15u ^ high) * 0x9e3779b97f4a7c15u;
    return buckets[(h >> 32) % kBuckets];
  }

  // The entry of that key and user, or kNone; counts those of the same source.
  uint16_t find(const ReassemblyUser& user, const Key& key, size_t& of_source) {
    of_source = 0;
    for (uint16_t i = bucket(key); i != kNone; i = entries[i].next_in_bucket) {
      if (entries[i].key == key && entries[i].user == &user) return i;
      of_source += entries[i].key.source == key.source;
    }
    return kNone;
  }

  // REQUIRES: free_entry != kNone
  uint16_t make(ReassemblyUser& user, const Key& key, uint64_t due_ns) {
    const uint16_t i = free_entry;
    free_entry = entries[i].next_in_bucket;
    entries[i] = Entry{};
    Entry& e = entries[i];
    e.key = key;
    e.user = &user;
    e.due_ns = due_ns;
    e.next_in_bucket = std::exchange(bucket(key), i);
    e.older = std::exchange(newest, i);
    (e.older == kNone ? oldest : entries[e.older].newer) = i;
    ++packets;
    return i;
  }

  // Takes the entry out of bucket and age list.  Its pieces stay as they are.
  void unlink(uint16_t i) {
    Entry& e = entries[i];
    uint16_t* link = &bucket(e.key);
    while (*link != i) link = &entries[*link].next_in_bucket;
    *link = e.next_in_bucket;
    (e.older == kNone ? oldest : entries[e.older].newer) = e.newer;
    (e.newer == kNone ? newest : entries[e.newer].older) = e.older;
    e.next_in_bucket = std::exchange(free_entry, i);
    --packets;
  }

  PacketPtr take(uint16_t piece) {
    Piece& x = pieces[piece];
    PacketPtr p(std::exchange(x.packet, nullptr));
    --fragments;
    slots -= p->segs;
    bytes -= x.end - x.begin;
    x.next = std::exchange(free_piece, piece);
    return p;
  }

  // The fragments of the entry are lost.
  void lose_pieces(Entry& e, DropReason reason) {
    for (uint16_t at = std::exchange(e.first, kNone); at != kNone;) {
      const uint16_t next = pieces[at].next;
      const bool first = pieces[at].begin == 0;
      e.user->lost(take(at), first, reason);
      at = next;
    }
  }
  // The entry, too.
  void lose(uint16_t i, DropReason reason) {
    Entry e = entries[i];
    unlink(i);
    lose_pieces(e, reason);
  }
  // RFC 5722 section 4: no fragment of an IPv6 packet is taken any more, either.  In IPv4
  // the number may soon be that of another packet.
  void spoil(uint16_t i) {
    if (entries[i].key.family == 4) return lose(i, DropReason::kFragmentOverlap);
    lose_pieces(entries[i], DropReason::kFragmentOverlap);
    entries[i].spoiled = true;
  }

  bool over(size_t more_slots, uint64_t more_bytes) const {
    return free_piece == kNone || slots + more_slots > most_slots || bytes + more_bytes > kBytes;
  }

  // Where a piece goes: behind `after`, kNone being the front.
  enum class Fit { kFits, kDuplicate, kOverlaps };
  Fit find_place(const Entry& e, uint32_t begin, uint32_t end, uint16_t& after) const {
    after = kNone;
    if (e.last != kNone && pieces[e.last].end <= begin) {
      after = e.last;  // in order, as most come
      return Fit::kFits;
    }
    bool overlaps = false;
    uint32_t run_begin = 0, run_end = 0;  // bytes that are there without a gap
    for (uint16_t i = e.first; i != kNone; i = pieces[i].next) {
      const Piece& x = pieces[i];
      if (i == e.first || x.begin != run_end) run_begin = x.begin;
      run_end = x.end;
      // RFC 8200 section 4.5 spares exact duplicates only.
      const bool there =
          e.key.family == 6 ? x.begin == begin && x.end == end : run_begin <= begin && end <= run_end;
      if (there) return Fit::kDuplicate;
      overlaps |= x.begin < end && begin < x.end;
      if (x.end <= begin) after = i;
    }
    return overlaps ? Fit::kOverlaps : Fit::kFits;
  }
};

Reassembly::Reassembly(Pool& pool, Clock& clock, Timers& timers)
    : state_(std::make_unique<State>()), clock_(clock), timers_(timers) {
  state_->most_slots = pool.capacity() / 4;
}

Reassembly::~Reassembly() {
  assert(state_->fragments == 0);
  if (armed()) timers_.cancel(*this);
}

size_t Reassembly::packets() const { return state_->packets; }
size_t Reassembly::fragments() const { return state_->fragments; }

std::optional<DropReason> Reassembly::add(ReassemblyUser& user, const Key& key, const Place& place,
                                          const LinkHeader& link_header, PacketPtr& p, Outcome& outcome) {
  State& s = *state_;
  const uint64_t now = clock_.now_ns();
  fire(now);

  const uint32_t payload = p->total_length() - place.headers;
  const uint32_t begin = place.offset;
  // RFC 791: all but the last carry a multiple of 8 bytes.
  uint32_t end = begin + payload;
  if (place.more) end &= ~7u;
  size_t of_source = 0;
  uint16_t i = s.find(user, key, of_source);
  if (i != kNone && s.entries[i].spoiled) return DropReason::kFragmentOverlap;
  if (end <= begin || end > 65535) {
    if (i != kNone) s.lose(i, DropReason::kBadLength);
    return DropReason::kBadLength;
  }

  if (i == kNone) {
    if (of_source >= kPacketsPerSource) return DropReason::kReassemblyLimit;
    if (s.free_entry == kNone) s.lose(s.oldest, DropReason::kReassemblyLimit);
  }
  while (s.over(p->segs, end - begin)) {
    if (s.oldest == kNone || s.oldest == i) return DropReason::kReassemblyLimit;
    s.lose(s.oldest, DropReason::kReassemblyLimit);
  }
  if (i == kNone) i = s.make(user, key, now + kTimeoutNs);
  Entry& e = s.entries[i];
  if (e.count == kFragmentsPerPacket) return DropReason::kReassemblyLimit;

  // The ends must agree with each other.
  const bool contradicts =
      place.more ? e.ended && end > e.length : end < e.length || (e.ended && end != e.length);
  uint16_t after = kNone;
  const State::Fit fit = contradicts ? State::Fit::kOverlaps : s.find_place(e, begin, end, after);
  if (fit == State::Fit::kDuplicate) return DropReason::kFragmentOverlap;
  if (fit == State::Fit::kOverlaps) {
    s.spoil(i);
    return DropReason::kFragmentOverlap;
  }

  e.length = std::max(e.length, end);
  e.ended |= !place.more;
  e.have += end - begin;
  e.ecn |= uint8_t(1 << place.ecn);
  ++e.count;
  if (begin == 0) {
    e.link_header = link_header;
    if (payload > end) p->trim(place.headers + end);
  } else {
    strip_front(*p, place.headers);
    if (payload > end - begin) p->trim(end - begin);
  }
  p->flags &= uint16_t(~Packet::kOffload);
  const uint16_t at = s.free_piece;
  Piece& piece = s.pieces[at];
  s.free_piece = piece.next;
  ++s.fragments;
  s.slots += p->segs;
  s.bytes += end - begin;
  piece.begin = begin;
  piece.end = end;
  piece.packet = p.release();
  uint16_t& link = after == kNone ? e.first : s.pieces[after].next;
  piece.next = std::exchange(link, at);
  if (piece.next == kNone) e.last = at;

  if (e.ended && e.have == e.length) {
    const Entry whole = e;
    s.unlink(i);
    uint16_t next = s.pieces[whole.first].next;
    outcome.whole = s.take(whole.first);
    Packet* tail = outcome.whole.get();
    while (next != kNone) {
      const uint16_t this_one = next;
      next = s.pieces[next].next;
      while (tail->next != nullptr) tail = tail->next;
      Packet* more = s.take(this_one).release();
      tail->next = more;
      outcome.whole->segs = uint16_t(outcome.whole->segs + more->segs);
    }
    outcome.fragments = whole.count;
    outcome.ecn = whole.ecn;
    outcome.link_header = whole.link_header;
  }
  if (s.oldest != kNone && !armed()) timers_.arm(*this, s.entries[s.oldest].due_ns);
  return std::nullopt;
}

void Reassembly::forget(ReassemblyUser& user) {
  State& s = *state_;
  for (uint16_t i = s.oldest; i != kNone;) {
    const uint16_t next = s.entries[i].newer;
    if (s.entries[i].user == &user) s.lose(i, DropReason::kPathClosed);
    i = next;
  }
  if (armed() && s.oldest == kNone) timers_.cancel(*this);
}

void Reassembly::fire(uint64_t now_ns) {
  State& s = *state_;
  while (s.oldest != kNone && s.entries[s.oldest].due_ns <= now_ns)
    s.lose(s.oldest, DropReason::kReassemblyTimeout);
  if (s.oldest != kNone && !armed()) timers_.arm(*this, s.entries[s.oldest].due_ns);
}

std::optional<uint8_t> reassembled_ecn(uint8_t seen) {
  constexpr uint8_t kNotEct = 1 << 0, kCe = 1 << 3;
  if (seen & kNotEct) return seen == kNotEct ? std::optional<uint8_t>(0) : std::nullopt;
  return uint8_t(seen & kCe ? 3 : 0);
}

}  // namespace weft
