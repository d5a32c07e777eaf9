// SPDX-License-Identifier: Apache-2.0
// Sized structures: a caller that knows fewer fields gets those, and one that knows
// more is told how many are valid.
#pragma once

#include <algorithm>
#include <cstring>

#include "nodeos_api/errors.h"

namespace weft {

// Fills as much of `*out` as out->size has room for.
template <typename T>
int fill_sized(T* out, T full) {
  if (out == nullptr || out->size < sizeof full.size) {
    return fail(AN_EINVAL, "the structure to be filled must begin with its size");
  }
  full.size = std::min(out->size, sizeof full);
  std::memcpy(out, &full, full.size);
  return AN_OK;
}

}  // namespace weft
