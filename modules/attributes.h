// SPDX-License-Identifier: Apache-2.0
// Reading the attributes of path texts: numbers and addresses, of either family.
//
// Threads: the control thread.
#pragma once

#include <optional>

#include "paths/module.h"
#include "paths/prefix.h"

namespace weft {

// The attribute `name` of the context's side; empty when it is not there.
// Errors: kAddressSpec: not a number from `least` to `most`.
Result<std::optional<uint32_t>> number_attribute(const StageContext& context, std::string_view name,
                                                 uint32_t least, uint32_t most);

// The same for a prefix, or an address, which is its longest: "10.0.0.0/8", "10.0.0.1",
// "2001:db8::/32".
// Errors: kAddressSpec: not an address of that family, or bits set behind the prefix.
Result<std::optional<Prefix>> prefix_attribute(const StageContext& context, std::string_view name,
                                               uint8_t family);

}  // namespace weft
