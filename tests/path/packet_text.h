// SPDX-License-Identifier: Apache-2.0
// Packets as text, for path tests: written as a network engineer says them.
//
//   eth 02:00:00:00:00:aa > 02:00:00:00:00:01 / ip 10.0.0.2 > 10.0.1.2 ttl 64 / udp 4000 > 7 / "hi"
//
//   eth  SRC > DST [type N]
//   arp  request|reply SHA SPA > THA TPA
//   ip   SRC > DST [ttl N] [id N] [tos N] [df] [mf] [offset BYTES] [proto N] [options HEX]
//        [checksum N] [length N] [version N] [ihl N]
//   ip6  SRC > DST [hop N] [next N] [class N] [flow N] [length N] [version N]
//   udp  SPORT > DPORT [checksum N] [length N]
//   tcp  SPORT > DPORT [seq N] [ack N] [flags N] [window N] [checksum N]
//   icmp  TYPE CODE [rest HEX8] [checksum N]
//   icmp6 TYPE CODE [rest HEX8] [checksum N]
//   nd   TARGET [source MAC] [target MAC]     behind icmp6 135 or 136: its address, its options
//   hex BYTES | "TEXT" | zeros N
//
// Lengths, protocol numbers and checksums are filled in unless they are given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::test {

// Errors: kInvalid, with the word that was not understood.
Result<std::vector<uint8_t>> packet_from_text(std::string_view text);

// Bytes as lines of hex, for a test's complaint.
std::string hex_dump(const std::vector<uint8_t>& bytes);

}  // namespace weft::test
