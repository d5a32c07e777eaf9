// SPDX-License-Identifier: Apache-2.0
// Writes true checksums into a frame of any bytes, as far as it is IPv4 or IPv6 with UDP,
// ICMP or ICMPv6: a fuzzer does not find them by itself.
//
// Threads: a pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::fuzz {

// `network`: where the network header begins.
void mend(std::vector<uint8_t>& frame, size_t network);

}  // namespace weft::fuzz
