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

// What a glance at a packet told.
struct Glance {
  enum Kind : uint16_t {
    kNothing,  // the fields must be read
    kNarrow,   // its next hop, by the table for addresses of 4 bytes
    kWide,     // the same, of 16 bytes
    kOther,    // that it is of neither protocol that is routed
  } kind = kNothing;
  uint16_t link_protocol = 0;  // kOther: as in PacketFields
};

// All of it never reads outside a packet's first Seg, and sets Packet::l3 and l4.
class FieldReader {
 public:
  virtual ~FieldReader() = default;
  // Writes fields[i] of v[i], for all of `v`.
  // kMalformed: what stands at the network header is not one, or shorter.
  virtual void read(Link link, const Pvec& v, PacketFields* fields) const = 0;
  // The same for one packet.
  virtual void read(Link link, Packet& p, PacketFields& fields) const = 0;
  // Looks at nothing but where packets go: sets Packet::next_hop of those that are plainly
  // to one host, and clears their kLocal.  Writes glances[i] of v[i], for all of `v`, and in
  // each packet where it came in.  Returns whether all are alike.
  virtual bool glance(Link link, uint16_t in_port, const Pvec& v, const Fib& fib, Glance* glances) const = 0;
};

}  // namespace weft
