// SPDX-License-Identifier: Apache-2.0
// Prefix: so many leading bits of an address; and addresses as text.
//
// Threads: plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "paths/next_hop.h"

namespace weft {

constexpr uint8_t bits(uint8_t family) { return family == 4 ? 32 : 128; }

struct Prefix {
  uint8_t family = 4;  // 4 or 6
  uint8_t length = 0;  // bits, at most bits(family)
  Address address{};   // bits behind `length` are zero

  bool is_host() const { return length == bits(family); }
  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

// The first `length` bits of `address`, the rest zero.
Address masked(const Address& address, unsigned length);
// The first `length` bits of `address`, the rest one, up to `total` bits.
Address last_of(const Address& address, unsigned length, unsigned total);

bool is_multicast(uint8_t family, const Address& address);
// fe80::/10; never true for IPv4.
bool is_link_local(uint8_t family, const Address& address);

// Writes the address and the mask of `prefix`, as many bytes as its family has.
void fill_prefix(const Prefix& prefix, uint8_t* address, uint8_t* mask);

// "10.0.0.0/8"; "2001:db8::1", which is the longest prefix.
// Errors: kAddressSpec: not of that family, or bits set behind the prefix.
Result<Prefix> parse_prefix(std::string_view text, uint8_t family);

// "10.0.0.1"; "2001:db8::1"
std::string to_text(uint8_t family, const Address& address);
// "10.0.0.0/8"
std::string to_text(const Prefix& prefix);

}  // namespace weft
