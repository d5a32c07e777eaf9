// SPDX-License-Identifier: Apache-2.0
// IPv4 options, as a router treats them.  (RFC 791 section 3.1; RFC 1812 section 5.3.13.)
//
// Record route and timestamp are filled in; source routes are found, so that the
// caller can refuse them; everything else passes.  Where the RFCs leave a choice, and
// in which octet a parameter problem points at, this does what Linux does.
//
// Threads: the worker.
#pragma once

#include <cstddef>
#include <cstdint>

#include "modules/host.h"

namespace weft {

struct Ip4Options {
  bool bad = false;
  uint8_t problem_at = 0;     // bad: the offset in the header of the octet that is wrong
  bool changed = false;       // the header checksum has to be computed anew
  bool source_route = false;  // LSRR or SSRR is among them
  uint8_t record_at = 0;      // offset in the header of the address that the router that
                              // sends the packet on has to write; 0: none
};

// Reads the options of the IPv4 header at `header`, and writes into them what a node
// writes on arrival; `in_port` is where the packet came in.
// REQUIRES: the whole header is there, and may be written
Ip4Options take_ip4_options(const IpNode& node, uint16_t in_port, uint8_t* header);

// What a router writes when it sends the packet on out of `out_port`: its address, and
// the header checksum.
void finish_ip4_options(const IpNode& node, uint16_t out_port, const Ip4Options& options, uint8_t* header);

// What an answer to a packet carries of its options: record route and timestamp, as they
// are by now (RFC 1122 section 3.2.2.6); the others become no-operations.
void keep_echoed_options(uint8_t* header);

// Whether the header has options at all.
inline bool has_ip4_options(const uint8_t* header) { return (header[0] & 0x0f) > 5; }

// Makes the header of a first fragment that of a later one: options that must not be
// copied become no-operations, so the header keeps its length.
void blank_uncopied_options(uint8_t* header);

}  // namespace weft
