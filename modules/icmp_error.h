// SPDX-License-Identifier: Apache-2.0
// ICMP errors for IPv4: what a router or host says about a packet that it lost.
// (RFC 792; RFC 1812 section 4.3.2.)
//
// Threads: the worker.
#pragma once

#include "modules/host.h"

namespace weft {

namespace icmp4 {

enum Type : uint8_t {
  kEchoReply = 0,
  kDestinationUnreachable = 3,
  kEchoRequest = 8,
  kTimeExceeded = 11,
  kParameterProblem = 12,
};

constexpr uint32_t kHeader = 8;

// What to say.
struct Error {
  uint8_t type;
  uint8_t code;
  IcmpLimit::Kind kind;
  uint32_t rest = 0;  // the second word of the ICMP header
};

constexpr Error kNetUnreachable{kDestinationUnreachable, 0, IcmpLimit::kUnreachable};
constexpr Error kHostUnreachable{kDestinationUnreachable, 1, IcmpLimit::kUnreachable};
constexpr Error kProtocolUnreachable{kDestinationUnreachable, 2, IcmpLimit::kUnreachable};
constexpr Error kPortUnreachable{kDestinationUnreachable, 3, IcmpLimit::kUnreachable};
constexpr Error kProhibited{kDestinationUnreachable, 13, IcmpLimit::kUnreachable};  // RFC 1812 5.2.7.1
constexpr Error kTtlExpired{kTimeExceeded, 0, IcmpLimit::kTimeExceeded};
constexpr Error kFragmentsMissing{kTimeExceeded, 1, IcmpLimit::kTimeExceeded};
// RFC 1191 section 4.
constexpr Error fragmentation_needed(uint16_t mtu) {
  return {kDestinationUnreachable, 4, IcmpLimit::kTooBig, mtu};
}
// `at` is the offset of the octet that is wrong.
constexpr Error parameter_problem(uint8_t at) {
  return {kParameterProblem, 0, IcmpLimit::kParameterProblem, uint32_t{at} << 24};
}

}  // namespace icmp4

// A fresh packet for Host::send() that says `what` about `about`, which begins at its
// IP header, in one piece.  Empty when nothing may be said about that packet (RFC 1812
// section 4.3.2.7), when enough was said lately, or when the pool is exhausted.
PacketPtr make_icmp4_error(IpNode& node, Packet& about, const icmp4::Error& what);

}  // namespace weft
