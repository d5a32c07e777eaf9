// SPDX-License-Identifier: Apache-2.0
// DemuxKey: which packets a path wants.
//
// Fields are kept in network byte order, in the layout that the demux compares:
// narrow ones with 4-byte addresses, wide ones with 16-byte addresses.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace weft {

struct NarrowFields {
  uint8_t source[4];
  uint8_t destination[4];
  uint16_t source_port;  // big-endian; 0 when there is none, or in a fragment
  uint16_t destination_port;
  uint8_t protocol;  // of what the network header carries
  uint8_t local;     // 1: addressed to this node
  uint16_t in_port;  // Port::number, host order
};
static_assert(sizeof(NarrowFields) == 16);

struct WideFields {
  uint8_t source[16];
  uint8_t destination[16];
  uint16_t source_port;
  uint16_t destination_port;
  uint8_t protocol;
  uint8_t local;
  uint16_t in_port;
  uint8_t zero[8];
};
static_assert(sizeof(WideFields) == 48);

// `length` bytes at `offset` of what a chain leaves of a packet, masked, equal `value`.
// (NodeOS API: demultiplexing keys.)
struct PayloadMatch {
  // Where what it leaves begins.
  enum From : uint8_t {
    kFrame,      // with all headers
    kNetwork,    // behind the link's header
    kTransport,  // behind the network's
    kPayload,    // behind the transport's
  };

  uint32_t offset;
  std::vector<uint8_t> value;
  std::vector<uint8_t> mask;  // as long as value
  From from = kPayload;
};

struct DemuxKey {
  enum Shape : uint8_t {
    kLink,    // by link protocol alone
    kNarrow,  // by NarrowFields
    kWide,    // by WideFields
    kRoute,   // by the routing table: the pair (in port, out port)
  };

  Shape shape = kLink;
  uint16_t in_port = 0;        // Port::number
  bool any_protocol = true;    // kLink: every packet of the port that nothing else takes
  uint16_t link_protocol = 0;  // EtherType; on a raw link the one that the first nibble stands for
  uint16_t out_port = 0;       // kRoute
  NarrowFields narrow{}, narrow_mask{};
  WideFields wide{}, wide_mask{};
  PayloadMatch::From leaves = PayloadMatch::kPayload;  // what the chain leaves of a packet
  std::vector<PayloadMatch> payload;
  bool share = false;  // an equal key may be bound too; then each path gets a clone
};

}  // namespace weft
