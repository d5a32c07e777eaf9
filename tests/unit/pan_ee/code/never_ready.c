/* SPDX-License-Identifier: Apache-2.0 */
#include "pni.h"

void init(void) {
  for (volatile uint32_t i = 0; i < 0xffffffff; ++i) {
  }
}
void accept(pniStream* capsule, uint32_t length) {}
