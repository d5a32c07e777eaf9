// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <algorithm>

namespace weft {

std::string at(std::string_view file, Place place, std::string_view sentence) {
  std::string text(file);
  if (place.line != 0) text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  return text + ": " + std::string(sentence);
}

const char* driver_name(const DriverConfig& driver) {
  static constexpr const char* kNames[] = {"af_packet", "tap", "udp", "pcap", "loop"};
  static_assert(std::size(kNames) == std::variant_size_v<DriverConfig>);
  return kNames[driver.index()];
}

namespace {

template <typename Items>
auto find_name(const Items& items, std::string_view name) {
  const auto found = std::ranges::find_if(items, [&](const auto& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const PartnerConfig* Config::find_partner(std::string_view wanted) const {
  return find_name(partners, wanted);
}
const WireConfig* Config::find_wire(std::string_view wanted) const { return find_name(wires, wanted); }

}  // namespace weft
