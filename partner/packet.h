// SPDX-License-Identifier: Apache-2.0
// A Packet is one message: a chain of Segs, each a window on some bytes.
//
// A Seg's 64-byte descriptor sits at the front of a Pool slot, with headroom and
// data behind it.  The descriptor of the first Seg also describes the whole
// packet, so "Packet" and "first Seg" are the same line of memory.
//
// The bytes may be
//   - the slot's own,
//   - another packet's (clone, overlay): counted in that packet's `references`,
//   - foreign (an mmapped file, a ring block): given back by Foreign::release.
//
// Threads: a packet, and everything that shares bytes with it, belongs to one
//   worker at a time.
// Invariants: data .. data + length lies within the owner's bytes; segs counts
//   the chain; a packet dies only in drop() (drop.h) or by being transmitted
//   (Pool::free).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weft {

class Pool;

// Memory of somebody else that a Seg may window.  Lives as long as it has references.
struct Foreign {
  void (*release)(Foreign*) = nullptr;  // called once, when the last Seg lets go
  uint32_t references = 0;              // Segs that window it
  bool writable = false;                // whether the node may write there
};

// What a device may leave for later or ask of another (virtio-net's vocabulary).
// Valid while Packet::kOffload is set.
struct Offload {
  uint16_t segment_size = 0;     // payload bytes per segment on the wire; 0: not to be cut
  uint16_t headers_length = 0;   // from `data`: link + network + transport headers of each segment
  uint16_t checksum_start = 0;   // from `data`: what it is of begins here
  uint16_t checksum_offset = 0;  // from checksum_start, where the complement goes; 0: it is complete
  enum Kind : uint8_t { kNone, kTcp4, kTcp6, kUdp } kind = kNone;
  bool ecn = false;  // TCP: CWR only in the first segment

  bool checksum_left() const { return checksum_offset != 0; }
  // `data` moved: so many bytes came in front of it, or went, and with them what lay there.
  void pushed(uint32_t n) {
    headers_length = uint16_t(headers_length + n);
    if (checksum_left()) checksum_start = uint16_t(checksum_start + n);
  }
  void popped(uint32_t n) {
    headers_length = uint16_t(headers_length > n ? headers_length - n : 0);
    if (checksum_start < n) checksum_offset = 0;
    checksum_start = uint16_t(checksum_start > n ? checksum_start - n : 0);
  }
};

// What few packets need: the first bytes of the slot's headroom.
struct SecondLine {
  Offload offload;  // valid with Packet::kOffload
  uint8_t* window;  // first byte that this Seg may see; valid with kShares or kForeign
};

struct alignas(64) Packet {
  static constexpr size_t kStride = 2112;   // of a slot; never a power of two (cache sets alias)
  static constexpr size_t kRoom = 2048;     // bytes behind the descriptor
  static constexpr size_t kHeadroom = 128;  // of these, in front of a fresh packet's data
  static constexpr size_t kReserved = 32;   // of these, for the SecondLine

  enum Flag : uint16_t {
    kOffload = 1 << 0,     // offload() is valid
    kLocal = 1 << 1,       // addressed to this node
    kShares = 1 << 2,      // `owner` is the packet whose bytes these are
    kForeign = 1 << 3,     // `foreign` is the memory that these bytes lie in
    kOrigin = 1 << 4,      // made by this node, not received
    kHeld = 1 << 5,        // in the hands of an EE; `next_hop` then names its domain
    kLinkGroup = 1 << 6,   // came to a broadcast or multicast address of the link
    kHeaders = 1 << 7,     // the headers at l3 and l4 stand in front of `data`
    kLinkHeader = 1 << 8,  // going down: the link header stands right in front of the network header
  };

  uint8_t* data;        //  0  first byte of this Seg
  uint32_t length;      //  8  bytes in this Seg
  uint16_t segs;        // 12  Segs in the chain; first Seg only
  uint16_t flags;       // 14
  uint32_t references;  // 16  Segs that window this slot's bytes, itself included
  uint32_t next_hop;    // 20  index into NextHops; kNoNextHop
  Packet* next;         // 24  next Seg of the chain
  uint32_t slot;        // 32  index in its Pool; never changes
  uint16_t path;        // 36  the Path that accounts for it
  uint16_t in_port;     // 38  where it came in; kNoPort if made here
  uint64_t timestamp;   // 40  ns, the driver's; 0 if the driver has none
  uint16_t l3;          // 48  offset of the network header from window()
  uint16_t l4;          // 50  offset of the transport header, likewise.  52 to 55 are free
  union {               // 56
    Packet* owner;
    Foreign* foreign;
  };

