// SPDX-License-Identifier: Apache-2.0
// What an_sizeof() says.
//
// Threads: pure functions.
#pragma once

#include <cstddef>

#include "nodeos_api/an.h"

namespace weft {

// Of the objects that are the same in the node and behind Snow; 0 for another kind.
size_t size_of_shared(an_Kind kind);

// Of those too, and of the objects `Ts`, which are not.
template <typename... Ts>
size_t size_of(an_Kind kind) {
  size_t size = size_of_shared(kind);
  ((size = kind == Ts::kKind ? sizeof(Ts) : size), ...);
  return size;
}

}  // namespace weft
