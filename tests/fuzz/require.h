// SPDX-License-Identifier: Apache-2.0
// What must hold, in a fuzz target: where it does not, the process ends and names the line.
//
// Threads: any.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace weft::fuzz {

inline void require(bool condition, const char* what = "", const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: does not hold %s\n", file, line, what);
  std::abort();
}

}  // namespace weft::fuzz
