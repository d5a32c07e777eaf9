// SPDX-License-Identifier: Apache-2.0
#include "nodeos_api/path_grant.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "paths/prefix.h"

namespace weft {

namespace {

struct Range {
  uint64_t least, most;
};

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, n);
  if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
  return n;
}

// "7", "7000-7999".
std::optional<Range> range_in(std::string_view text) {
  const size_t dash = text.find('-');
  const auto least = number_in(text.substr(0, dash));
  const auto most = dash == text.npos ? least : number_in(text.substr(dash + 1));
  if (!least || !most || *least > *most) return std::nullopt;
  return Range{*least, *most};
}

bool looks_like_range(std::string_view text) {
  return text.find('-') != text.npos && text.find_first_not_of("0123456789-") == text.npos;
}

bool lies_within(std::string_view value, std::string_view granted) {
  if (value == granted) return true;
  if (const auto range = range_in(granted)) {
    const auto number = number_in(value);
    return number && *number >= range->least && *number <= range->most;
  }
  const uint8_t family = granted.find(':') != granted.npos ? 6 : 4;
  const auto outer = parse_prefix(granted, family), inner = parse_prefix(value, family);
  return outer && inner && inner->length >= outer->length &&
         masked(inner->address, outer->length) == outer->address;
}

// The text with one number of each range, and spaces behind it, so that columns stay.
std::string with_numbers(std::string text, const PathSpec& spec, uint64_t Range::*which) {
  for (const PathSide* side : {&spec.near, &spec.far}) {
    for (const Attribute& a : side->attributes) {
      const auto range = range_in(a.value);
      if (!range) continue;
      size_t begin = text.find(a.value, text.find('=', a.column - 1));
      size_t length = a.value.size();
      if (text[begin - 1] == '"') {
        --begin;
        length += 2;
      }
      std::string number = std::to_string((*range).*which);
      number.resize(length, ' ');
      text.replace(begin, length, number);
    }
  }
  return text;
}

bool side_permits(const PathSide& granted, const PathSide& asked) {
  const bool same_chain =
      std::ranges::equal(granted.chain, asked.chain, {}, &ChainLink::name, &ChainLink::name);
  return same_chain && std::ranges::all_of(granted.attributes, [&](const Attribute& g) {
           const Attribute* a = asked.find(g.name);
           return a != nullptr && lies_within(a->value, g.value);
         });
}

}  // namespace

Result<PathGrant> PathGrant::parse(std::string_view text) {
  auto spec = parse_path(text);
  if (!spec) return spec.error();
  for (const PathSide* side : {&spec->near, &spec->far}) {
    for (const Attribute& a : side->attributes) {
      if (!looks_like_range(a.value) || range_in(a.value)) continue;
      return path_error(Code::kAddressSpec, text, a.column,
                        "'" + a.value + "' is not a range: two numbers, the smaller one first");
    }
  }
  return PathGrant(std::string(text), *std::move(spec));
}

std::vector<std::string> PathGrant::examples() const {
  std::vector<std::string> all{with_numbers(text_, spec_, &Range::least)};
  if (std::string last = with_numbers(text_, spec_, &Range::most); last != all.front()) {
    all.push_back(std::move(last));
  }
  return all;
}

bool PathGrant::permits(const PathSpec& path) const {
  return side_permits(spec_.near, path.near) && side_permits(spec_.far, path.far);
}

}  // namespace weft
