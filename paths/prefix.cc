// SPDX-License-Identifier: Apache-2.0
#include "paths/prefix.h"

#include <arpa/inet.h>

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

std::string to_text(uint8_t family, const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof text);
  return text;
}

std::string to_text(const Prefix& prefix) {
  return to_text(prefix.family, prefix.address) + "/" + std::to_string(prefix.length);
}

}  // namespace weft