  static constexpr uint32_t kNoNextHop = 0;
  static constexpr uint16_t kNoPort = 0xffff;

  uint8_t* room() { return reinterpret_cast<uint8_t*>(this) + sizeof(Packet); }
  const uint8_t* room() const { return reinterpret_cast<const uint8_t*>(this) + sizeof(Packet); }
  uint8_t* fresh_data() { return room() + kHeadroom; }
  SecondLine& second_line() { return *reinterpret_cast<SecondLine*>(room()); }
  const SecondLine& second_line() const { return *reinterpret_cast<const SecondLine*>(room()); }
  Offload& offload() { return second_line().offload; }
  const Offload& offload() const { return second_line().offload; }

  bool own_bytes() const { return (flags & (kShares | kForeign)) == 0; }
  // First byte that this Seg may see: l3 and l4 count from here.
  uint8_t* window() { return own_bytes() ? room() : second_line().window; }
  const uint8_t* window() const { return own_bytes() ? room() : second_line().window; }
  uint8_t* network_header() { return window() + l3; }
  uint8_t* transport_header() { return window() + l4; }

  // Whether the bytes of this Seg may be written in place.
  bool writable() const {
    if (own_bytes()) [[likely]]
      return references == 1;
    return (flags & kShares) == 0 && foreign->writable && foreign->references == 1 && references == 1;
  }
  // Bytes in front of `data` that may be taken into the packet; 0 if not writable().
  size_t headroom() const {
    if (!writable()) return 0;
    return size_t(data - (own_bytes() ? room() + kReserved : second_line().window));
  }
  // Moves the start of the first Seg.  REQUIRES: n <= headroom() / n <= length
  uint8_t* push(size_t n) {
    data -= n;
    length += uint32_t(n);
    return data;
  }
  void pop(size_t n) {
    data += n;
    length -= uint32_t(n);
  }

  // Bytes in the whole chain.
  uint32_t total_length() const {
    uint32_t n = length;
    for (const Packet* s = next; s != nullptr; s = s->next) n += s->length;
    return n;
  }
  // Asks the CPU for a packet that is soon to be written: its descriptor, and the line
  // where the data of a fresh packet begins.  Any value will do, as those behind the
  // end of a Pvec: nothing is touched.  (Inlined always: g++ takes a call that does no more
  // than this for one without effect, and leaves it out.)
  [[gnu::always_inline]] static void prefetch(const Packet* p) {
    const auto at = reinterpret_cast<uintptr_t>(p);
    __builtin_prefetch(reinterpret_cast<const void*>(at), 1);
    __builtin_prefetch(reinterpret_cast<const void*>(at + sizeof(Packet) + kHeadroom), 1);
  }
  // Drops bytes from the end until `n` are left, freeing Segs that become empty.
  // REQUIRES: 0 < n <= total_length()
  void trim(uint32_t n);
};

static_assert(sizeof(Packet) == 64);
static_assert(Packet::kStride == sizeof(Packet) + Packet::kRoom);
static_assert(Packet::kStride % 64 == 0);
static_assert(sizeof(SecondLine) <= Packet::kReserved);
static_assert(offsetof(Packet, length) == 8 && offsetof(Packet, references) == 16);
static_assert(offsetof(Packet, next) == 24 && offsetof(Packet, slot) == 32);
static_assert(offsetof(Packet, timestamp) == 40 && offsetof(Packet, l3) == 48);
static_assert(offsetof(Packet, foreign) == 56);

// Bytes in the chains of `n` packets.
inline uint64_t total_length(Packet* const* packets, size_t n) {
  uint64_t bytes = 0, chained = 0;
#pragma GCC unroll 4
  for (size_t i = 0; i < n; ++i) {
    bytes += packets[i]->length;
    chained |= reinterpret_cast<uintptr_t>(packets[i]->next);
  }
  if (chained == 0) [[likely]]
    return bytes;
  bytes = 0;
  for (size_t i = 0; i < n; ++i) bytes += packets[i]->total_length();
  return bytes;
}

// One Seg of a chain, seen for its bytes alone.
using Seg = Packet;

struct FreePacket {
  void operator()(Packet* p) const noexcept;  // Pool::free
};

// The owner of a packet.  After a hand-over the variable is empty.
using PacketPtr = std::unique_ptr<Packet, FreePacket>;

}  // namespace weft
