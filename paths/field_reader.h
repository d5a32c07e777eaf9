// SPDX-License-Identifier: Apache-2.0
// FieldReader: reads from a packet the fields that the demux compares.
//
// The paths know no protocol, so this is given to them (modules/flow.h).
//
// Threads: the worker.
#pragma once

#include "partner/partner.h"
#include "paths/demux_key.h"

namespace weft {

struct PacketFields {
  enum Kind : uint8_t { kOther, kNarrow, kWide, kMalformed } kind = kOther;
  bool fragment = false;       // ports are not to be had
  uint16_t link_protocol = 0;  // EtherType, or what the first nibble stands for
  uint32_t payload = 0;        // offset of the top protocol's payload from Packet::data
  NarrowFields narrow{};       // kNarrow; `local` and `in_port` are the demux's to fill
  WideFields wide{};           // kWide
};

class FieldReader {
 public:
  virtual ~FieldReader() = default;
  // Never reads outside the packet's first Seg.  Sets Packet::l3 and l4.
  // kMalformed: shorter than its network header.
  virtual void read(Link link, Packet& p, PacketFields& fields) const = 0;
};

}  // namespace weft
