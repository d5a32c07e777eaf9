// SPDX-License-Identifier: Apache-2.0
// What every IPv6 packet from a device is checked for, wherever it goes then.
//
// Threads: the worker.
#pragma once

#include <optional>

#include "modules/host.h"
#include "modules/ip6_extensions.h"
#include "partner/drop.h"

namespace weft {

// Version and lengths.  (RFC 8200 section 3.)  On success the header lies in one piece
// at p->data, the packet ends where the header says (but see check_ip6_hop_by_hop), l3
// is set, and no mark of the node that it came from is left on it.
// Returns why the packet must be dropped.
std::optional<DropReason> check_ip6_header(Pool& pool, PacketPtr& p);

// Addresses that must not be seen on a link.  (RFC 4291 sections 2.5.2, 2.5.3, 2.7.)
// REQUIRES: check_ip6_header()
std::optional<DropReason> check_ip6_addresses(const Packet& p);

// The hop-by-hop options header, which alone is for routers, if there is one.
// (RFC 8200 section 4.3.)  On success it lies in one piece behind the IPv6 header, and
// `length` is its length, 0 if there is none.
// REQUIRES: check_ip6_header()
std::optional<Ip6Problem> check_ip6_hop_by_hop(Pool& pool, PacketPtr& p, uint32_t& length);

// A fragment, not atomic, whose fragment header at offset `at` lies in one piece with all
// in front of it.  (RFC 8200 section 4.5; RFC 7112; RFC 6980 section 5.)
std::optional<Ip6Problem> check_ip6_fragment(const Packet& p, uint32_t at);

// Makes the extension header at offset `at` of a packet contiguous with all in front of
// it; `length` is then its length.  For those of the common form.
std::optional<DropReason> gather_ip6_extension(Pool& pool, PacketPtr& p, uint32_t at, uint32_t& length);

}  // namespace weft
