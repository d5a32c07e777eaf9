// SPDX-License-Identifier: Apache-2.0
// The calls on packets, at the C border.
//
// Threads: the worker, or the control thread while the worker stands between rounds.
#include <algorithm>
#include <cstring>

#include "nodeos_api/drop_reason.h"
#include "nodeos_api/hand_over.h"
#include "nodeos_api/node.h"
#include "nodeos_api/packet_hold.h"
#include "nodeos_api/packet_view.h"
#include "nodeos_api/sized.h"

namespace weft {

namespace {

constexpr size_t kMaxLength = 65535;
constexpr uint32_t kMaxPiece = Packet::kRoom - Packet::kHeadroom;
constexpr const char* kPoolEmpty = "the packet pool is empty";
constexpr const char* kNotOnePiece = "more bytes than fit in one piece";
constexpr const char* kNoPlace = "a place for what is asked for is wanted";
constexpr const char* kTooLong = "a packet has at most 65535 bytes";

Packet* held(an_Packet handle) { return find_held(handle); }

Packet* held(const an_Packet* handle) {
  if (handle != nullptr) return held(*handle);
  fail(AN_EINVAL, "not a packet");
  return nullptr;
}

// Views of packets from the front, up to the first that nobody holds.  Returns how many.
size_t look_at(const an_Packet* packets, size_t count, an_PacketView* views) {
  for (size_t i = 0; i < count; ++i) {
    Packet* const p = from_handle(packets[i]);
    if (may_be_packet(p) && is_plain<Packet::kHeld>(*p)) [[likely]] {
      views[i] = view_of_plain(*p);
      continue;
    }
    if (held(packets[i]) == nullptr) return i;
    views[i] = view_of(*p);
  }
  return count;
}

// Calls `f(packet)` on the worker; R{} if the handle is dead.
template <typename F>
auto with_packet(Packet* p, F&& f) -> decltype(f(*p)) {
  if (p == nullptr) return {};
  return holder(*p).node().carry([&] { return f(*p); });
}

// The same for calls that return a status.
template <typename F>
int status_with_packet(Packet* p, F&& f) {
  if (p == nullptr) return an_errno();
  const Node& node = holder(*p).node();
  if (!node.allows_call()) return an_errno();
  return node.carry([&] { return f(*p); });
}

// As taken_by(), of what may be null.
an_Packet made_by(Domain& domain, PacketPtr p) {
  if (p) return taken_by(domain, std::move(p));
  fail(AN_ENOMEM, kPoolEmpty);
  return nullptr;
}

// Slots that so many bytes fill.
uint64_t slots_for(size_t length) { return std::max<uint64_t>(1, (length + kMaxPiece - 1) / kMaxPiece); }

// `length` zero bytes, in as many pieces as needed.
PacketPtr zeros(Pool& pool, size_t length) {
  PacketPtr whole = pool.alloc();
  if (!whole) return whole;
  for (Packet* s = whole.get();;) {
    s->length = uint32_t(std::min<size_t>(length, kMaxPiece));
    std::memset(s->data, 0, s->length);
    length -= s->length;
    if (length == 0) return whole;
    PacketPtr more = pool.alloc();
    if (!more) return nullptr;
    s->next = more.release();
    s = s->next;
    ++whole->segs;
  }
}

// Replaces a held packet by what `change` makes of it.  `change` leaves it whole if it
// fails.  The mark moves along.
template <typename Change>
bool replace(an_Packet* handle, Packet& p, Change&& change) {
  Domain& domain = holder(p);
  PacketPtr owned(&p);
  let_go(p);
  const bool changed = change(owned);
  hold(*owned, domain);
  *handle = to_handle(owned.release());
  return changed;
}

// What a packet keeps when its first bytes are others.
void copy_metadata(const Packet& from, Packet& to) {
  to.path = from.path;
  to.in_port = from.in_port;
  to.timestamp = from.timestamp;
}

uint8_t* make_front_writable(an_Packet* handle, Packet& p, uint32_t n) {
  if (p.length >= n && p.writable()) return p.data;
  if (n > kMaxPiece) {
    fail(AN_EINVAL, kNotOnePiece);
    return nullptr;
  }
  if (p.total_length() < n) {
    fail(AN_EINVAL, "the packet is shorter");
    return nullptr;
  }
  Pool& pool = Pool::of(&p);
  if (!replace(handle, p, [&](PacketPtr& owned) { return pool.unshare_front(owned, n); })) {
    fail(AN_ENOMEM, kPoolEmpty);
    return nullptr;
  }
  return from_handle(*handle)->data;
}

// A fresh first piece of `n` bytes in front of the others.
uint8_t* prepend(an_Packet* handle, Packet& p, uint32_t n) {
  if (!holder(p).has_room_for(1)) return nullptr;
  PacketPtr front = Pool::of(&p).alloc();
  if (!front) {
    fail(AN_ENOMEM, kPoolEmpty);
    return nullptr;
  }
  front->length = n;
  uint8_t* const at = front->data;
  replace(handle, p, [&](PacketPtr& owned) {
    copy_metadata(*owned, *front);
    front->segs = uint16_t(owned->segs + 1);
    front->next = owned.release();
    owned = std::move(front);
    return true;
  });
  return at;
}

int pop(an_Packet* handle, Packet& p, uint32_t n) {
  if (n < p.length || (n == p.length && p.next == nullptr)) {
    p.pop(n);
    return AN_OK;
  }
  const uint32_t total = p.total_length();
  if (n > total) return fail(AN_EINVAL, "the packet is shorter");
  Pool& pool = Pool::of(&p);
  const bool done = replace(handle, p, [&](PacketPtr& owned) {
    PacketPtr rest = n == total ? pool.alloc() : pool.overlay(*owned, n, total - n);
    if (!rest) return false;
    copy_metadata(*owned, *rest);
    owned = std::move(rest);
    return true;
  });
  return done ? AN_OK : fail(AN_ENOMEM, kPoolEmpty);
}

uint8_t* append(Packet& p, uint32_t n) {
  Packet* last = &p;
  while (last->next != nullptr) last = last->next;
  uint8_t* const end = last->data + last->length;
  if (last->own_bytes() && last->writable() && end + n <= last->room() + Packet::kRoom) {
    last->length += n;
    return end;
  }
  if (!holder(p).has_room_for(1)) return nullptr;
  PacketPtr more = Pool::of(&p).alloc();
  if (!more) {
    fail(AN_ENOMEM, kPoolEmpty);
    return nullptr;
  }
  more->length = n;
  last->next = more.release();
  ++p.segs;
  holder(p).take_slots(1);
  return last->next->data;
}

// REQUIRES: it has these bytes
void copy_out(const Packet& p, size_t offset, size_t n, uint8_t* into) {
  const Packet* s = &p;
  for (; n != 0 && offset >= s->length; s = s->next) offset -= s->length;
  for (; n != 0; s = s->next, offset = 0) {
    const size_t piece = std::min<size_t>(n, s->length - offset);
    std::memcpy(into, s->data + offset, piece);
    into += piece;
    n -= piece;
  }
}

// Of what `its` domain holds.
[[gnu::always_inline]] inline int let_die(Domain& its, Packet& p, DropReason reason) {
  Domain::Ledger& ledger = its.ledger();
  its.give_back_slots(p.segs);
  unmark(p);
  ledger.held.set(ledger.held.value() - 1);
  drop(PacketPtr(&p), reason, ledger.drops);
  return AN_OK;
}

// The channel of the packet's path, if it is still one of the holder's.
an_InChan channel_of(const Packet& p) {
  for (const DomainChannel* channel : holder(p).channels()) {
    if (an_InChan found = channel->that_delivered(p)) return found;
  }
  return nullptr;
}

}  // namespace

}  // namespace weft

