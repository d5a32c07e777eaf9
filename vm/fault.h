// SPDX-License-Identifier: Apache-2.0
// Fault: why a program was stopped.
#pragma once

#include <cstdint>

namespace weft::vm {

enum class Fault : uint32_t {
  kNone,
  kBudget,       // used up what it was given
  kDepth,        // more than kFrames calls deep
  kAccess,       // touched what is not mapped, or wrote what is read-only
  kAlignment,    // an atomic operation on an address that is not a multiple of its size
  kBadCall,      // called a number that is no function
  kHelperRange,  // gave a helper a range that is not its own
  kRefused,      // a helper refused to go on
  kGate,         // a program behind a gate faulted, or may not be entered now
};
inline constexpr unsigned kFaults = 9;

// "budget", "depth" ...
const char* to_text(Fault fault);

}  // namespace weft::vm
