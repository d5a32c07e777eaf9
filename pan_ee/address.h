// SPDX-License-Identifier: Apache-2.0
// NodeAddress: where a PAN node is.  16 bytes, never taken apart on the way.  (PAN,
// section 4.9.1: 128 bits, so that code treats addresses as blocks of memory.)
//
//   2001:db8::1        IPv6
//   10.0.0.1           IPv4-mapped (RFC 4291 section 2.5.5.2): ::ffff:10.0.0.1
//   127.0.0.1:4000     a node of the UDP overlay: the port in bytes 8 and 9 of the mapped form
//
// Threads: a plain value.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace weft::pan {

struct NodeAddress {
  std::array<uint8_t, 16> bytes{};

  static NodeAddress at(const uint8_t* p) {
    NodeAddress a;
    std::memcpy(a.bytes.data(), p, 16);
    return a;
  }
  void write(uint8_t* p) const { std::memcpy(p, bytes.data(), 16); }

  // All zero: no node.
  bool none() const { return *this == NodeAddress{}; }

  friend bool operator==(const NodeAddress&, const NodeAddress&) = default;
};

// The node addresses that begin with the same bits.
struct Prefix {
  NodeAddress address;
  uint8_t length = 128;  // bits; the others of `address` are zero

  bool holds(const NodeAddress& a) const;
};

// Nothing when `text` is not an address.
std::optional<NodeAddress> parse_address(std::string_view text);
// "10.0.0.0/8", "2001:db8::/32", "127.0.0.1:4000", "0.0.0.0/0"; the length of an IPv4 prefix
// counts in its 32 bits.  "default" is every address of all three forms.
std::optional<Prefix> parse_prefix(std::string_view text);
std::string to_text(const NodeAddress& a);

}  // namespace weft::pan
