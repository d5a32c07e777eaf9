// SPDX-License-Identifier: Apache-2.0
#include "modules/udp_header.h"

#include "modules/ip4_header.h"
#include "modules/ip6_header.h"
#include "modules/packet_edit.h"
#include "partner/packet_checksum.h"

namespace weft::udp {

std::optional<DropReason> check(Packet& p, uint32_t at) {
  const bool offload = (p.flags & Packet::kOffload) != 0;
  uint8_t h[kHeader];
  if (read_bytes(p, at, h, kHeader) != kHeader) return DropReason::kTooShort;
  if (offload && p.offload().segment_size != 0) return std::nullopt;
  const uint32_t length = load_be16(h + kLength);
  if (length < kHeader) return DropReason::kBadLength;
  if (at + length > p.total_length()) return DropReason::kTooShort;
  if (at + length < p.total_length()) p.trim(at + length);

  const uint8_t* ip = p.network_header();
  const bool ip6 = ip[0] >> 4 == 6;
  if (load<uint16_t>(h + kChecksum) == 0) return ip6 ? std::optional(DropReason::kBadChecksum) : std::nullopt;
  if (offload && p.offload().checksum_left()) return std::nullopt;  // left for later
  const uint64_t pseudo = ip6 ? pseudo_header_sum(ip + ip6::kSource, 16, ip6::kUdp, length)
                              : pseudo_header_sum(ip + ip4::kSource, 4, ip4::kUdp, length);
  if (!checksum_good(add_chain_checksum(pseudo, p, at))) return DropReason::kBadChecksum;
  return std::nullopt;
}

}  // namespace weft::udp
