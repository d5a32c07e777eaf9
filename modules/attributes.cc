// SPDX-License-Identifier: Apache-2.0
#include "modules/attributes.h"

#include <charconv>

namespace weft {

namespace {

std::optional<uint32_t> parse_number(std::string_view text) {
  uint32_t n = 0;
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, n);
  if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
  return n;
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
  auto prefix = parse_prefix(attribute->value, family);
  if (!prefix) return context.attribute_error(*attribute, prefix.error().sentence);
  return std::optional<Prefix>(*prefix);
}

}  // namespace weft
