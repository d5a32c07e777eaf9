// SPDX-License-Identifier: Apache-2.0
// UdpAddress: an IPv4 or IPv6 address with a port, as a socket takes it and as text.
//
//   10.0.0.1:4000   [2001:db8::1]:4000   [fe80::1%eth0]:4000
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace weft {

struct UdpAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// Errors: kInvalid; the sentence begins with the text in quotes.
Result<UdpAddress> parse_udp_address(std::string_view text);

// parse_udp_address() of it gives `address` again.
std::string to_text(const UdpAddress& address);

// The port, in host byte order.
uint16_t port_of(const UdpAddress& address);

}  // namespace weft
