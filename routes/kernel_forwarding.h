// SPDX-License-Identifier: Apache-2.0
// Whether the kernel forwards packets of an interface that the node forwards too.
//
// Both see every packet there.  With net.ipv4.conf.IF.forwarding=0 (for IPv6
// net.ipv6.conf.IF.forwarding=0) the kernel drops what is not for it, silently; with 1
// every packet would arrive twice.
//
// Threads: reads /proc/sys of the network namespace of the calling thread.
#pragma once

#include <optional>
#include <string>

namespace weft {

// One sentence with the remedy; empty when all is well or cannot be told.
std::optional<std::string> forwarding_conflict(const std::string& interface);

}  // namespace weft
