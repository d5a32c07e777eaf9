// SPDX-License-Identifier: Apache-2.0
// A packet in one line, for people.
//
// Threads: plain functions.
#pragma once

#include <string>
#include <string_view>

namespace weft::cli {

// `bytes` are the first of the packet and may end anywhere; what they do not hold
// is left out.  `link_header`: an Ethernet header stands in front.
//   "02:00:00:00:00:01 > 02:00:00:00:00:02  10.0.0.1 > 10.0.0.2 ttl 64  icmp echo request id 7 seq 1"
std::string decode(std::string_view bytes, bool link_header);

}  // namespace weft::cli
