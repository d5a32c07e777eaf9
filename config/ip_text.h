// SPDX-License-Identifier: Apache-2.0
// IP addresses, prefixes and endpoints as people write them.
//
// Threads: plain functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft {

struct IpAddress {
  uint8_t family = 4;               // 4 or 6
  std::array<uint8_t, 16> bytes{};  // IPv4 in the first four, rest zero
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct IpPrefix {
  IpAddress address;  // bits behind `length` are kept: 10.0.0.1/24 is an address on a link
  uint8_t length = 32;
  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;

  // The address with the bits behind `length` cleared.
  IpAddress network() const;
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Errors: kInvalid, a sentence that quotes the text and says what was meant:
// "'10.0.0.300' is not an IP address".
Result<IpAddress> parse_ip(std::string_view text);
// "10.0.0.1/24", "fd00::1/64"; without a length the whole address.
Result<IpPrefix> parse_prefix(std::string_view text);
// The same of a network: no bits are set behind its prefix.
Result<IpPrefix> parse_network(std::string_view text);
// "127.0.0.1:4000", "[::1]:4000".
Result<Endpoint> parse_endpoint(std::string_view text);

std::string to_text(const IpAddress& address);
std::string to_text(const IpPrefix& prefix);
std::string to_text(const Endpoint& endpoint);

}  // namespace weft
