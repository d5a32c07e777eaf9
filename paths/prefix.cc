// SPDX-License-Identifier: Apache-2.0
#include "paths/prefix.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace weft {

namespace {

// Applies `f(byte, mask)` to each byte, where the mask has a one for each bit behind `length`.
template <typename F>
Address with_tail(Address address, unsigned length, unsigned total, F f) {
  for (unsigned i = length / 8; i < total / 8; ++i) {
    const uint8_t tail = i == length / 8 ? uint8_t(0xff >> (length % 8)) : 0xff;
    address[i] = f(address[i], tail);
  }
  return address;
}

}  // namespace

Address masked(const Address& address, unsigned length) {
  return with_tail(address, length, 128, [](uint8_t byte, uint8_t tail) { return uint8_t(byte & ~tail); });
}

Address last_of(const Address& address, unsigned length, unsigned total) {
  return with_tail(address, length, total, [](uint8_t byte, uint8_t tail) { return uint8_t(byte | tail); });
}

bool is_multicast(uint8_t family, const Address& address) {
  return family == 4 ? (address[0] & 0xf0) == 0xe0 : address[0] == 0xff;
}

bool is_link_local(uint8_t family, const Address& address) {
  return family == 6 && address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

void fill_prefix(const Prefix& prefix, uint8_t* address, uint8_t* mask) {
  Address ones;
  ones.fill(0xff);
  const size_t bytes = bits(prefix.family) / 8;
  std::memcpy(address, masked(prefix.address, prefix.length).data(), bytes);
  std::memcpy(mask, masked(ones, prefix.length).data(), bytes);
}

Result<Prefix> parse_prefix(std::string_view text, uint8_t family) {
  const std::string quoted = "'" + std::string(text) + "'";
  const Error not_one{Code::kAddressSpec,
                      quoted + (family == 4 ? " is not an IPv4 address or prefix like 10.0.0.0/8"
                                            : " is not an IPv6 address or prefix like 2001:db8::/32")};
  Prefix prefix{.family = family, .length = bits(family)};
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    auto [at, error] = std::from_chars(text.data() + slash + 1, end, prefix.length);
    if (slash + 1 == text.size() || error != std::errc{} || at != end || prefix.length > bits(family)) {
      return not_one;
    }
  }
  const std::string address(text.substr(0, slash));
  if (::inet_pton(family == 4 ? AF_INET : AF_INET6, address.c_str(), prefix.address.data()) != 1) {
    return not_one;
  }
  if (masked(prefix.address, prefix.length) != prefix.address) {
    return Error{Code::kAddressSpec,
                 quoted + " has bits set behind its prefix of " + std::to_string(prefix.length) + " bits"};
  }
  return prefix;
}

std::string to_text(uint8_t family, const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof text);
  return text;
}

std::string to_text(const Prefix& prefix) {
  return to_text(prefix.family, prefix.address) + "/" + std::to_string(prefix.length);
}

}  // namespace weft
