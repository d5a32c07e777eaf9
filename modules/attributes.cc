// SPDX-License-Identifier: Apache-2.0
#include "modules/attributes.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace weft {

namespace {

std::optional<uint32_t> parse_number(std::string_view text) {
  uint32_t n = 0;
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, n);
  if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
  return n;
}

std::optional<Prefix> parse_prefix(std::string_view text, uint8_t family) {
  Prefix prefix{.family = family, .length = bits(family)};
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto length = parse_number(text.substr(slash + 1));
    if (!length || *length > prefix.length) return std::nullopt;
    prefix.length = uint8_t(*length);
  }
  const std::string address(text.substr(0, slash));
  if (::inet_pton(family == 4 ? AF_INET : AF_INET6, address.c_str(), prefix.address.data()) != 1)
    return std::nullopt;
  return prefix;
}

}  // namespace

Result<std::optional<uint32_t>> number_attribute(const StageContext& context, std::string_view name,
                                                 uint32_t least, uint32_t most) {
  const Attribute* attribute = context.side.find(name);
  if (attribute == nullptr) return std::optional<uint32_t>{};
  const auto n = parse_number(attribute->value);
  if (!n || *n < least || *n > most) {
    return context.attribute_error(*attribute, "'" + attribute->name + "' takes a number from " +
                                                   std::to_string(least) + " to " + std::to_string(most) +
                                                   ", not '" + attribute->value + "'");
  }
  return n;
}

Result<std::optional<Prefix>> prefix_attribute(const StageContext& context, std::string_view name,
                                               uint8_t family) {
  const Attribute* attribute = context.side.find(name);
  if (attribute == nullptr) return std::optional<Prefix>{};
  const auto prefix = parse_prefix(attribute->value, family);
  if (!prefix) {
    return context.attribute_error(*attribute,
                                   "'" + attribute->name + "' takes an " +
                                       (family == 4 ? "IPv4 address or prefix like 10.0.0.0/8"
                                                    : "IPv6 address or prefix like 2001:db8::/32") +
                                       ", not '" + attribute->value + "'");
  }
  if (masked(prefix->address, prefix->length) != prefix->address) {
    return context.attribute_error(*attribute, "'" + attribute->value +
                                                   "' has bits set behind its prefix of " +
                                                   std::to_string(prefix->length) + " bits");
  }
  return prefix;
}

void fill_prefix(const Prefix& prefix, uint8_t* address, uint8_t* mask) {
  Address ones;
  ones.fill(0xff);
  const size_t bytes = bits(prefix.family) / 8;
  std::memcpy(address, masked(prefix.address, prefix.length).data(), bytes);
  std::memcpy(mask, masked(ones, prefix.length).data(), bytes);
}

}  // namespace weft
