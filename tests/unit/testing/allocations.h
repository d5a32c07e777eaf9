// SPDX-License-Identifier: Apache-2.0
// Counts what a test program allocates: link testing/allocations.cc into it.
#pragma once

#include <cstdint>

namespace weft::testing {

// Calls of operator new in this program so far, in any thread.
uint64_t allocations();

}  // namespace weft::testing
