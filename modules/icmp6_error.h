// SPDX-License-Identifier: Apache-2.0
// ICMPv6 errors: what a router or host says about a packet that it lost.
// (RFC 4443 sections 2 and 3.)
//
// Threads: the worker.
#pragma once

#include "modules/host.h"

namespace weft {

namespace icmp6 {

enum Type : uint8_t {
  kDestinationUnreachable = 1,
  kPacketTooBig = 2,
  kTimeExceeded = 3,
  kParameterProblem = 4,
  kFirstInformational = 128,  // RFC 4443 section 2.1: below are errors
  kEchoRequest = 128,
  kEchoReply = 129,
  kRouterSolicitation = 133,
  kNeighbourSolicitation = 135,
  kNeighbourAdvertisement = 136,
  kRedirect = 137,
};

constexpr uint32_t kHeader = 8;
constexpr uint8_t kUnknownOption = 2;  // code of kParameterProblem

// Neighbour discovery's.  (RFC 4861 section 4.)
constexpr bool is_discovery(uint8_t type) { return type >= kRouterSolicitation && type <= kRedirect; }

// What to say.
struct Error {
  uint8_t type;
  uint8_t code;
  IcmpLimit::Kind kind;
  uint32_t rest = 0;  // the second word of the ICMPv6 header
};

constexpr Error kNoRoute{kDestinationUnreachable, 0, IcmpLimit::kUnreachable};
constexpr Error kProhibited{kDestinationUnreachable, 1, IcmpLimit::kUnreachable};
constexpr Error kBeyondScope{kDestinationUnreachable, 2, IcmpLimit::kUnreachable};
constexpr Error kAddressUnreachable{kDestinationUnreachable, 3, IcmpLimit::kUnreachable};
constexpr Error kPortUnreachable{kDestinationUnreachable, 4, IcmpLimit::kUnreachable};
constexpr Error kHopLimitExceeded{kTimeExceeded, 0, IcmpLimit::kTimeExceeded};
constexpr Error kFragmentsMissing{kTimeExceeded, 1, IcmpLimit::kTimeExceeded};
constexpr Error packet_too_big(uint32_t mtu) { return {kPacketTooBig, 0, IcmpLimit::kTooBig, mtu}; }
// `at` is the offset of the octet that is wrong.
constexpr Error header_field(uint32_t at) { return {kParameterProblem, 0, IcmpLimit::kParameterProblem, at}; }
constexpr Error unknown_next_header(uint32_t at) {
  return {kParameterProblem, 1, IcmpLimit::kParameterProblem, at};
}
constexpr Error kIncompleteHeaders{kParameterProblem, 3, IcmpLimit::kParameterProblem};  // RFC 7112
constexpr Error unknown_option(uint32_t at) {
  return {kParameterProblem, kUnknownOption, IcmpLimit::kParameterProblem, at};
}

// Completes an ICMPv6 message of the node's own: the checksum of `length` bytes behind
// the IPv6 header at `header`, whose addresses are filled in.  (RFC 4443 section 2.3.)
void write_checksum(uint8_t* header, uint32_t length);

}  // namespace icmp6

// A fresh packet for Host::send() that says `what` about `about`, which begins at its
// IPv6 header, in one piece.  Empty when nothing may be said about that packet (RFC 4443
// section 2.4), when enough was said lately, or when the pool is exhausted.
PacketPtr make_icmp6_error(IpNode& node, Packet& about, const icmp6::Error& what);

}  // namespace weft
