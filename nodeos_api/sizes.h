// SPDX-License-Identifier: Apache-2.0
// What an_sizeof() says of the objects that are the same in the node and behind Snow.
//
// Threads: pure functions.
#pragma once

#include <cstddef>

#include "nodeos_api/an.h"

namespace weft {

// 0 for another kind.
size_t size_of_shared(an_Kind kind);

}  // namespace weft
