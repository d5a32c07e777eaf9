// SPDX-License-Identifier: Apache-2.0
// A second file, which knows the first by its functions only.
#include <stdint.h>

uint64_t count(void);
uint64_t recurse(uint64_t n);
static uint64_t (*const kFirst)(void) = count;

uint64_t twice(void) {
  kFirst();
  return count() + recurse(3);
}
