/* SPDX-License-Identifier: Apache-2.0 */
#include "pni.h"

uint32_t window(void) { return PNI_MAX_WINDOW + 1; }
void accept(pniStream* capsule, uint32_t length) {}
