// SPDX-License-Identifier: Apache-2.0
#include "pan_ee/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace weft::pan {

namespace {

// All of `text` as a decimal number.
std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || n > most)
    return std::nullopt;
  return n;
}

// Zero bits from bit `length` on.
void clear_behind(NodeAddress& a, unsigned length) {
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = length > 8 * i ? std::min(8u, length - 8 * i) : 0;
    a.bytes[i] &= uint8_t(0xff00u >> kept);
  }
}

bool is_mapped(const NodeAddress& a) {
  const bool low = std::all_of(a.bytes.begin(), a.bytes.begin() + 8, [](uint8_t b) { return b == 0; });
  return low && a.bytes[10] == 0xff && a.bytes[11] == 0xff;
}

}  // namespace

bool Prefix::holds(const NodeAddress& a) const {
  NodeAddress front = a;
  clear_behind(front, length);
  return front == address;
}

std::optional<NodeAddress> parse_address(std::string_view text) {
  NodeAddress a;
  const std::string whole(text);
  if (::inet_pton(AF_INET6, whole.c_str(), a.bytes.data()) == 1) return a;
  a = {};
  a.bytes[10] = a.bytes[11] = 0xff;
  const size_t colon = whole.find(':');
  if (::inet_pton(AF_INET, whole.substr(0, colon).c_str(), a.bytes.data() + 12) != 1) return std::nullopt;
  if (colon == std::string::npos) return a;
  const auto port = number(text.substr(colon + 1), 65535);
  if (!port || *port == 0) return std::nullopt;
  a.bytes[8] = uint8_t(*port >> 8);
  a.bytes[9] = uint8_t(*port);
  return a;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  if (text == "default") return Prefix{{}, 0};
  const size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix{*address, 128};
  const bool ip4 = text.find('.') < text.find(':');  // not so in ::ffff:10.0.0.0
  const auto length = number(text.substr(slash + 1), ip4 ? 32 : 128);
  if (!length) return std::nullopt;
  Prefix p{*address, uint8_t(*length + (ip4 ? 96 : 0))};
  clear_behind(p.address, p.length);
  if (p.address != *address) return std::nullopt;  // bits behind the prefix: a slip of the pen
  return p;
}

std::string to_text(const NodeAddress& a) {
  char text[INET6_ADDRSTRLEN];
  const unsigned port = unsigned{a.bytes[8]} << 8 | a.bytes[9];
  if (is_mapped(a)) {
    ::inet_ntop(AF_INET, a.bytes.data() + 12, text, sizeof text);
    return port == 0 ? text : std::string(text) + ":" + std::to_string(port);
  }
  ::inet_ntop(AF_INET6, a.bytes.data(), text, sizeof text);
  return text;
}

}  // namespace weft::pan
