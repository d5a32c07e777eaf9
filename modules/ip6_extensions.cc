// SPDX-License-Identifier: Apache-2.0
#include "modules/ip6_extensions.h"

#include "modules/ip6_header.h"
#include "modules/packet_edit.h"

namespace weft {

namespace {

constexpr uint8_t kPad1 = 0, kPadN = 1, kRouterAlert = 5, kJumbo = 0xc2;
constexpr int kMaxOptions = 8;       // Linux's max_hbh_opts_number and max_dst_opts_number
constexpr uint32_t kMaxPadding = 7;  // between two options: more aligns nothing

Ip6Problem silent() { return {}; }
Ip6Problem told(const icmp6::Error& what) { return {DropReason::kBadOptions, true, what}; }

// RFC 8200 section 4.2: the two highest bits say what to do.
std::optional<Ip6Problem> unknown_option(const uint8_t* packet, uint32_t at) {
  switch (packet[at] >> 6) {
    case 0:
      return std::nullopt;
    case 1:
      return silent();
    case 3:
      if (ip6::is_multicast(packet + ip6::kDestination)) return silent();
      [[fallthrough]];
    default:
      return told(icmp6::unknown_option(at));
  }
}

// RFC 2675 section 3.  Jumbograms themselves are not taken.
Ip6Problem jumbo(const uint8_t* packet, uint32_t at) {
  if (packet[at + 1] != 4 || (at & 3) != 2) return silent();
  if (load_be32(packet + at + 2) <= ip6::kMaxPayload) return told(icmp6::header_field(at + 2));
  if (ip6::payload_length(packet) != 0) return told(icmp6::header_field(at));
  return {DropReason::kBadLength, false, {}};
}

std::optional<Ip6Problem> check_option(const uint8_t* packet, uint32_t at, bool hop_by_hop) {
  if (hop_by_hop && packet[at] == kRouterAlert) {
    // RFC 2711 section 2.1.  Nobody here wants to be alerted: it passes.
    return packet[at + 1] == 2 ? std::nullopt : std::optional(silent());
  }
  if (hop_by_hop && packet[at] == kJumbo) return jumbo(packet, at);
  return unknown_option(packet, at);
}

bool all_zero(const uint8_t* at, uint32_t n) {
  return std::all_of(at, at + n, [](uint8_t octet) { return octet == 0; });
}

}  // namespace

std::optional<Ip6Problem> check_ip6_options(const uint8_t* packet, uint32_t at, bool hop_by_hop) {
  const uint32_t end = at + ip6_extension_length(packet + at);
  uint32_t padding = 0;
  int options = 0;
  for (at += 2; at < end;) {
    if (packet[at] == kPad1) {
      if (++padding > kMaxPadding) return silent();
      ++at;
      continue;
    }
    if (end - at < 2) return silent();
    const uint32_t length = packet[at + 1] + 2u;
    if (length > end - at) return silent();
    if (packet[at] == kPadN) {
      // RFC 4942 section 2.1.9.5: no more than aligns, and nothing hidden in it.
      padding += length;
      if (padding > kMaxPadding || !all_zero(packet + at + 2, length - 2)) return silent();
    } else {
      if (++options > kMaxOptions) return silent();
      if (auto problem = check_option(packet, at, hop_by_hop)) return problem;
      padding = 0;
    }
    at += length;
  }
  return std::nullopt;
}

Ip6Upper find_ip6_upper(const Packet& p, uint32_t end) {
  Ip6Upper upper{.offset = ip6::kHeader, .named_at = ip6::kNextHeader};
  if (read_bytes(p, ip6::kNextHeader, &upper.protocol, 1) != 1) {
    upper.whole = false;
    return upper;
  }
  while (upper.offset < end) {
    uint32_t length = 0;
    uint8_t header[8];
    switch (upper.protocol) {
      case ip6::kHopByHop:
      case ip6::kRouting:
      case ip6::kDestinationOptions:
      case ip6::kFragment:
      case ip6::kAuthentication:
        break;
      case ip6::kNone:
        upper.whole = false;
        return upper;
      default:
        return upper;
    }
    if (read_bytes(p, upper.offset, header, sizeof header) != sizeof header) {
      upper.whole = false;
      return upper;
    }
    if (upper.protocol == ip6::kFragment) {
      upper.later_fragment = (load_be16(header + 2) & ~7u) != 0;
      if (upper.later_fragment) return upper;
      length = sizeof header;
    } else if (upper.protocol == ip6::kAuthentication) {
      length = (header[1] + 2u) * 4;  // RFC 4302 section 2.2
    } else {
      length = ip6_extension_length(header);
    }
    upper.protocol = header[0];
    upper.named_at = upper.offset;
    upper.offset += length;
  }
  return upper;
}

}  // namespace weft
