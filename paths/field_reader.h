// SPDX-License-Identifier: Apache-2.0
// FieldReader: reads from packets the fields that the demux compares.
//
// The paths know no protocol, so this is given to them (modules/flow.h).
//
// Threads: the worker.
#pragma once

#include "partner/partner.h"
#include "partner/pvec.h"
#include "paths/demux_key.h"
#include "paths/fib.h"
#include "paths/tuple_filter.h"

namespace weft {

struct PacketFields {
  enum Kind : uint8_t { kOther, kNarrow, kWide, kMalformed } kind = kOther;
  bool fragment = false;       // ports are not to be had
  bool to_node = false;        // to a group of hosts that every node belongs to
  uint16_t link_protocol = 0;  // EtherType, or what the first nibble stands for
  // Offsets from Packet::data: the top protocol's payload, and the end of what the
  // network header describes (the packet may end before, or be padded behind).
  uint32_t payload = 0;
  uint32_t end = 0;
  // `local` and `in_port` are the demux's to fill.
  union {
    NarrowFields narrow{};  // kNarrow
    WideFields wide;        // kWide
  };
};
static_assert(sizeof(PacketFields) == 64);

// What decides about packets in transit that come in at one port.
struct Transit {
  const Fib& fib;
  TupleFilter::AtPort narrow, wide;  // tuples that may want one
  uint16_t in_port;
};

// What a glance at a packet told.  (One word, for compilers take a struct of two apart.)
class Glance {
 public:
  enum Kind : uint8_t {
    kNothing,  // the fields must be read
    kNarrow,   // its next hop, by the table for addresses of 4 bytes
    kWide,     // the same, of 16 bytes
    kOther,    // that it is of neither protocol that is routed, but of what(), as in PacketFields
  };
  Glance() = default;
  Glance(Kind kind, uint32_t what) : word_(uint32_t{kind} << 16 | what) {}  // REQUIRES: what < 2^16

  Kind kind() const { return Kind(word_ >> 16); }
  uint32_t what() const { return uint16_t(word_); }
  bool operator==(const Glance&) const = default;
  // Whether `n` told the same.
  static bool alike(const Glance* glances, size_t n) {
    uint32_t differing = 0;
    for (size_t i = 0; i < n; ++i) differing |= glances[i].word_ ^ glances[0].word_;
    return differing == 0;
  }

 private:
  uint32_t word_ = kNothing;
};
static_assert(NextHops::kCapacity <= 1u << 16);

// All of it never reads outside a packet's first Seg, and sets Packet::l3 and l4.
class FieldReader {
 public:
  virtual ~FieldReader() = default;
  // kMalformed: what stands at the network header is not one, or shorter.
  virtual void read(Link link, Packet& p, PacketFields& fields) const = 0;
  // Looks at nothing but where packets go: sets Packet::next_hop of those that are plainly
  // to one host and that no tuple may want, and clears their kLocal; sets Packet::in_port of
  // all.  Writes glances[i] of v[i], for all of `v`.
  virtual void glance(Link link, const Pvec& v, const Transit& transit, Glance* glances) const = 0;
};

}  // namespace weft