using namespace weft;

extern "C" {

an_Packet an_packetAlloc(an_Domain d, size_t length) {
  if (on_own_thread()) return handed_over([&] { return an_packetAlloc(d, length); });
  Domain* domain = find_open(d);
  if (domain == nullptr) return nullptr;
  if (length > kMaxLength) {
    fail(AN_EINVAL, "a packet has at most 65535 bytes");
    return nullptr;
  }
  return domain->node().carry([&]() -> an_Packet {
    if (!domain->has_room_for(slots_for(length))) return nullptr;
    return made_by(*domain, zeros(domain->node().pool(), length));
  });
}

an_Packet an_packetClone(an_Packet packet) {
  if (on_own_thread()) return handed_over([&] { return an_packetClone(packet); });
  return with_packet(held(packet), [](Packet& p) -> an_Packet {
    Domain& domain = holder(p);
    return domain.has_room_for(p.segs) ? made_by(domain, Pool::of(&p).clone(p)) : nullptr;
  });
}

int an_packetFree(an_Packet packet) { return an_packetDrop(packet, AN_DROP_DISCARD); }

int an_packetDrop(an_Packet packet, an_DropReason reason) {
  if (on_own_thread()) [[unlikely]]
    return handed_over([=] { return an_packetDrop(packet, reason); });
  if (reason < 0 || reason >= AN_DROP_REASONS) return fail(AN_EINVAL, "there is no such reason");
  Packet* const p = held(packet);
  if (p == nullptr) [[unlikely]]
    return an_errno();
  Domain& its = holder(*p);
  if (its.node().on_worker()) [[likely]]
    return let_die(its, *p, to_drop_reason(reason));
  if (!its.node().allows_control()) return an_errno();
  return its.node().carry([=, &its] { return let_die(its, *p, to_drop_reason(reason)); });
}

void* an_packetPush(an_Packet* packet, size_t n) {
  if (on_own_thread()) return handed_over([&] { return an_packetPush(packet, n); });
  return with_packet(held(packet), [&](Packet& p) -> void* {
    if (n > kMaxLength || p.total_length() + n > kMaxLength) {
      fail(AN_EINVAL, kTooLong);
      return nullptr;
    }
    if (n <= p.headroom()) {
      p.flags &= uint16_t(~Packet::kHeaders);  // they stood there
      return p.push(n);
    }
    if (n > kMaxPiece) {
      fail(AN_EINVAL, kNotOnePiece);
      return nullptr;
    }
    return prepend(packet, p, uint32_t(n));
  });
}

int an_packetPop(an_Packet* packet, size_t n) {
  if (on_own_thread()) return handed_over([&] { return an_packetPop(packet, n); });
  return status_with_packet(held(packet), [&](Packet& p) {
    if (n > kMaxLength) return fail(AN_EINVAL, "the packet is shorter");
    return pop(packet, p, uint32_t(n));
  });
}

void* an_packetAppend(an_Packet packet, size_t n) {
  if (on_own_thread()) return handed_over([&] { return an_packetAppend(packet, n); });
  return with_packet(held(packet), [n](Packet& p) -> void* {
    if (n <= kMaxPiece && p.total_length() + n <= kMaxLength) return append(p, uint32_t(n));
    fail(AN_EINVAL, n > kMaxPiece ? kNotOnePiece : kTooLong);
    return nullptr;
  });
}

int an_packetTrim(an_Packet packet, size_t length) {
  if (on_own_thread()) return handed_over([&] { return an_packetTrim(packet, length); });
  return status_with_packet(held(packet), [length](Packet& p) {
    if (length == 0 || length > p.total_length())
      return fail(AN_EINVAL, "a packet is trimmed to 1 byte up to its length");
    const uint16_t before = p.segs;
    p.trim(uint32_t(length));
    holder(p).give_back_slots(before - p.segs);
    return int{AN_OK};
  });
}

void* an_packetGetData(an_Packet* packet, size_t n) {
  if (on_own_thread()) return handed_over([&] { return an_packetGetData(packet, n); });
  return with_packet(held(packet), [&](Packet& p) -> void* {
    return make_front_writable(packet, p, uint32_t(std::min<size_t>(n, UINT32_MAX)));
  });
}

size_t an_packetGetLength(an_Packet packet) {
  if (on_own_thread()) return handed_over([&] { return an_packetGetLength(packet); });
  return with_packet(held(packet), [](Packet& p) -> size_t { return p.total_length(); });
}

size_t an_packetGetIov(an_Packet packet, an_Iov* iov, size_t max) {
  if (on_own_thread()) return handed_over([&] { return an_packetGetIov(packet, iov, max); });
  return with_packet(held(packet), [&](Packet& p) -> size_t {
    if (iov == nullptr && max != 0) {
      fail(AN_EINVAL, kNoPlace);
      return 0;
    }
    size_t pieces = 0;
    for (const Packet* s = &p; s != nullptr; s = s->next) {
      if (s->length == 0) continue;
      if (pieces < max) iov[pieces] = {s->data, s->length};
      ++pieces;
    }
    return pieces;
  });
}

size_t an_packetGetViewVec(const an_Packet* packets, size_t count, an_PacketView* views) {
  if (on_own_thread()) return handed_over([&] { return an_packetGetViewVec(packets, count, views); });
  if (count == 0) return 0;
  if (packets == nullptr || views == nullptr) [[unlikely]] {
    fail(AN_EINVAL, packets == nullptr ? "no packets" : kNoPlace);
    return 0;
  }
  return with_packet(held(packets[0]), [&](Packet&) { return look_at(packets, count, views); });
}

int an_packetRead(an_Packet packet, size_t offset, size_t n, void* into) {
  if (on_own_thread()) return handed_over([&] { return an_packetRead(packet, offset, n, into); });
  return status_with_packet(held(packet), [&](Packet& p) -> int {
    if (offset + n < n || offset + n > p.total_length()) return fail(AN_EINVAL, "the packet is shorter");
    if (into == nullptr && n != 0) return fail(AN_EINVAL, kNoPlace);
    copy_out(p, offset, n, static_cast<uint8_t*>(into));
    return AN_OK;
  });
}

int an_packetGetMeta(an_Packet packet, an_PacketMeta* meta) {
  if (on_own_thread()) return handed_over([&] { return an_packetGetMeta(packet, meta); });
  return status_with_packet(held(packet), [meta](Packet& p) {
    an_PacketMeta full{};
    full.channel = channel_of(p);
    full.timestamp_ns = p.timestamp;
    if (p.in_port != Packet::kNoPort) {
      holder(p).node().port_name(p.in_port).copy(full.port, sizeof full.port - 1);
    }
    return fill_sized(meta, full);
  });
}

}  // extern "C"
